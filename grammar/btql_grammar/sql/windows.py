"""ORDER BY and OVER in our SQL dialect: sort keys, windows and their frames."""

from __future__ import annotations

from typing import Literal as Choice

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.expressions import ExpressionParser

_FRAME_WORDS = ("rows", "range", "groups")
_BoundKind = Choice["unbounded preceding", "preceding", "current row", "following", "unbounded following"]
BOUNDS: tuple[_BoundKind, ...] = (
    "unbounded preceding", "preceding", "current row", "following", "unbounded following",
)  # fmt: skip
"""From the first row to the last."""


class WindowParser(ExpressionParser):
    """Reads sort keys and windows."""

    def read_sort(self) -> tuple[tree.SortItem, ...]:
        """Return the keys that come next, if ORDER BY does."""
        if not self.accept("order", "by"):
            return ()
        items = [self._sort_item()]
        while self.accept(","):
            items.append(self._sort_item())
        return tuple(items)

    def _sort_item(self) -> tree.SortItem:
        expression = self.read_expression()
        descending = self.accept("desc")
        if not descending:
            self.accept("asc")
        if self.at("using") and not self.is_name(self.ahead()):
            raise unsupported("ORDER BY … USING", self.here(), "write ASC or DESC")
        nulls: Choice["first", "last"] | None = None
        if self.accept("nulls"):
            nulls = "first" if self.accept("first") else "last"
            if nulls == "last" and not self.accept("last"):
                self.fail("`FIRST` or `LAST`")
        return tree.SortItem(expression, "desc" if descending else "asc", nulls=nulls, span=self.since(expression.span))

    def read_window(self) -> tree.Window:
        """Return what follows OVER: a name, or a window in parentheses."""
        start = self.here()
        if not self.at("("):
            return tree.Window(self.read_name(), span=self.since(start))
        self.step()
        base: str | None = None
        begins = self.at("partition", "order") and self.ahead().word == "by"
        if self.is_name(self.token) and not begins and not (self.at(*_FRAME_WORDS) and self.ahead().word != ")"):
            base = self.read_name()
        partition: list[tree.Expression] = []
        if self.accept("partition", "by"):
            partition.append(self.read_expression())
            while self.accept(","):
                partition.append(self.read_expression())
        order = self.read_sort()
        frame = self._frame() if self.at(*_FRAME_WORDS) else None
        if not self.at(")"):
            half = base is not None and base.lower() in ("partition", "order")
            help_ = f"write `{base.upper()} BY`" if half and base is not None else None
            self.fail("PARTITION BY, ORDER BY, a frame or `)`", help_)
        self.step()
        return tree.Window(base, tuple(partition), order, frame, span=self.since(start))

    def _frame(self) -> tree.Frame:
        start = self.here()
        unit: Choice["rows", "range", "groups"] = self.step().word  # type: ignore[assignment]
        if self.accept("between"):
            first = self._bound()
            self.require("and")
            last = self._bound()
        else:
            first = self._bound()
            last = tree.Bound("current row", span=first.span)
        span = self.since(start)
        order = BOUNDS.index(first.kind), BOUNDS.index(last.kind)
        if order[0] > order[1] or first.kind == BOUNDS[-1] or last.kind == BOUNDS[0]:
            raise BtqlError.of(
                "B0109", "the frame of a window ends before it begins", span, "no such frame",
                help="write `ROWS BETWEEN 1 PRECEDING AND CURRENT ROW`, the earlier row first",
            )  # fmt: skip
        if self.accept("exclude") and not self.accept("no", "others"):
            raise unsupported("EXCLUDE in the frame of a window", self.here(), "remove it")
        return tree.Frame(unit, first, last, span=span)

    def _bound(self) -> tree.Bound:
        start = self.here()
        if self.accept("current", "row"):
            return tree.Bound("current row", span=self.since(start))
        unbounded = self.at("unbounded") and self.ahead().word in ("preceding", "following")
        distance = None
        if unbounded:
            self.step()
        else:
            distance = self.read_factor()
        if not self.at("preceding", "following"):
            self.fail("`PRECEDING` or `FOLLOWING`", "a bound is written `3 PRECEDING`, or `CURRENT ROW`")
        side = self.step().word
        kind: _BoundKind = f"unbounded {side}" if unbounded else side  # type: ignore[assignment]
        return tree.Bound(kind, distance, span=self.since(start))
