"""GROUP BY in our SQL dialect, with GROUPING SETS, ROLLUP and CUBE spelled out.

However they are nested and combined, grouping sets end up as one list of sets of
expressions: ROLLUP (a, b) is (a, b), (a), (); several elements side by side combine
each of their sets with each of the others.
"""

from __future__ import annotations

from itertools import combinations

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.relations import RelationParser

SETS_MAX = 4096
_Set = tuple[tree.Expression, ...]
_Grouping = tuple[tuple[tree.Item, ...], tuple[tuple[int, ...], ...] | None]


class GroupingParser(RelationParser):
    """Reads GROUP BY."""

    def read_group(self) -> _Grouping:
        """Return the keys that GROUP BY names, if it comes next, and which of them make the sets."""
        if not self.accept("group", "by"):
            return (), None
        start = self.here()
        if self.at("all") and self.ahead().word not in (".", "(", "["):
            raise unsupported("GROUP BY ALL", start, "name the keys or their positions: `GROUP BY 1, 2`")
        elements = [self._element()]
        while self.accept(","):
            elements.append(self._element())
        if self.at("with") and self.ahead().word in ("rollup", "cube", "totals"):
            raise unsupported("WITH behind GROUP BY", self.here(), "write `GROUP BY ROLLUP (a, b)`")
        if all(plain for plain, _ in elements):
            keys = (key for _, (only,) in elements for key in only)
            return tuple(tree.Item(key, span=key.span) for key in keys), None
        sets: list[_Set] = [()]
        for _, further in elements:
            self._check(len(sets) * len(further), start)
            sets = [(*left, *right) for left in sets for right in further]
        return _numbered(sets)

    def _element(self) -> tuple[bool, list[_Set]]:
        """Return the sets of one element, and whether it is nothing but keys."""
        start = self.here()
        after = self.ahead()
        if self.at("rollup", "cube") and after.word == "(":
            kind = self.step().word
            self.step()
            parts = [self._keys()]
            while self.accept(","):
                parts.append(self._keys())
            self.require(")")
            return False, self._rolled(parts) if kind == "rollup" else self._cubed(parts, start)
        if self.at("grouping") and after.word == "sets":
            self.require("grouping", "sets", "(")
            sets = self._element()[1]
            while self.accept(","):
                sets += self._element()[1]
                self._check(len(sets), start)
            self.require(")")
            return False, sets
        if self.at("(") and after.word == ")":
            self.require("(", ")")
            return False, [()]
        return True, [self._keys()]

    def _keys(self) -> _Set:
        """Return one key, or those of a list in parentheses."""
        expression = self.read_expression()
        return expression.items if isinstance(expression, tree.Row) else (expression,)

    def _rolled(self, parts: list[_Set]) -> list[_Set]:
        return [tuple(key for part in parts[:count] for key in part) for count in range(len(parts), -1, -1)]

    def _cubed(self, parts: list[_Set], start: Span) -> list[_Set]:
        self._check(2 ** min(len(parts), 64), start)
        return [
            tuple(key for part in chosen for key in part)
            for count in range(len(parts), -1, -1)
            for chosen in combinations(parts, count)
        ]

    def _check(self, count: int, start: Span) -> None:
        if count > SETS_MAX:
            raise BtqlError.of(
                "B0107", f"there are more than {SETS_MAX:,} grouping sets", self.since(start), "too many",
                help="group by fewer keys, or send several queries",
            )  # fmt: skip


def _numbered(sets: list[_Set]) -> _Grouping:
    """Return the different keys in the order in which the sets name them, and the sets by their numbers."""
    numbers: dict[str, int] = {}
    items: list[tree.Item] = []
    made: list[tuple[int, ...]] = []
    for keys in sets:
        chosen: dict[int, None] = {}
        for key in keys:
            # As text, because 1, 1.0 and true are equal in Python.
            number = numbers.setdefault(repr(key), len(items))
            if number == len(items):
                items.append(tree.Item(key, span=key.span))
            chosen[number] = None
        made.append(tuple(chosen))
    return tuple(items), tuple(made)
