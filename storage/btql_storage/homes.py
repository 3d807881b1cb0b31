"""Where the rows and traces of an object live, while it has several segments.

A segment holds whole traces, and all events of a row go to the same segment.
An id or trace is looked for among the events that wait for compaction, then in
the parts. Superseded rows count, too: as long as a part has a row, even a
deleted one, a new row of that id goes to the same segment, so no id is ever
current in two.
"""

from __future__ import annotations

from collections.abc import Sequence

from btql_storage.catalog import PartInfo, View
from btql_storage.folder import Folder
from btql_storage.keys import KeyKind, fingerprints


class Homes:
    """Finds the segment of events, one WAL file after the other."""

    def __init__(self, folder: Folder, view: View) -> None:
        self._folder = folder
        self._parts: Sequence[PartInfo] = view.parts
        self._ids: dict[str, int] = {}
        self._traces: dict[str, int] = {}
        for one in view.assignments:
            ids, traces = folder.wal.file(one.xact_id).ids(one.rows)
            self.settle(ids, traces, [one.segment_id] * len(ids))

    def settle(self, ids: Sequence[str], traces: Sequence[str], segments: Sequence[int]) -> None:
        """Note where events were put."""
        for row_id, trace, segment in zip(ids, traces, segments, strict=True):
            self._ids[row_id] = segment
            self._traces.setdefault(trace, segment)

    def find(self, ids: Sequence[str], traces: Sequence[str], newest: int) -> list[int]:
        """Return the segments for events in order, the newest one where nothing is known."""
        part_ids = self._in_parts("id", ids, self._ids)
        part_traces = self._in_parts("root_span_id", traces, self._traces)
        segments: list[int] = []
        for row_id, trace in zip(ids, traces, strict=True):
            of_row = self._ids.get(row_id) or part_ids.get(row_id)
            home = of_row or self._traces.get(trace) or part_traces.get(trace) or newest
            self._ids[row_id] = home
            self._traces.setdefault(trace, home)
            segments.append(home)
        return segments

    def _in_parts(self, kind: KeyKind, values: Sequence[str], known: dict[str, int]) -> dict[str, int]:
        """Return value to segment for what parts have."""
        wanted = {value for value in values if value not in known}
        found: dict[str, int] = {}
        if not wanted:
            return found
        sought = fingerprints(wanted)
        for info in self._parts:
            part = self._folder.parts.get(info)
            candidates = part.lookup(kind, sought)
            if len(candidates):
                # Fingerprints may collide, so the values themselves decide.
                texts: list[str] = part.documents(candidates, [kind]).column(kind).to_pylist()
                found.update((text, info.segment_id) for text in set(texts) & wanted)
        return found
