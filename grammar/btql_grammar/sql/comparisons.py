"""The comparisons of our SQL dialect: BETWEEN, IN, LIKE, SIMILAR TO, IS, ANY and ALL, and those with a sign."""

from __future__ import annotations

import re
from typing import Literal as Choice

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql.calls import CallParser
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.texts import like_pattern, similar_pattern

_ANY_OR_ALL = {"any": "any", "some": "any", "all": "all"}


class ComparisonParser(CallParser):
    """Reads comparisons; the operators in them are read by :mod:`btql_grammar.sql.expressions`."""

    def read_comparison(self, left: tree.Expression) -> tree.Expression:
        """Return ``left`` with the comparison that comes next."""
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
        right = self.read_factor()
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
        low = self.read_factor()
        if not self.accept("and"):
            self.fail("`AND`", "write `a BETWEEN 1 AND 2`")
        high = self.read_factor()
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
        right = self.read_factor()
        span = left.span.to(right.span)
        flags = (tree.Literal("i", span=place),) if operator.endswith("*") else ()
        return tree.Call("regexp_like", (left, right, *flags), span=span, name_span=place)

    def _similar(self, left: tree.Expression, place: Span) -> tree.Expression:
        self.require("to")
        pattern = self.read_factor()
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
        right = self.read_factor()
        span = left.span.to(right.span)
        if distinct:
            return build.compare("<=>" if negated else "<!=>", left, right, span)
        return build.is_(left, right, span, negated=negated)


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
