"""What the catalog knows, as values: objects, segments, parts, and what changes them."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from btql_storage.later import np
from btql_storage.part.format import PartStats

if TYPE_CHECKING:
    from numpy.typing import NDArray

RowNumbers: TypeAlias = "NDArray[np.int64]"
VERSIONED_KINDS = frozenset({"experiment", "dataset", "project_prompts", "project_functions"})
"""The kinds of object whose past is kept."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object: nothing is shared between objects."""

    id: int
    kind: str
    name: str

    @property
    def keeps_history(self) -> bool:
        """Whether it can be read as of any transaction (:mod:`btql_storage.history`)."""
        return self.kind in VERSIONED_KINDS


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A slice of an object that holds whole traces."""

    id: int
    object_id: int
    events: int
    """Events ever assigned to it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Events of one WAL file that belong to a segment and are not in a part yet."""

    xact_id: int
    segment_id: int
    rows: RowNumbers
    json_bytes: int


class Pending(NamedTuple):
    """Events of an object that are not in a part yet, all together."""

    events: int
    json_bytes: int
    oldest: int
    """The first transaction that has any of them."""


@dataclass(frozen=True, slots=True, eq=False)
class PartInfo:
    """A live part."""

    id: int
    object_id: int
    segment_id: int
    stats: PartStats
    file_bytes: dict[str, int]
    superseded: array[int]
    """Sorted numbers of the rows that are no longer current."""
    quarantined: str | None = None
    """Why its files cannot be trusted, where they cannot."""
    purge_since: int | None = None
    """When the first of the deletes was whose rows it still has, in Unix seconds."""

    @property
    def rows(self) -> int:
        """How many rows its files have, current or not."""
        return self.stats.rows

    @property
    def rows_current(self) -> int:
        """How many of its rows are current."""
        return self.stats.rows - len(self.superseded)


@dataclass(frozen=True, slots=True)
class PartSize:
    """How large a live part is."""

    id: int
    segment_id: int
    rows: int
    rows_current: int
    json_bytes: int
    purge_since: int | None = None
    """When the first of the deletes was whose rows it still has, in Unix seconds."""

    @property
    def json_bytes_current(self) -> int:
        """About how much JSON its current rows have."""
        return self.json_bytes * self.rows_current // max(self.rows, 1)


class LivePart(NamedTuple):
    """How much a live part holds."""

    rows: int
    rows_current: int
    json_bytes: int
    file_bytes: Mapping[str, int]
    """Bytes on disk by kind of file."""
    is_past: bool
    """Whether its rows are of the past, which only versions are read from."""


@dataclass(frozen=True, slots=True, eq=False)
class HistoryPart:
    """A live part with rows of the past."""

    part: PartInfo
    until: RowNumbers
    """For each of its rows the transaction that replaced or deleted it."""


class Mark:
    """Stands for a set of parts of an object; whoever finds out something about them may keep it under this, weakly."""

    __slots__ = ("__weakref__",)


@dataclass(frozen=True, slots=True)
class View:
    """What one read transaction saw of an object."""

    processed_upto: int
    assignments: Sequence[Assignment]
    parts: Sequence[PartInfo]
    compacted_upto: int
    """The last transaction with events in a part that left no history: parts do not show what rows were before it."""
    history: Sequence[HistoryPart] = ()
    """Only what was asked for."""
    deleted_upto: int = 0
    """The last transaction whose events went with the object, where it was deleted as a whole."""
    mark: Mark = field(default_factory=Mark, compare=False)
    """The same as long as its parts are the same, though others of their rows may be superseded, and it is kept."""


@dataclass(frozen=True, slots=True)
class NewPart:
    """A part to be made live."""

    id: int
    stats: PartStats
    file_bytes: dict[str, int]
    until: RowNumbers | None = None
    """Where it is a part of the history: the transaction that ended each of its rows."""
    segment_id: int | None = None
    """Where it is not that of the swap."""

    def segment_in(self, swap: Swap) -> int:
        """Return the segment whose part it is."""
        return swap.segment_id if self.segment_id is None else self.segment_id


@dataclass(frozen=True, slots=True)
class Swap:
    """What one compaction changes, all at once."""

    object_id: int
    segment_id: int
    new_parts: Sequence[NewPart]
    superseded: dict[int, RowNumbers]
    """Live part to rows of it that stop being current."""
    replaced: Sequence[int]
    """Parts that stop being live."""
    taken: Sequence[Assignment]
    left: Sequence[Assignment]
    """Events of the files in ``taken`` that are still not in a part."""
    keeps_history: bool = False
    """Whether what the events replaced is in a part of the history."""
    deleted: frozenset[int] = frozenset()
    """Live parts that have rows, current or not, of ids that were deleted: their bytes are to go within a time."""
