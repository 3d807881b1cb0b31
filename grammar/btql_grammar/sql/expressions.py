"""The operators of our SQL dialect.

Precedence climbing, straight into the tree. That keeps both languages to the letter
the same: one table of precedences, comparisons that do not chain, and an exact span
for every node. Operands are in :mod:`btql_grammar.sql.operands`.

Operators of Postgres that BTQL has not (``->``, ``@>``, ``||``) bind as there: looser
than ``+``, closer than a comparison. Only parentheses, calls and prefix operators
recurse; chains of operators loop.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal as Choice
from typing import cast

from btql_grammar import build, tree
from btql_grammar.dates import moved_by_days
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql.calls import CallParser
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.texts import like_pattern, similar_pattern

_OR, _AND, _NOT, _COMPARISON, _OTHER, _SUM, _PRODUCT, _POWER, _UNARY = range(1, 10)
JSON_OPERATORS: tuple[tree.JsonOp, ...] = ("->", "->>", "#>", "#>>", "@>", "<@", "?", "?|", "?&")
_REGEXPS = ("~", "~*", "!~", "!~*")
_LEVELS = (
    {"or": _OR, "and": _AND, "||": _OTHER, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}
    | {"^": _POWER}
    | dict.fromkeys((*JSON_OPERATORS, "&&"), _OTHER)
    | dict.fromkeys((*build.OPERATORS, *_REGEXPS), _COMPARISON)
    | dict.fromkeys(("is", "between", "isnull", "isnotnull", "notnull", "includes", "contains", "similar"), _COMPARISON)
)
_NEGATABLE = ("in", "like", "ilike", "match", "between", "includes", "contains", "similar")
_ANY_OR_ALL = {"any": "any", "some": "any", "all": "all"}


class ExpressionParser(CallParser):
    """Reads operators; the statement around them is read by :mod:`btql_grammar.sql.statements`."""

    def read_expression(self) -> tree.Expression:
        """Return the expression that comes next, choices included."""
        condition = self._operators(_OR)
        if not self.at("?"):
            return condition
        self.step()
        branches = [(condition, self.read_expression())]
        self._choice_colon()
        # A chain of choices continues in a loop; only what stands between `?` and `:` recurses.
        otherwise = self._operators(_OR)
        while self.accept("?"):
            branches.append((otherwise, self.read_expression()))
            self._choice_colon()
            otherwise = self._operators(_OR)
        return build.if_(branches, otherwise, condition.span.to(otherwise.span))

    def read_factor(self) -> tree.Expression:
        """Return the operand that comes next with all operators that bind closer than comparisons."""
        return self._operators(_OTHER)

    def read_unary(self) -> tree.Expression:
        """Return the operand that comes next with its sign and its casts."""
        return self._prefixed(_UNARY)

    def _choice_colon(self) -> None:
        if not self.accept(":"):
            self.fail("`:`", "a choice is written `condition ? value : other value`")

    @cached_property
    def _choices(self) -> frozenset[int]:
        """The places in the list of tokens of those ``?`` that begin a choice: a colon belongs to them.

        Any other is the operator ``?`` of JSON. Colons take the nearest mark before them,
        as closing brackets do; a comma or a bracket ends the search.
        """
        found: list[int] = []
        levels: list[list[int]] = [[]]
        for index, token in enumerate(self.tokens):
            match token.word:
                case "(" | "[" | "{":
                    levels.append([])
                case ")" | "]" | "}":
                    levels.pop()
                    levels = levels or [[]]
                case ",":
                    levels[-1].clear()
                case "?":
                    levels[-1].append(index)
                case ":" if levels[-1]:
                    found.append(levels[-1].pop())
                case _:
                    pass
        return frozenset(found)

    def _operators(self, level: int) -> tree.Expression:
        left = self._prefixed(level)
        while (ahead := self._level_ahead(left)) >= level:
            if ahead in (_OR, _AND):
                left = self._connected(left, ahead)
            elif ahead == _COMPARISON:
                left = self._compared(left)
                self._refuse_chain()
            elif ahead == _OTHER:
                left = self._other(left)
            else:
                operator = self.step()
                right = self._operators(ahead + 1)
                span = left.span.to(right.span)
                if operator.word == "^":
                    left = tree.Call("power", (left, right), span=span, name_span=operator.span)
                else:
                    name = build.ARITHMETIC[operator.word]
                    left = tree.Arithmetic(name, *moved_by_days(name, left, right), span=span)
        return left

    def _refuse_chain(self) -> None:
        ahead = self._level_ahead()
        if ahead > _COMPARISON:
            # What ends in a list or a test, as `a in (1)`, is no operand of arithmetic.
            self.fail("AND, OR or the end of the expression", "put the comparison in parentheses")
        if ahead == _COMPARISON:
            raise BtqlError.of(
                "B0101", "comparisons cannot be chained", self.here(), "a second comparison",
                help="write two comparisons joined by AND, or put one of them in parentheses",
            )  # fmt: skip

    def _level_ahead(self, left: tree.Expression | None = None) -> int:
        word = self.word
        level = _LEVELS.get(word, 0)
        if level:
            other = (word == "?" and self.index in self._choices) or (word == "similar" and self.ahead().word != "to")
            return 0 if other or (word == "&&" and not (_is_array(left) or self._is_array_ahead())) else level
        if word == "not" and self.ahead().word in _NEGATABLE:
            return _COMPARISON
        if word == "overlaps" and self.ahead().word == "(":
            way_out = "write `start_1 < end_2 AND start_2 < end_1`"
            raise unsupported("OVERLAPS", self.here(), way_out)
        return 0

    def _is_array_ahead(self) -> bool:
        """Whether an array is written behind `&&`, or a parameter; who writes anything else means AND."""
        behind = self.ahead()
        return behind.word in ("array", "[", "$", "?", ":") or self.text_of(behind).startswith("'{")

    def _prefixed(self, level: int) -> tree.Expression:
        word, start = self.word, self.here()
        if word == "not" and level <= _NOT:
            self.step()
            expression = self._operators(_NOT)
            return tree.Not(expression, span=start.to(expression.span))
        if word == "-":
            self.step()
            expression = self._prefixed(_UNARY)
            return build.negative(expression, start.to(expression.span))
        if word == "+":
            self.step()
            expression = self._prefixed(_UNARY)
            return build.spanned(expression, start.to(expression.span))
        return self.follow(self.read_operand())

    def _connected(self, left: tree.Expression, level: int) -> tree.Expression:
        word = self.word
        children = [left]
        while self.accept(word):
            children.append(self._operators(level + 1))
        return build.connect("or" if level == _OR else "and", children, left.span.to(children[-1].span))

    def _other(self, left: tree.Expression) -> tree.Expression:
        operator = self.word
        if operator != "||":
            self.step()
            right = self._operators(_SUM)
            # Of lists of texts, that they share one is what `?|` says.
            op = cast("tree.JsonOp", "?|" if operator == "&&" else operator)
            return tree.JsonOperator(op, left, right, span=left.span.to(right.span))
        parts, place = [left], self.here()
        while self.accept("||"):
            parts.append(self._operators(_SUM))
        return tree.Call("textcat", tuple(parts), span=left.span.to(parts[-1].span), name_span=place)

    def _compared(self, left: tree.Expression) -> tree.Expression:
        negated = self.accept("not")
        place, operator = self.here(), self.step().word
        match operator:
            case "includes" | "contains":
                raise BtqlError.of(
                    "B0111", f"{operator.upper()} is an operator of BTQL, not of SQL", place, "not supported in SQL",
                    help=f"write `tags IN ('x')`, or call `{operator}(tags, 'x')`",
                )  # fmt: skip
            case "isnull" | "isnotnull" | "notnull":
                return tree.IsNull(left, negated=operator != "isnull", span=left.span.to(place))
            case "is":
                return self._is(left)
            case "between":
                made = self._between(left)
            case "in":
                made = self._in(left)
            case "~" | "~*" | "!~" | "!~*":
                made, negated = self._matches(left, operator, place), operator.startswith("!")
            case "similar":
                made = self._similar(left, place)
            case _:
                made = self._against_value(left, operator)
        return build.maybe_not(made, negated=negated)

    def _against_value(self, left: tree.Expression, operator: str) -> tree.Expression:
        quantifier = _ANY_OR_ALL.get(self.word)
        if quantifier is not None and self.ahead().word == "(":
            return self._quantified(left, operator, "all" if quantifier == "all" else "any")
        right = self._operators(_OTHER)
        if operator in ("like", "ilike") and self.at("escape"):
            right = self._escaped(right)
        return build.compare(operator, left, right, left.span.to(right.span))

    def _quantified(self, left: tree.Expression, operator: str, quantifier: Choice["any", "all"]) -> tree.Expression:
        self.step()
        start = self.step().span
        right: tree.Statement | tree.Expression
        inside = self.read_query_or_list()
        if not isinstance(inside, list):
            right = inside
        elif len(inside) == 1:
            right = inside[0]
        else:
            right = tree.Array(tuple(inside), span=start.to(self.here()))
        self.require(")")
        return tree.Quantified(build.OPERATORS[operator], left, quantifier, right, span=self.since(left.span))

    def _between(self, left: tree.Expression) -> tree.Expression:
        symmetric = self.at("symmetric") and self.ahead().word != "and"
        if symmetric or (self.at("asymmetric") and self.ahead().word != "and"):
            self.step()
        low = self._operators(_OTHER)
        if not self.accept("and"):
            self.fail("`AND`", "write `a BETWEEN 1 AND 2`")
        high = self._operators(_OTHER)
        span = left.span.to(high.span)
        made = build.between(left, low, high, span)
        return build.connect("or", [made, build.between(left, high, low, span)], span) if symmetric else made

    def _in(self, left: tree.Expression) -> tree.Expression:
        if not self.at("("):
            right = self.follow(self.read_operand())
            return build.compare("in", left, right, left.span.to(right.span))
        start = self.step().span
        inside = self.read_query_or_list()
        self.require(")")
        span = self.since(left.span)
        if not isinstance(inside, list):
            return tree.InQuery(left, inside, span=span)
        return build.compare("in", left, tree.Array(tuple(inside), span=self.since(start)), span)

    def _matches(self, left: tree.Expression, operator: str, place: Span) -> tree.Expression:
        right = self._operators(_OTHER)
        span = left.span.to(right.span)
        flags = (tree.Literal("i", span=place),) if operator.endswith("*") else ()
        return tree.Call("regexp_like", (left, right, *flags), span=span, name_span=place)

    def _similar(self, left: tree.Expression, place: Span) -> tree.Expression:
        self.require("to")
        pattern = self._operators(_OTHER)
        escape, text = self._escape_character("\\"), self._fixed_text(pattern, "SIMILAR TO")
        regexp = tree.Literal(similar_pattern(text, escape, pattern.span), span=pattern.span)
        return tree.Call("regexp_like", (left, regexp), span=self.since(left.span), name_span=place)

    def _escaped(self, pattern: tree.Expression) -> tree.Expression:
        escape = self._escape_character("\\")
        span = self.since(pattern.span)
        if isinstance(pattern, tree.Literal) and isinstance(pattern.value, str):
            return tree.Literal(like_pattern(pattern.value, escape, pattern.span), span=span)
        return _escaped_when_run(pattern, escape, span)

    def _escape_character(self, default: str) -> str:
        if not self.accept("escape"):
            return default
        place = self.here()
        character = self._fixed_text(self.read_operand(), "ESCAPE")
        if len(character) > 1:
            raise BtqlError.of("B0109", "ESCAPE takes one character", place, "more than one", help="write `ESCAPE '!'`")
        return character

    def _fixed_text(self, expression: tree.Expression, what: str) -> str:
        if isinstance(expression, tree.Literal) and isinstance(expression.value, str):
            return expression.value
        raise unsupported(f"{what} for anything but a text in quotes", expression.span, "write the pattern as a text")

    def _is(self, left: tree.Expression) -> tree.Expression:
        negated = self.accept("not")
        if self.at("unknown") and self.ahead().word != ".":
            return tree.IsNull(left, negated=negated, span=left.span.to(self.step().span))
        distinct = self.accept("distinct")
        if distinct:
            self.require("from")
        right = self._operators(_OTHER)
        span = left.span.to(right.span)
        if distinct:
            return build.compare("<=>" if negated else "<!=>", left, right, span)
        return build.is_(left, right, span, negated=negated)


def _is_array(node: tree.Expression | None) -> bool:
    """Whether an operand is an array by how it is written, or the list of texts that every row has."""
    match node:
        case tree.Array() | tree.Parameter():
            return True
        case tree.Cast(type_name=name):
            return name.endswith("[]")
        case tree.Identifier(path=(*_, "tags" | "span_parents")):
            return True
        case _:
            return False


def _escaped_when_run(pattern: tree.Expression, escape: str, span: Span) -> tree.Expression:
    """Return what :func:`like_pattern` does to a text, for a pattern that only the rows or parameters know."""
    if escape == "\\":
        return pattern

    def call(name: str, *arguments: tree.Expression | str) -> tree.Call:
        nodes = tuple(tree.Literal(each, span=span) if isinstance(each, str) else each for each in arguments)
        return tree.Call(name, nodes, span=span, name_span=span)

    doubled = call("replace", pattern, "\\", "\\\\")
    if not escape:
        return doubled
    # An escape before a backslash stands before two of them by now; both are one character of the text.
    return call("regexp_replace", doubled, rf"(?s){re.escape(escape)}\\?(.)", "\\\\\\1", "g")
