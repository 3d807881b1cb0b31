# ruff: noqa: D102 - every method is named for the rule of the grammar whose parts it gets.
"""Parsed BTQL expressions to the syntax tree; :mod:`btql_grammar.reader` adds the clauses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from btql_grammar import build, quotes, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.lexer import Token
from btql_grammar.span import Span

Parts = list[Any]


class Piece(NamedTuple):
    """One step behind a value, and where it ends."""

    step: tree.Expression
    end: int


class TypeName(NamedTuple):
    """What stands behind ``::``."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Branch:
    """``WHEN condition THEN then``."""

    condition: tree.Expression
    then: tree.Expression


class ExpressionReader:
    """Builds the nodes of expressions; each method gets the parts that its rule keeps."""

    # Operators.

    def expression(self, parts: Parts) -> tree.Expression:
        """``a ? b : c ? d : e``: the parts without the signs between them."""
        branches = zip(parts[:-1:2], parts[1::2], strict=True)
        return build.if_(branches, parts[-1], parts[0].span.to(parts[-1].span))

    def disjunction(self, parts: Parts) -> tree.Expression:
        return build.connect("or", parts, parts[0].span.to(parts[-1].span))

    def conjunction(self, parts: Parts) -> tree.Expression:
        return build.connect("and", parts, parts[0].span.to(parts[-1].span))

    def not_(self, parts: Parts) -> tree.Expression:
        return tree.Not(parts[1], span=parts[0].span.to(parts[1].span))

    def comparison(self, parts: Parts) -> tree.Expression:
        left, operator, right = parts[0], parts[-2], parts[-1]
        made = build.compare(operator.text.lower(), left, right, left.span.to(right.span))
        return build.maybe_not(made, negated=len(parts) == 4)  # The fourth part is NOT.

    def is_(self, parts: Parts) -> tree.Expression:
        left, right = parts[0], parts[-1]
        negated = len(parts) == 4  # The fourth part is NOT.
        return build.is_(left, right, left.span.to(right.span), negated=negated)

    def null_test(self, parts: Parts) -> tree.Expression:
        left, token = parts
        return tree.IsNull(left, negated=token.text.lower() == "isnotnull", span=left.span.to(token.span))

    def between(self, parts: Parts) -> tree.Expression:
        value, low, high = parts[0], parts[-2], parts[-1]
        made = build.between(value, low, high, value.span.to(high.span))
        return build.maybe_not(made, negated=len(parts) == 5)  # The fifth part is NOT.

    def arithmetic(self, parts: Parts) -> tree.Expression:
        left: tree.Expression = parts[0]
        for operator, right in zip(parts[1::2], parts[2::2], strict=True):
            left = tree.Arithmetic(build.ARITHMETIC[operator.text], left, right, span=left.span.to(right.span))
        return left

    def negative(self, parts: Parts) -> tree.Expression:
        return build.negative(parts[1], parts[0].span.to(parts[1].span))

    def group(self, parts: Parts) -> tree.Expression:
        return build.spanned(parts[1], parts[0].span.to(parts[2].span))

    # Paths and postfixes.

    def path(self, parts: Parts) -> tree.Expression:
        first, *pieces = parts
        steps: list[str | int] = [text_of(first)]
        for piece in pieces:
            if not isinstance(piece.step, tree.Literal) or type(piece.step.value) not in (int, str):
                break
            made = build.subscript(tree.Identifier(()), piece.step, piece.step.span)
            assert isinstance(made, tree.Identifier), "a fixed step makes a path longer"
            steps += made.path
        known = len(steps) - 1
        end = pieces[known - 1].end if known else first.end
        return _follow(tree.Identifier(tuple(steps), span=Span(first.start, end)), pieces[known:])

    def subscript(self, parts: Parts) -> tree.Expression:
        return _follow(parts[0], parts[1:])

    def name_piece(self, parts: Parts) -> Piece:
        name = parts[0]
        return Piece(tree.Literal(text_of(name), span=name.span), name.end)

    def index_piece(self, parts: Parts) -> Piece:
        return Piece(parts[0], parts[1].end)

    def cast(self, parts: Parts) -> tree.Expression:
        expression, name = parts
        return build.cast(expression, name.text, expression.span.to(name.span), name.span)

    def cast_call(self, parts: Parts) -> tree.Expression:
        function, _, expression, name, end = parts
        if function.text.lower() not in ("cast", "try_cast"):
            raise BtqlError.of(
                "B0101",
                f"an argument of `{function.text}` cannot have a name",
                name.span,
                "a name behind an argument",
                help="remove `as` and the name; a conversion is written `cast(x as number)`",
            )
        return build.cast(expression, name.text, function.span.to(end.span), name.span)

    def type(self, parts: Parts) -> TypeName:
        texts = [part.text for part in parts]
        opening = texts.index("(") if "(" in texts else len(texts)
        closing = texts.index(")") if ")" in texts else len(texts)
        sizes = f"({','.join(texts[opening + 1 : closing])})" if opening < closing else ""
        brackets = "[]" * texts.count("[]")
        words = [text for text in texts[:opening] if text != "[]"]
        return TypeName(" ".join(words) + sizes + brackets, parts[0].span.to(parts[-1].span))

    # Operands.

    def word_literal(self, parts: Parts) -> tree.Literal:
        value = {"NULL": None, "TRUE": True, "FALSE": False}[parts[0].type]
        return tree.Literal(value, span=parts[0].span)

    def parameter(self, parts: Parts) -> tree.Parameter:
        return build.parameter(parts[0].text, parts[0].span)

    def number(self, parts: Parts) -> tree.Literal:
        return build.number(parts[0].text, parts[0].span)

    def text(self, parts: Parts) -> tree.Literal:
        token = parts[0]
        double = token.type == "DOUBLE_QUOTED"
        return tree.Literal(quotes.unquoted(token.text, token.start), span=token.span, double_quoted=double)

    def call(self, parts: Parts) -> tree.Expression:
        name, _, *arguments, end = parts
        distinct = bool(arguments) and isinstance(arguments[0], Token)
        call = tree.Call(
            text_of(name).lower(),
            tuple(arguments[distinct:]),
            distinct=distinct,
            span=name.span.to(end.span),
            name_span=name.span,
        )
        # `"div"(a, b)` calls the function, where `div(a, b)` is the operator.
        return call if name.type == "DOUBLE_QUOTED" else build.word_operator(call)

    def star(self, parts: Parts) -> tree.Star:
        return tree.Star(span=parts[0].span)

    def array(self, parts: Parts) -> tree.Array:
        return tree.Array(tuple(parts[1:-1]), span=parts[0].span.to(parts[-1].span))

    def object(self, parts: Parts) -> tree.Object:
        return tree.Object(tuple(parts[1:-1]), span=parts[0].span.to(parts[-1].span))

    def pair(self, parts: Parts) -> tuple[str, tree.Expression]:
        return text_of(parts[0]), parts[1]

    def interval(self, parts: Parts) -> tree.Interval:
        amount, unit = parts[-2], parts[-1]
        span = parts[0].span.to(unit.span)
        literal = build.number(amount.text, amount.span).value
        assert isinstance(literal, int), "the lexer calls it an integer"
        return build.interval(-literal if parts[1].type == "MINUS" else literal, unit.text, span, unit.span)

    def bad_interval(self, parts: Parts) -> tree.Interval:
        span = parts[0].span.to(parts[-1].span)
        amount = parts[-2] if parts[-1].type == "ANY_NAME" else parts[-1]
        said = "7 day"
        if amount.type != "FLOAT":
            words = quotes.unquoted(amount.text, amount.start)
            if parts[-1].type == "ANY_NAME":
                words = f"{words} {parts[-1].text}"
            known = build.interval_text(words)
            if known is not None:
                said = f"{known[0]} {known[1]}"
        raise BtqlError.of(
            "B0106",
            "an interval is a whole number and a unit, without quotes",
            span,
            "not an interval",
            help=f"write `interval {said}`",
        )

    def case(self, parts: Parts) -> tree.Expression:
        span = parts[0].span.to(parts[-1].span)
        branches = [(part.condition, part.then) for part in parts if isinstance(part, Branch)]
        if not isinstance(parts[1], Branch):
            subject = parts[1]
            branches = [(build.compare("=", subject, value, value.span), then) for value, then in branches]
        has_else = isinstance(parts[-3], Token) and parts[-3].type == "ELSE"
        return build.if_(branches, parts[-2] if has_else else tree.Literal(None, span=span), span)

    def branch(self, parts: Parts) -> Branch:
        return Branch(parts[0], parts[1])


def text_of(token: Token) -> str:
    """Return the name a token gives: as it stands, or what its quotes hold."""
    return quotes.unquoted(token.text, token.start) if token.text[0] in "'\"" else token.text


def _follow(value: tree.Expression, pieces: list[Piece]) -> tree.Expression:
    for piece in pieces:
        value = build.subscript(value, piece.step, Span(value.span.start, piece.end))
    return value
