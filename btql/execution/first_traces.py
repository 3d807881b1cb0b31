"""Early stop for traces: the traces whose root spans come first, and all of their rows.

A trace is known by its root span: the one without parents, the earliest where there
are several, the earliest of all where there is none. So it takes all rows of a trace
to say which is its root, but few traces to say which come first:

1. The first rows by the column are found (:mod:`btql.execution.first_rows`). The root
   of every trace that begins before their bound is among them.
2. All rows of their traces are looked up by fingerprint, in every part.
3. Roots are chosen. Where as many lie before the bound as traces are wanted, no
   other trace can come before these; else the bound is set further away.

Only traces count that have a row which passes the checks. Everything that this looks at
is kept in memory (:mod:`btql_storage.part.order`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import pyarrow as pa

from btql.execution.first_rows import FirstRows, first_rows, passing_rows
from btql_planner.plan_scan import Top
from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.keys import fingerprints
from btql_storage.later import np
from btql_storage.part.order import KeptColumn, numbers_of, traces_of
from btql_storage.part.reader import Part
from btql_storage.row_numbers import are_among
from btql_storage.snapshot import Snapshot

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from btql_storage.arrow import Array
    from btql_storage.tail_chunk import TailChunk

Rows: TypeAlias = "NDArray[np.int64]"
Superseded: TypeAlias = "Mapping[int, Sequence[int] | Rows]"
GUESS = 32
"""So many times as many rows are looked at first as traces are wanted."""
GUESS_MIN = 2_048
ROWS_MAX = 200_000
"""Traces with more rows than this are added up with all others."""


@dataclass(frozen=True, slots=True)
class FirstTraces:
    """The traces that come first."""

    rows: FirstRows
    roots: FirstRows
    """Their root spans."""
    passing: FirstRows
    """Those of their rows that pass the checks."""

    def only(self, which: Literal["roots", "passing"] | None) -> FirstRows:
        """Return some of their rows."""
        match which:
            case "roots":
                return self.roots
            case "passing":
                return self.passing
            case None:
                return self.rows


def first_traces(snapshot: Snapshot, sources: Sequence[Part | TailChunk], top: Top) -> FirstTraces | None:
    """Return the first ``top.count`` traces, and those that tie with the last of them; None if they have many rows."""
    superseded = snapshot.superseded
    looked_at = max(GUESS * top.count, GUESS_MIN)
    while True:
        first = first_rows(snapshot, sources, replace(top, among=()), looked_at, lambda _: None)
        rows = {source.part_id: _all(source) for source in sources} if first is None else first.rows
        traces = _Traces.of(sources, superseded, rows, top)
        if traces is None:
            return None
        chosen = traces.chosen(None if first is None else first.bound, top)
        if chosen is not None:
            mine = chosen[traces.traces]
            return FirstTraces(
                traces.listed(mine), traces.listed(mine & traces.root), traces.listed(mine & traces.passing)
            )
        looked_at *= 4


def _all(source: Part | TailChunk) -> Rows:
    return np.arange(source.stats.rows, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Traces:
    """All current rows of some traces, which are numbered from 0."""

    rows: dict[int, Rows]
    """By part and tail chunk."""
    traces: NDArray[np.int64]
    """The number of the trace of each row, in the order of the parts; so are the others."""
    ordered: NDArray[Any]
    """The column that traces are ordered by."""
    passing: NDArray[np.bool_]
    """Which rows pass the checks."""
    root: NDArray[np.bool_]
    """Which row is the root of its trace."""

    @classmethod
    def of(
        cls, sources: Sequence[Part | TailChunk], superseded: Superseded, some: Mapping[int, Rows], top: Top
    ) -> _Traces | None:
        """Return the traces that some rows belong to; None where they have too many."""
        ids = _ids(sources, superseded, some)
        sought = fingerprints(cast("list[str]", ids.to_pylist()))
        rows: dict[int, Rows] = {}
        columns: list[tuple[NDArray[Any], ...]] = []
        total = 0
        for source in sources:
            found = source.lookup("root_span_id", sought)
            if not len(found):
                # So it is in most parts.
                continue
            found = found[~are_among(found, superseded[source.part_id])]
            total += len(found)
            if total > ROWS_MAX:
                return None
            if not len(found):
                continue
            mine = traces_of(source)
            numbers = to_numpy(pc.fill_null(pc.index_in(mine.ids, ids), -1))[mine.codes[found]]
            found = found[numbers >= 0]
            passed = cast("Rows", passing_rows(source, top.among, found))
            rows[source.part_id] = found
            columns.append(
                (
                    numbers[numbers >= 0],
                    *(numbers_of(source, name)[found] for name in ("is_root", "created", "_pagination_key")),
                    numbers_of(source, cast("KeptColumn", top.column))[found],
                    np.isin(found, passed, assume_unique=True),
                )
            )
        if not columns:
            return None
        traces, is_root, created, keys, ordered, passing = map(np.concatenate, zip(*columns, strict=True))
        order = np.lexsort((keys, created, ~is_root, traces))
        root = np.zeros(len(order), np.bool_)
        root[order[np.flatnonzero(np.diff(traces[order], prepend=-1))]] = True
        return cls(rows, traces, ordered, passing, root)

    def chosen(self, bound: int | None, top: Top) -> NDArray[np.bool_] | None:
        """Return for each trace whether it is among the first; None where more may lie before these.

        The roots of all other traces lie behind the bound; where there is none there are no others.
        """
        size = int(self.traces.max()) + 1
        numbers = np.zeros(size, self.ordered.dtype)
        numbers[self.traces[self.root]] = self.ordered[self.root]
        counts = np.zeros(size, np.bool_)
        counts[self.traces[self.passing]] = True
        if bound is not None:
            counts &= numbers >= bound if top.descending else numbers <= bound
            if np.count_nonzero(counts) < top.count:
                return None
        if np.count_nonzero(counts) > top.count:
            best = np.sort(numbers[counts])
            last = best[-top.count] if top.descending else best[top.count - 1]
            counts &= numbers >= last if top.descending else numbers <= last
        return counts

    def listed(self, wanted: NDArray[np.bool_]) -> FirstRows:
        """Return some of the rows."""
        found: dict[int, Rows] = {}
        start = 0
        for part_id, rows in self.rows.items():
            mine = rows[wanted[start : start + len(rows)]]
            start += len(rows)
            if len(mine):
                found[part_id] = mine
        return FirstRows(found, set(found), "FALSE", 0, withheld=True, filtered=False)


def _ids(sources: Sequence[Part | TailChunk], superseded: Superseded, some: Mapping[int, Rows]) -> Array:
    """Return the ids of the traces that some rows belong to."""
    found: list[Array] = []
    for source in sources:
        if source.part_id in some:
            rows = some[source.part_id][~are_among(some[source.part_id], superseded[source.part_id])]
            mine = traces_of(source)
            found.append(mine.ids.take(from_numpy(np.unique(mine.codes[rows]))))
    return pc.unique(pa.chunked_array(found, pa.string()))
