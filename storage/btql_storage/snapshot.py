"""Snapshots: what one query reads, fixed when the query starts.

The order is what makes it right: **the WAL is listed first, then the catalog is
read.** A file of the list that the catalog does not know as processed is read
as tail; one it knows is in parts, or among the assignments, which are read as
tail, too. So no write is missed and none is seen twice, whatever processing
and compaction do meanwhile, as long as a WAL file outlives its compaction by
the grace period. A transaction that began after the listing is seen whole or not
at all: the catalog names all of its events or none.

A snapshot of an earlier **version** leaves out the waiting events of later
transactions, and takes what rows were from the history (:mod:`btql_storage.history`).
Kinds of object without one can be read as they were as long as no later event
is in a part; it is refused where one is: parts hold what rows became, not what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from btql_storage.catalog import ObjectInfo, RowNumbers, View
from btql_storage.catalog.shapes import Mark
from btql_storage.closing import Closing
from btql_storage.errors import Damaged, TailTooLarge, VersionGone
from btql_storage.folder import Folder
from btql_storage.format import part_name
from btql_storage.later import np
from btql_storage.part.reader import Part

# Whoever reads what was compacted needs no tail: it is imported when events wait.
if TYPE_CHECKING:
    from array import array

    from btql_storage.tail import Tail, Waiting
    from btql_storage.tail_chunk import TailChunk

    _Refreshed: TypeAlias = tuple[list[TailChunk], dict[int, RowNumbers]]

_ATTEMPTS = 4
_CHECK_EVERY_S = 0.05
Check: TypeAlias = Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotPart:
    """A part, and its rows that are not current in this snapshot."""

    part: Part
    superseded: array[int] | RowNumbers
    """Sorted row numbers."""


class Snapshot(Closing):
    """The rows of one object as of one moment; close it when the query is done."""

    def __init__(
        self,
        folder: Folder,
        target: ObjectInfo,
        parts: Sequence[SnapshotPart],
        tail: Sequence[TailChunk],
        xact_id: int,
        mark: Mark,
    ) -> None:
        self.object = target
        self.parts = parts
        self.tail = tail
        self.xact_id = xact_id
        """The latest transaction that may be seen. All up to it are that were acknowledged when it was taken; where
        writers take no turns, one that was on its way then may get a smaller number."""
        self.mark = mark
        """The same for all snapshots that read the same parts, one after the other."""
        self._folder = folder
        self._pinned = [one.part.part_id for one in parts]
        folder.parts.pin(self._pinned)

    @property
    def sources(self) -> list[Part | TailChunk]:
        """Parts and tail chunks alike, as both can be asked the same."""
        return [*(entry.part for entry in self.parts), *self.tail]

    @property
    def superseded(self) -> dict[int, array[int] | RowNumbers]:
        """The rows of each of its sources, by its number, that are not current."""
        found = {entry.part.part_id: entry.superseded for entry in self.parts}
        return found | {chunk.part_id: chunk.superseded for chunk in self.tail}

    def damage(self, message: str) -> Damaged | None:
        """Return which of its parts is damaged, after a reader stumbled and said this; it is marked in the catalog."""
        from btql_storage.care.quarantine import quarantine

        return quarantine(self._folder, [entry.part.part_id for entry in self.parts], message)

    def close(self) -> None:
        """Let the files go that were kept for this snapshot."""
        pinned, self._pinned = self._pinned, []
        self._folder.parts.unpin(pinned)


class Snapshots:
    """Takes snapshots of one folder; keeps each object's tail from one to the next."""

    def __init__(self, folder: Folder, compact: Callable[[ObjectInfo], object]) -> None:
        self._folder = folder
        self._compact = compact
        self._guard = Lock()
        self._tails: dict[int, tuple[Lock, Tail]] = {}

    def take(self, target: ObjectInfo, version: int | None = None, check: Check = lambda: None) -> Snapshot:
        """Take a snapshot of an object as of now, or as of right after the transaction ``version``.

        Where much waits for compaction that takes a while; ``check`` is called now and then and may raise.
        """
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            landed: Sequence[int] = ()
            if version is not None and version > self._folder.wal.processed_upto:
                landed = self._folder.numbers.settle(version)
            listed = self._folder.wal.new_numbers(landed)
            view = self._folder.catalog.view(target.id, version)
            self._folder.wal.note_processed(view.processed_upto)
            try:
                waiting = self._waiting(target, listed, view)
                if version is None or version >= max((*listed, view.processed_upto)):
                    return self._build(target, listed, view, waiting, check)
                return self._build_version(target, view, waiting, version, check)
            except TailTooLarge:
                if last or self._folder.read_only or not self._folder.settings.compact_to_read:
                    raise
                self._compact(target)
            except Damaged as error:
                if not last and self._are_copies_renewed(view, error):
                    continue
                # A request that failed takes its file back, and what was compacted since is removed: no damage.
                self._folder.wal.forget_numbers()
                needed = {*listed, *(one.xact_id for one in view.assignments)}
                if last or needed <= set(self._folder.wal.numbers()):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def forget(self) -> None:
        """Drop the tails that are kept."""
        with self._guard:
            self._tails.clear()

    def _are_copies_renewed(self, view: View, error: Damaged) -> bool:
        """Whether it was only copies of parts that were damaged, which are gone now."""
        if not self._folder.store.keeps_copies:
            return False
        from btql_storage.care.quarantine import quarantine

        named = [part.id for part in view.parts if f"{part_name(part.id)}/" in error.message]
        return bool(named) and quarantine(self._folder, named, error.message) is None

    def _waiting(self, target: ObjectInfo, listed: Sequence[int], view: View) -> Waiting:
        """Return the events that are not in a part of this view."""
        waiting: Waiting = {}
        json_bytes = 0
        for one in view.assignments:
            before = waiting.get(one.xact_id)
            waiting[one.xact_id] = one.rows if before is None else np.union1d(before, one.rows)
            json_bytes += one.json_bytes
        upto = max(view.processed_upto, view.deleted_upto)
        for xact_id in (number for number in listed if number > upto):
            file = self._folder.wal.file(xact_id)
            rows = file.rows_of(target.id)
            if len(rows):
                waiting[xact_id] = rows
                json_bytes += file.json_bytes * len(rows) // max(file.rows, 1)
        if json_bytes > self._folder.settings.tail_json_bytes:
            raise TailTooLarge(
                f"events of {json_bytes >> 20} MiB wait for compaction", "run `btql compact` on the database"
            )
        return waiting

    def _build(self, target: ObjectInfo, listed: Sequence[int], view: View, waiting: Waiting, check: Check) -> Snapshot:
        chunks, replaced = self._kept_tail(target, view, waiting, check)
        xact_id = max(view.processed_upto, listed[-1] if listed else 0)
        return Snapshot(self._folder, target, self._parts(view, replaced), chunks, xact_id, view.mark)

    def _kept_tail(self, target: ObjectInfo, view: View, waiting: Waiting, check: Check) -> _Refreshed:
        if not waiting:
            # What it held is in parts by now.
            self._forget_tail(target.id)
            self._folder.cache.gone("tails", target.id)
            return [], {}
        from btql_storage.tail import Tail

        with self._guard:
            self._folder.lookups["tails", target.id in self._tails] += 1
            lock, tail = self._tails.setdefault(target.id, (Lock(), Tail(self._folder)))
        # Another query may be at it for long, too.
        while not lock.acquire(timeout=_CHECK_EVERY_S):
            check()
        try:
            found = tail.refresh(waiting, view.parts, check)
        finally:
            lock.release()
        # Its events, and the columns and documents that were asked for, take about twice the JSON of a row.
        size = 2 * sum(chunk.stats.json_bytes for chunk in found[0])
        self._folder.cache.used("tails", target.id, size, lambda: self._forget_tail(target.id))
        return found

    def _forget_tail(self, object_id: int) -> None:
        with self._guard:
            self._tails.pop(object_id, None)

    def _build_version(self, target: ObjectInfo, view: View, waiting: Waiting, version: int, check: Check) -> Snapshot:
        """Return the rows as of an earlier version, from a tail of their own."""
        if version < view.compacted_upto:
            raise VersionGone(version, view.compacted_upto)
        from btql_storage.tail import Tail

        until_then = {xact_id: rows for xact_id, rows in waiting.items() if xact_id <= version}
        chunks, replaced = Tail(self._folder).refresh(until_then, view.parts, check)
        parts = [*self._parts_until(view, replaced, version), *self._history(view, version)]
        return Snapshot(self._folder, target, parts, chunks, version, Mark())

    def _parts_until(self, view: View, replaced: Mapping[int, RowNumbers], version: int) -> Iterator[SnapshotPart]:
        """Yield the parts that have rows of a version, without what was written after it."""
        from btql_storage.history import later_rows

        for one in self._parts(view, replaced):
            if one.part.stats.xact_id_min > version:
                continue
            later = later_rows(one.part, version)
            yield SnapshotPart(one.part, np.union1d(one.superseded, later)) if len(later) else one

    def _history(self, view: View, version: int) -> Iterator[SnapshotPart]:
        """Yield the parts with rows that were replaced since a version."""
        from btql_storage.history import hidden_rows

        for past in view.history:
            if past.part.stats.xact_id_min > version:
                continue
            part = self._folder.parts.get(past.part)
            hidden = hidden_rows(past, part, version)
            if len(hidden) < past.part.rows:
                yield SnapshotPart(part, hidden)

    def _parts(self, view: View, replaced: Mapping[int, RowNumbers]) -> list[SnapshotPart]:
        found = list(
            map(SnapshotPart, self._folder.parts.get_all(view.parts), [info.superseded for info in view.parts])
        )
        if replaced:
            for place, info in enumerate(view.parts):
                if info.id in replaced:
                    hidden = np.union1d(info.superseded, replaced[info.id])
                    found[place] = SnapshotPart(found[place].part, hidden)
        return found
