"""The operators of our SQL dialect.

Precedence climbing, straight into the tree. That keeps both languages to the letter
the same: one table of precedences, comparisons that do not chain, and an exact span
for every node. Operands are in :mod:`btql_grammar.sql.operands`.

Operators of Postgres that BTQL has not (``->``, ``@>``, ``||``) bind as there: looser
than ``+``, closer than a comparison. Only parentheses, calls and prefix operators
recurse; chains of operators loop.
"""

from __future__ import annotations

from functools import cached_property
from typing import cast

from btql_grammar import build, tree
from btql_grammar.dates import moved_by_days
from btql_grammar.diagnostic import BtqlError
from btql_grammar.sql.comparisons import ComparisonParser
from btql_grammar.sql.cursor import unsupported

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


class ExpressionParser(ComparisonParser):
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
                left = self.read_comparison(left)
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
