"""Early stop for traces: the traces whose root spans come first, and all of their rows.

A trace is known by its root span: the one without parents, the earliest where there
are several, the earliest of all where there is none. So it takes all rows of a trace
to say which is its root, but few traces to say which come first:

1. The first rows by the column are found (:mod:`btql.execution.first_rows`). The root
   of every trace that begins before their bound is among them.
2. All rows of their traces are looked up by fingerprint, in every part.
3. Roots are chosen. Where as many lie before the bound as traces are wanted, no
   other trace can come before these; else the bound is set further away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import pyarrow as pa

from btql.execution.first_rows import FirstRows, first_rows
from btql_planner.plan import Top
from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.keys import fingerprints
from btql_storage.later import np
from btql_storage.part.few_rows import columns_of
from btql_storage.part.order import Ordered, numbers_in
from btql_storage.part.reader import Part
from btql_storage.snapshot import Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql_storage.tail_chunk import TailChunk

Rows: TypeAlias = "NDArray[np.int64]"
GUESS = 32
"""So many times as many rows are looked at first as traces are wanted."""
GUESS_MIN = 2_048
ROWS_MAX = 50_000
"""Traces with more rows than this are added up with all others."""
_COLUMNS = ("root_span_id", "is_root", "created", "_pagination_key", "_xact_id")


def first_traces(snapshot: Snapshot, sources: Sequence[Part | TailChunk], top: Top) -> FirstRows | None:
    """Return the rows of traces among which are the first ``top.count``; None where that takes too many rows."""
    superseded = snapshot.superseded
    rows = sum(source.stats.rows for source in sources)
    looked_at = max(GUESS * top.count, GUESS_MIN)
    while 4 * looked_at < rows:
        first = first_rows(snapshot, sources, top, looked_at, lambda _: None)
        if first is None:
            return None
        traces = _Traces.of(sources, superseded, first)
        if traces is None:
            return None
        if traces.begun_before(first.bound, top) >= top.count:
            return FirstRows(traces.rows, set(traces.rows), first.condition, first.bound, withheld=True, filtered=False)
        looked_at *= 4
    return None


@dataclass(frozen=True, slots=True)
class _Traces:
    """Some whole traces."""

    rows: dict[int, Rows]
    """The current rows, by part and tail chunk."""
    table: pa.Table

    @classmethod
    def of(
        cls, sources: Sequence[Part | TailChunk], superseded: Mapping[int, Sequence[int] | Rows], first: FirstRows
    ) -> _Traces | None:
        """Return the traces that some rows belong to; None where they have too many."""
        some = [
            _columns(source, np.setdiff1d(first.rows[source.part_id], superseded[source.part_id]), ("root_span_id",))
            for source in sources
            if source.part_id in first.rows
        ]
        ids = pc.unique(pa.concat_tables(some).column(0))
        sought = fingerprints(cast("list[str]", ids.to_pylist()))
        rows: dict[int, Rows] = {}
        tables: list[pa.Table] = []
        for source in sources:
            found = np.setdiff1d(source.lookup("root_span_id", sought), superseded[source.part_id])
            if sum(map(len, rows.values())) + len(found) > ROWS_MAX:
                return None
            if not len(found):
                continue
            table = _columns(source, found, _COLUMNS)
            belongs = pc.is_in(table.column("root_span_id"), ids)
            rows[source.part_id] = found[to_numpy(belongs)]
            tables.append(table.filter(belongs))
        return cls(rows, pa.concat_tables(tables))

    def begun_before(self, bound: int, top: Top) -> int:
        """Return how many of the traces have a root that lies before a bound."""
        order = pc.sort_indices(
            self.table,
            sort_keys=[
                ("root_span_id", "ascending"),
                ("is_root", "descending"),
                ("created", "ascending"),
                ("_pagination_key", "ascending"),
            ],
        )
        ids = self.table.column("root_span_id").take(order).combine_chunks()
        is_first = np.ones(len(ids), np.bool_)
        is_first[1:] = to_numpy(pc.not_equal(ids[1:], ids[:-1]))
        roots = self.table.take(order).filter(from_numpy(is_first))
        numbers = numbers_in(roots.column(cast("Ordered", top.column)))
        return int(np.count_nonzero(numbers >= bound if top.descending else numbers <= bound))


def _columns(source: Part | TailChunk, rows: Rows, names: Sequence[str]) -> pa.Table:
    if isinstance(source, Part):
        return columns_of(source, rows, names)
    return source.table.select(list(names)).take(from_numpy(rows))
