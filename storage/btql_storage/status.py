"""What a database holds, without opening a part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from btql_storage.background.pace import PAUSED
from btql_storage.catalog import LivePart, ObjectInfo, Pending
from btql_storage.compaction.run import waiting_by_object
from btql_storage.folder import Folder
from btql_storage.format import WAL


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """What one object holds."""

    object: ObjectInfo
    segments: int
    parts: int
    rows: int
    """Current rows in parts; what waits for compaction comes on top."""
    json_bytes: int
    """JSON of the documents in parts, before compression."""
    file_bytes: Mapping[str, int]
    """Bytes on disk by kind of file."""
    pending_events: int
    pending_bytes: int
    """JSON of the events that are not in a part yet."""
    history_rows: int
    """Rows of the past, which versions are read from."""
    history_bytes: int
    """Bytes on disk of those."""
    replaced_parts: int
    """Parts that a merge has replaced, kept for the queries that may still read them."""
    replaced_bytes: int
    """Bytes on disk of those."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a database holds."""

    objects: Sequence[ObjectStatus]
    wal_files: int
    wal_bytes: int
    """Bytes of all WAL files, also of those that only wait for their removal."""
    paused_since_s: int | None = None
    """Since when nobody may work in the background, in Unix seconds; None where it is allowed."""

    @property
    def segments(self) -> int:
        """Segments of all objects."""
        return sum(one.segments for one in self.objects)

    @property
    def parts(self) -> int:
        """Live parts of all objects."""
        return sum(one.parts for one in self.objects)

    @property
    def rows(self) -> int:
        """Current rows in parts of all objects."""
        return sum(one.rows for one in self.objects)

    @property
    def json_bytes(self) -> int:
        """JSON of all documents in parts, before compression."""
        return sum(one.json_bytes for one in self.objects)

    @property
    def file_bytes(self) -> Mapping[str, int]:
        """Bytes on disk by kind of file."""
        total: Counter[str] = Counter()
        for one in self.objects:
            total.update(one.file_bytes)
        return total

    @property
    def pending_events(self) -> int:
        """Events of all objects that are not in a part yet."""
        return sum(one.pending_events for one in self.objects)

    @property
    def pending_bytes(self) -> int:
        """JSON of all events that are not in a part yet."""
        return sum(one.pending_bytes for one in self.objects)

    @property
    def history_rows(self) -> int:
        """Rows of the past of all objects."""
        return sum(one.history_rows for one in self.objects)

    @property
    def history_bytes(self) -> int:
        """Bytes on disk of all rows of the past."""
        return sum(one.history_bytes for one in self.objects)

    @property
    def replaced_parts(self) -> int:
        """Parts of all objects that wait for their removal."""
        return sum(one.replaced_parts for one in self.objects)

    @property
    def replaced_bytes(self) -> int:
        """Bytes on disk of all parts that wait for their removal."""
        return sum(one.replaced_bytes for one in self.objects)

    @property
    def compression_ratio(self) -> float | None:
        """How many bytes of JSON one byte of the parts holds; None without parts."""
        on_disk = sum(self.file_bytes.values())
        return self.json_bytes / on_disk if on_disk else None


def read_status(folder: Folder) -> Status:
    """Return what a database holds now."""
    sizes = folder.store.sizes(WAL).values()
    waiting, segments = waiting_by_object(folder), folder.catalog.segment_counts()
    live, replaced = folder.catalog.work.live(), folder.catalog.deleted.replaced_sizes()
    objects = [
        _object_status(
            one, segments.get(one.id, 0), live.get(one.id, ()), waiting.get(one.id), replaced.get(one.id, ())
        )
        for one in folder.catalog.objects()
    ]
    return Status(objects, len(sizes), sum(sizes), paused_since(folder))


def paused_since(folder: Folder) -> int | None:
    """Return since when nobody may work in the background, in Unix seconds; None while it is allowed."""
    since = folder.catalog.setting(PAUSED)
    return None if since is None else int(since)


def _object_status(
    target: ObjectInfo, segments: int, live: Sequence[LivePart], waiting: Pending | None, replaced: Sequence[int]
) -> ObjectStatus:
    parts, past = ([one for one in live if one.is_past == is_past] for is_past in (False, True))
    file_bytes: Counter[str] = Counter()
    for part in parts:
        file_bytes.update(part.file_bytes)
    return ObjectStatus(
        object=target,
        segments=segments,
        parts=len(parts),
        rows=sum(part.rows_current for part in parts),
        json_bytes=sum(part.json_bytes for part in parts),
        file_bytes=file_bytes,
        pending_events=0 if waiting is None else waiting.events,
        pending_bytes=0 if waiting is None else waiting.json_bytes,
        history_rows=sum(part.rows for part in past),
        history_bytes=sum(sum(part.file_bytes.values()) for part in past),
        replaced_parts=len(replaced),
        replaced_bytes=sum(replaced),
    )
