"""What is found of objects while their catalog is made again, and the rows of its tables that come of it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from btql_storage.care.tables import Row
from btql_storage.catalog import Assignment, PartInfo
from btql_storage.part.format import PartStats
from btql_storage.states import State


@dataclass(slots=True)
class Recovered:
    """What was found of an object so far."""

    id: int
    kind: str
    name: str
    state: State | None = None
    parts: list[PartInfo] = field(default_factory=list[PartInfo])
    """Those with current rows."""
    rows: list[Row] = field(default_factory=list[Row])
    """Of the table of parts."""
    assignments: list[Assignment] = field(default_factory=list[Assignment])
    segments: dict[int, int] = field(default_factory=dict[int, int])
    latest: dict[str, int] = field(default_factory=dict[str, int])
    """Where there is no state: the transaction of each row that is in a part."""

    @property
    def label(self) -> str:
        """The object as messages name it."""
        return f"{self.kind}:{self.name}"

    @property
    def known_upto(self) -> int:
        """The last log file whose events are in parts, among the assignments, or gone."""
        return 0 if self.state is None else max(self.state.processed_upto, self.state.deleted_upto)

    @property
    def compacted_upto(self) -> int:
        """The last transaction that is in parts; 0 where none is."""
        return max(self.latest.values(), default=0) if self.state is None else self.state.compacted_upto

    def add_part(self, row: Row, stats: PartStats, superseded: Sequence[int]) -> None:
        """Take a part with current rows, and its row of the table of parts."""
        self.rows.append(row)
        self.parts.append(PartInfo(row["id"], self.id, row["segment_id"], stats, {}, array("i", superseded)))


def tables_of(
    objects: Sequence[Recovered], numbers: Mapping[str, int], done: Sequence[int], now_s: int
) -> dict[str, list[Row]]:
    """Return the rows of all tables; ``done`` has the log files of which no event is to come."""
    compacted = {f"compacted_upto {one.id}": one.compacted_upto for one in objects if one.compacted_upto}
    return {
        "numbers": [{"name": name, "value": value} for name, value in {**numbers, **compacted}.items()],
        "objects": [_object_row(one) for one in objects],
        "segments": [
            {"id": segment, "object_id": one.id, "events": events}
            for one in objects
            for segment, events in sorted(one.segments.items())
        ],
        "assignments": [_assignment_row(each.id, one) for each in objects for one in each.assignments],
        "parts": [row for one in objects for row in one.rows],
        "done_files": [{"xact_id": number, "done_at": now_s} for number in done],
    }


def _object_row(one: Recovered) -> Row:
    row: Row = {"id": one.id, "kind": one.kind, "name": one.name, "changed": 0, "deleted_upto": 0}
    if one.state is not None:
        row["deleted_upto"] = one.state.deleted_upto
        # What was written to it since has made it anew.
        row["deleted_at"] = None if one.assignments else one.state.deleted_at
    return row


def _assignment_row(object_id: int, one: Assignment) -> Row:
    return {
        "xact_id": one.xact_id,
        "segment_id": one.segment_id,
        "object_id": object_id,
        "rows": one.rows.astype("<i4").tobytes(),
        "events": len(one.rows),
        "json_bytes": one.json_bytes,
    }
