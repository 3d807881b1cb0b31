"""The expressions of our SQL dialect, read from sqlglot's tokens.

sqlglot reads the statement; what stands inside its clauses is read here, by
precedence climbing, straight into our tree. That keeps both languages to the
letter the same: one table of precedences, comparisons that do not chain, and an
exact span for every node. Operands are in :mod:`btql_grammar.sql_operands`.

Only parentheses, calls and prefix operators recurse; chains of operators loop.
"""

from __future__ import annotations

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.sql_operands import OperandParser

_OR, _AND, _NOT, _COMPARISON, _CONCAT, _SUM, _PRODUCT, _UNARY = range(1, 9)
_LEVELS = (
    {"or": _OR, "and": _AND, "||": _CONCAT, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}
    | dict.fromkeys(build.OPERATORS, _COMPARISON)
    | dict.fromkeys(("is", "between", "isnull", "isnotnull", "notnull", "includes", "contains"), _COMPARISON)
)
_NEGATABLE = {"in", "like", "ilike", "match", "between", "includes", "contains"}


class ExpressionParser(OperandParser):
    """Reads operators; the statement around them is read by :class:`~btql_grammar.sql.SqlParser`."""

    def read_expression(self) -> tree.Expression:
        """Return the expression that comes next, choices included."""
        condition = self._operators(_OR)
        if not self.accept("?"):
            return condition
        branches = [(condition, self.read_expression())]
        self._choice_colon()
        # A chain of choices continues in a loop; only what stands between `?` and `:` recurses.
        otherwise = self._operators(_OR)
        while self.accept("?"):
            branches.append((otherwise, self.read_expression()))
            self._choice_colon()
            otherwise = self._operators(_OR)
        return build.if_(branches, otherwise, condition.span.to(otherwise.span))

    def _choice_colon(self) -> None:
        if not self.accept(":"):
            self.fail("`:`", "a choice is written `condition ? value : other value`")

    def _operators(self, level: int) -> tree.Expression:
        left = self._prefixed(level)
        while (ahead := self._level_ahead()) >= level:
            if ahead in (_OR, _AND):
                left = self._connected(left, ahead)
            elif ahead == _COMPARISON:
                left = self._compared(left)
                ahead = self._level_ahead()
                if ahead > _COMPARISON:
                    # What ends in a list or a test, as `a in (1)`, is no operand of arithmetic.
                    self.fail("AND, OR or the end of the expression", "put the comparison in parentheses")
                if ahead == _COMPARISON:
                    raise BtqlError.of(
                        "B0101", "comparisons cannot be chained", self.here(), "a second comparison",
                        help="write two comparisons joined by AND, or put one of them in parentheses",
                    )  # fmt: skip
            elif ahead == _CONCAT:
                left = self._concatenated(left)
            else:
                operator = self.word()
                self.step()
                right = self._operators(ahead + 1)
                left = tree.Arithmetic(build.ARITHMETIC[operator], left, right, span=left.span.to(right.span))
        return left

    def _level_ahead(self) -> int:
        word = self.word()
        if word == "not":
            return _COMPARISON if self._next.text.lower() in _NEGATABLE else 0
        return _LEVELS.get(word, 0)

    def _prefixed(self, level: int) -> tree.Expression:
        start = self.here()
        if level <= _NOT and self.accept("not"):
            expression = self._operators(_NOT)
            return tree.Not(expression, span=start.to(expression.span))
        if self.accept("-"):
            expression = self._prefixed(_UNARY)
            return build.negative(expression, start.to(expression.span))
        return self._converted(self.read_operand())

    def _connected(self, left: tree.Expression, level: int) -> tree.Expression:
        word = self.word()
        children = [left]
        while self.accept(word):
            children.append(self._operators(level + 1))
        return build.connect("or" if level == _OR else "and", children, left.span.to(children[-1].span))

    def _concatenated(self, left: tree.Expression) -> tree.Expression:
        parts = [left]
        operator = self.here()
        while self.accept("||"):
            parts.append(self._operators(_CONCAT + 1))
        return tree.Call("concat", tuple(parts), span=left.span.to(parts[-1].span), name_span=operator)

    def _compared(self, left: tree.Expression) -> tree.Expression:
        negated = self.accept("not")
        operator, place = self.word(), self.here()
        self.step()
        if operator in ("includes", "contains"):
            raise BtqlError.of(
                "B0111", f"{operator.upper()} is an operator of BTQL, not of SQL", place, "not supported in SQL",
                help=f"write `tags IN ('x')`, or call `{operator}(tags, 'x')`",
            )  # fmt: skip
        if operator in ("isnull", "isnotnull", "notnull"):
            return tree.IsNull(left, negated=operator != "isnull", span=left.span.to(place))
        if operator == "is":
            return self._is(left)
        if operator == "between":
            low = self._operators(_CONCAT)
            self.require("and")
            high = self._operators(_CONCAT)
            made = build.between(left, low, high, left.span.to(high.span))
            return build.maybe_not(made, negated=negated)
        right = self._list() if operator == "in" else self._operators(_CONCAT)
        made = build.compare(operator, left, right, left.span.to(right.span))
        return build.maybe_not(made, negated=negated)

    def _is(self, left: tree.Expression) -> tree.Expression:
        negated = self.accept("not")
        distinct = self.accept("distinct")
        if distinct:
            self.require("from")
        right = self._operators(_CONCAT)
        span = left.span.to(right.span)
        if distinct:
            return build.compare("<=>" if negated else "<!=>", left, right, span)
        return build.is_(left, right, span, negated=negated)

    def _list(self) -> tree.Expression:
        if self.word() == "(":
            return self._array(")")
        return self.read_operand()
