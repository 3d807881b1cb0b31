# ruff: noqa: D102 - every method is named for the rule of the grammar whose parts it gets.
"""Parsed BTQL to the syntax tree.

Each method of :class:`Reader` builds the node of one rule in ``btql.lark``, from
the parts that rule keeps: tokens, and nodes already built. ``query`` comes last
and puts the clauses together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError, Label
from btql_grammar.lalr import Builders
from btql_grammar.lexer import Token
from btql_grammar.span import Span

Parts = list[Any]


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the query: its name, the place of its head, and its body."""

    name: str
    head: Span
    body: Any
    span: Span
    distinct: bool = False


class Piece(NamedTuple):
    """One step of a path and where it ends."""

    key: str | int
    end: int


@dataclass(frozen=True, slots=True)
class Branch:
    """``WHEN condition THEN then``."""

    condition: tree.Expression
    then: tree.Expression


class Reader:
    """Builds nodes; see the module's docstring."""

    # Clauses.

    def query(self, clauses: list[Clause]) -> tree.Query:
        seen: dict[str, Clause] = {}
        for clause in clauses:
            if clause.name in seen:
                raise BtqlError.of(
                    "B0104",
                    f"clause `{clause.name}` is given twice",
                    clause.head,
                    "given again here",
                    secondary=(Label(seen[clause.name].head, "first given here"),),
                    help=_MERGE.get(clause.name, "keep one of them"),
                )
            seen[clause.name] = clause
        if not seen.keys() & {"select", "dimensions", "measures"}:
            raise BtqlError.of(
                "B0112",
                "the query selects nothing",
                clauses[0].head,
                "a query without select, dimensions or measures",
                help="add `select: *`",
            )
        bodies = {name: clause.body for name, clause in seen.items()}
        if "from" in bodies:
            bodies["source"] = bodies.pop("from")
        span = clauses[0].span.to(clauses[-1].span)
        distinct = "select" in seen and seen["select"].distinct
        return tree.Query(**bodies, distinct=distinct, span=span, language="btql")

    def select_clause(self, parts: Parts) -> Clause:
        head, *items = parts
        distinct = isinstance(items[0], Token)
        return _clause(head, tuple(items[distinct:]), items[-1].span, distinct=distinct)

    def list_clause(self, parts: Parts) -> Clause:
        head, *items = parts
        return _clause(head, tuple(items), items[-1].span)

    def single_clause(self, parts: Parts) -> Clause:
        head, body = parts
        return _clause(head, body, body.span)

    def count_clause(self, parts: Parts) -> Clause:
        head, token = parts
        return _clause(head, build.count(token.text, head.text.lower(), token.span), token.span)

    def item(self, parts: Parts) -> tree.Item:
        expression = parts[0]
        if len(parts) == 1:
            return tree.Item(expression, span=expression.span)
        return tree.Item(expression, _name(parts[1]), span=expression.span.to(parts[1].span))

    def source(self, parts: Parts) -> tree.From:
        kind: Token = parts[0]
        arguments = tuple(build.unquote(p.text, p.start) for p in parts if p.type in ("STRING", "DOUBLE_QUOTED"))
        shapes = [p for p in parts if p.type == "SHAPE"]
        return tree.From(
            kind.text.lower(),
            arguments,
            build.shape(shapes[0].text, shapes[0].span) if shapes else "spans",
            span=kind.span.to(parts[-1].span),
            alias=parts[-1].text if parts[-1].type == "ANY_NAME" else None,
        )

    def sort_item(self, parts: Parts) -> tree.SortItem:
        expression, *words = parts
        given = [word.type for word in words]
        descending = any(word.type == "DIRECTION" and word.text.lower() == "desc" for word in words)
        return tree.SortItem(
            expression,
            "desc" if descending else "asc",
            nulls="first" if "FIRST" in given else "last" if "LAST" in given else None,
            span=expression.span.to(parts[-1].span),
        )

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

    def cast(self, parts: Parts) -> tree.Expression:
        expression, name = parts
        return build.cast(expression, name.text, expression.span.to(name.span), name.span)

    # Operands.

    def word_literal(self, parts: Parts) -> tree.Literal:
        value = {"NULL": None, "TRUE": True, "FALSE": False}[parts[0].type]
        return tree.Literal(value, span=parts[0].span)

    def number(self, parts: Parts) -> tree.Literal:
        return build.number(parts[0].text, parts[0].span)

    def text(self, parts: Parts) -> tree.Literal:
        token = parts[0]
        double = token.type == "DOUBLE_QUOTED"
        return tree.Literal(build.unquote(token.text, token.start), span=token.span, double_quoted=double)

    def path(self, parts: Parts) -> tree.Identifier:
        first, *pieces = parts
        end = pieces[-1].end if pieces else first.end
        return tree.Identifier((_name(first), *(piece.key for piece in pieces)), span=Span(first.start, end))

    def name_piece(self, parts: Parts) -> Piece:
        return Piece(_name(parts[0]), parts[-1].end)

    def index_piece(self, parts: Parts) -> Piece:
        number = parts[-2]
        index = build.count(number.text, "index", number.span)
        return Piece(-index if parts[0].type == "MINUS" else index, parts[-1].end)

    def call(self, parts: Parts) -> tree.Call:
        name, _, *arguments, end = parts
        distinct = bool(arguments) and isinstance(arguments[0], Token)
        return tree.Call(
            name.text.lower(),
            tuple(arguments[distinct:]),
            distinct=distinct,
            span=name.span.to(end.span),
            name_span=name.span,
        )

    def star(self, parts: Parts) -> tree.Star:
        return tree.Star(span=parts[0].span)

    def array(self, parts: Parts) -> tree.Array:
        return tree.Array(tuple(parts[1:-1]), span=parts[0].span.to(parts[-1].span))

    def object(self, parts: Parts) -> tree.Object:
        return tree.Object(tuple(parts[1:-1]), span=parts[0].span.to(parts[-1].span))

    def pair(self, parts: Parts) -> tuple[str, tree.Expression]:
        return _name(parts[0]), parts[1]

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
            words = build.unquote(amount.text, amount.start)
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


BUILDERS: Builders = {
    name: method for name, method in ((name, getattr(Reader(), name)) for name in vars(Reader)) if callable(method)
}
"""The methods by the names the grammar uses."""

_MERGE = {
    "filter": "join the two conditions with `and`",
    "final_filter": "join the two conditions with `and`",
    "select": "list everything in one select, separated by commas",
    "dimensions": "list all dimensions in one clause, separated by commas",
    "measures": "list all measures in one clause, separated by commas",
    "sort": "list all sort keys in one clause, separated by commas",
}


def _clause(head: Token, body: object, end: Span, *, distinct: bool = False) -> Clause:
    return Clause(head.text.lower(), head.span, body, head.span.to(end), distinct)


def _name(token: Token) -> str:
    """Return the name a token gives: as it stands, or what its quotes hold."""
    return build.unquote(token.text, token.start) if token.text[0] in "'\"" else token.text
