"""Selection: which parts and chunks of the tail a scan reads, and which of their rows.

1. Parts that the plan's ranges and keys rule out are left out, by statistics
   and by fingerprints, without opening a data file.
2. Phrases go to the text index of each part that is left; what they and the
   keys give is a set of row numbers, and the scan reads no other.
3. Where only what comes first is wanted, the rows up to a bound are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from btql.execution.candidates import Candidates, Rows
from btql.execution.first_rows import FirstRows, first_rows
from btql.execution.first_traces import FirstTraces, first_traces
from btql.execution.pruning import ruled_out
from btql.execution.report import ScanReport
from btql.execution.sources import Sources
from btql_planner.catalog import Objects
from btql_planner.engine_plan import ScanSpec
from btql_planner.plan_scan import Top
from btql_storage.later import np
from btql_storage.part.reader import Part
from btql_storage.row_numbers import are_among
from btql_storage.snapshot import Snapshot, SnapshotPart

if TYPE_CHECKING:
    from btql_storage.tail_chunk import TailChunk

KnownTraces: TypeAlias = dict[tuple[Objects, Top], FirstTraces | None]
"""The traces that come first, of the scans of one statement: several of them may ask for the same."""


class Selection:
    """What one scan reads."""

    def __init__(self, spec: ScanSpec, sources: Sources, report: ScanReport, traces: KnownTraces) -> None:
        self.spec = spec
        self.candidates = Candidates(sources, report)
        self.withheld = False
        """Whether there are more rows than were selected so far."""
        self._sources = sources
        self.report = report
        self._traces = traces
        self._found: dict[int, Rows | None] = {}
        """What the indexes have, by part."""

    def first(self, snapshot: Snapshot, count: int | None) -> FirstRows | None:
        """Return the rows of a snapshot that come first, where ``count`` are enough; None where all are read."""
        spec = self.spec
        if self.candidates.keys(spec):
            return None
        if spec.traces is not None:
            return self._first_traces(spec.traces)
        if spec.top is None or count is None:
            return None
        sources = [source for source in snapshot.sources if ruled_out(spec, source) is None]
        first = first_rows(snapshot, sources, spec.top, count, self._candidates)
        if first is not None and first.withheld:
            self.withheld = True
        return first

    def parts(self, snapshot: Snapshot, first: FirstRows | None) -> Iterator[tuple[SnapshotPart, Rows | None]]:
        """Yield the parts that may have rows, and which current ones; None for all of them."""
        for entry in snapshot.parts:
            self.report.parts += 1
            means = ruled_out(self.spec, entry.part)
            if means is not None:
                self.report.leave_out(means)
            elif first is not None:
                listed = first.rows.get(entry.part.part_id)
                if listed is None:
                    known = self._found.get(entry.part.part_id)
                    if known is None or len(known):
                        self.report.leave_out("enough")
                    continue
                yield from self._current(entry, listed)
            else:
                rows = self._candidates(entry.part)
                if rows is None:
                    yield entry, rows
                elif len(rows):
                    yield from self._current(entry, rows)

    def tail(self, snapshot: Snapshot, first: FirstRows | None) -> Iterator[tuple[TailChunk, Rows]]:
        """Yield the chunks of the tail that may have rows, and which current ones."""
        for chunk in snapshot.tail:
            if ruled_out(self.spec, chunk) is not None:
                continue
            if first is not None:
                listed: Rows | None = first.rows.get(chunk.part_id, np.empty(0, np.int64))
            else:
                listed = self._candidates(chunk)
            rows = np.arange(chunk.stats.rows, dtype=np.int64) if listed is None else listed
            rows = rows[~are_among(rows, chunk.superseded)]
            if len(rows):
                yield chunk, rows

    def _current(self, entry: SnapshotPart, rows: Rows) -> Iterator[tuple[SnapshotPart, Rows]]:
        gone = are_among(rows, entry.superseded)
        if gone.all():
            self.report.leave_out("superseded")
        else:
            yield SnapshotPart(entry.part, rows[gone]), rows[~gone]

    def _candidates(self, source: Part | TailChunk) -> Rows | None:
        """Return the rows of a part that may pass, None for all of them; looked up once."""
        if source.part_id not in self._found:
            self._found[source.part_id] = self.candidates.rows(self.spec, source)
        return self._found[source.part_id]

    def _first_traces(self, top: Top) -> FirstRows | None:
        """Return the rows of the traces that come first."""
        key = self.spec.objects, replace(top, only=None)
        if key not in self._traces:
            snapshots = self._sources.snapshots(self.spec.objects)
            (snapshot,) = snapshots if len(snapshots) == 1 else (None,)
            self._traces[key] = None if snapshot is None else first_traces(snapshot, snapshot.sources, top)
        traces = self._traces[key]
        return None if traces is None else traces.only(top.only)
