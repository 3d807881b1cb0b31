"""Pages: LIMIT and OFFSET in each shape, where a cursor continues, and where the next one will.

What a cursor holds is said in :mod:`btql_planner.clauses.cursor`. A query has
one where its rows are in the order of a key that they keep: of a source,
ungrouped, and sorted by nothing, by ``_pagination_key`` or, for spans, by ``_xact_id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors, types
from btql_planner.clauses.cursor import Paging, decode, key_text
from btql_planner.expressions import Apply, Column, Constant, Expression, SortKey
from btql_planner.finish import NextPage
from btql_planner.functions import functions
from btql_planner.plan import NEWEST_KEY, TRACE_KEY, Filter, Limit, Named, Plan, Sort, TraceLimit, TracePage
from btql_planner.types import Kind

KEY = "_pagination_key"
TRANSACTION = "_xact_id"


@dataclass(frozen=True, slots=True)
class Page:
    """How the rows of an ungrouped query over a source are cut."""

    shape: tree.Shape
    source: str
    """What their columns are called by."""
    keys: tuple[SortKey, ...]
    """Their order, down to the last tie."""
    limit: int | None
    offset: int
    steady: bool
    """Each row of the source is at most one row of the answer, and the same ones every time."""

    @property
    def paging(self) -> Paging | None:
        """How the rows can be paged through, None where they cannot."""
        first = self.keys[0]
        if not self.steady or not isinstance(first.expression, Column):
            return None
        if first.expression.name == KEY:
            return Paging("trace" if self.shape == "traces" else "key", first.descending)
        if first.expression.name == TRANSACTION and self.shape == "spans" and len(self.keys) == 2:
            return Paging("transaction", first.descending)
        return None

    def cut(self, rows: Plan, token: str | None, span: Span) -> tuple[Plan, NextPage | None]:
        """Return the rows of this page in order, and how to find the next one."""
        paging = self.paging
        if token is None:
            after: tuple[int, ...] = ()
        elif paging is None:
            raise no_cursor(span)
        else:
            after = decode(token, paging, span)
        if self.shape == "traces":
            rows, newest = self._traces(rows, paging, after)
        else:
            rows, newest = self._rows(rows, paging, after), None
        if paging is None or self.limit is None:
            return rows, None
        newest_first = paging.by == "trace" and paging.descending
        return rows, NextPage(paging, newest, skips=newest_first and newest is None and self.offset > 0)

    def _rows(self, rows: Plan, paging: Paging | None, after: Sequence[int]) -> Plan:
        if paging is not None and after:
            rows = Filter(rows, self._behind(paging, after))
        rows = Sort(rows, self.keys)
        return rows if self.limit is None and not self.offset else Limit(rows, self.limit, self.offset)

    def _behind(self, paging: Paging, after: Sequence[int]) -> Expression:
        """Return the condition that a row is behind the last one of the page before."""
        op = "lt" if paging.descending else "gt"
        if paging.by == "key":
            return _compare(op, self._column(KEY), key_text(after[0]))
        transaction, key = (f"{after[0]:019d}", key_text(after[1]))
        same = _compare("eq", self._column(TRANSACTION), transaction)
        key_op = "lt" if self.keys[1].descending else "gt"
        later = _compare("and", same, _compare(key_op, self._column(KEY), key))
        # The first condition follows from the second; parts are left out by it.
        bounds = _compare("le" if paging.descending else "ge", self._column(TRANSACTION), transaction)
        return _compare("and", bounds, _compare("or", _compare(op, self._column(TRANSACTION), transaction), later))

    def _traces(self, rows: Plan, paging: Paging | None, after: Sequence[int]) -> tuple[Plan, int | None]:
        newest = after[1] if len(after) > 1 else None
        if self.limit is None and not self.offset and not after:
            return Sort(rows, self.keys), None
        if paging is None:
            return Sort(TraceLimit(rows, self.limit, self.keys, self.offset), self.keys), None
        page = TracePage(
            rows, self.limit, self.offset, paging.descending, key_text(after[0]) if after else None,
            None if newest is None else key_text(newest),
        )  # fmt: skip
        return Sort(page, self.keys), newest

    def hidden(self, next_page: NextPage | None) -> tuple[Named, ...]:
        """Return the columns behind those of the answer that the cursor is made from."""
        if next_page is None:
            return ()
        match next_page.paging.by:
            case "key":
                columns: list[Expression] = [self._column(KEY)]
            case "transaction":
                columns = [self._column(TRANSACTION), self._column(KEY)]
            case "trace":
                columns = [TRACE_KEY, NEWEST_KEY] if next_page.skips else [TRACE_KEY]
        return tuple(Named(f"cursor {number}", column) for number, column in enumerate(columns))

    def _column(self, name: str) -> Column:
        return Column(name, Kind.TEXT, source=self.source)


def no_cursor(span: Span) -> BtqlError:
    """Return the error for a cursor that was sent with a query that has none."""
    return BtqlError.of(
        errors.BAD_CURSOR, "this query cannot continue from a cursor", span, "with this cursor",
        help="a cursor goes with rows sorted by `_pagination_key`, for spans also by `_xact_id`, or with no sort",
    )  # fmt: skip


def _compare(op: str, left: Expression, right: Expression | str) -> Expression:
    if isinstance(right, str):
        right = Constant(right, Kind.TEXT)
    return Apply(functions()[op], (left, right), types.BOOLEAN)
