"""The tail: rows whose latest events are in the WAL and not yet in a part.

Each waiting event is applied once. The rows that come out are kept in
*chunks*: parts in memory, with the columns, documents and answers of a part
(:class:`~btql_storage.part.reader.Part`), numbered from ``2**30`` up. Where a later event replaces
a row, it is marked as superseded in its chunk or, for this tail only, in its
part; a merge takes its base from there.

From one snapshot to the next only new WAL files are applied. Where writers take
no turns, a file may appear after one with a larger number; it is applied, too, if the later
ones have changed none of its rows. Anything else that changes, above all a compaction,
makes the tail start over; what snapshots hold stays as it was. Chunks of similar size are merged like parts, so a
thousand small requests are a few chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

import numpy as np

from btql_storage.catalog import PartInfo, RowNumbers
from btql_storage.collector import collector_paused
from btql_storage.current import CurrentRow, fetch_rows, find_current, sizes
from btql_storage.errors import TailTooLarge
from btql_storage.folder import Folder
from btql_storage.merge import needs_row
from btql_storage.row import Row
from btql_storage.tail_chunk import TailChunk
from btql_storage.tail_rows import TailRow, row_after
from btql_storage.wal.event import WalEvent

FIRST_PART_ID = 1 << 30
_PART_IDS = count(FIRST_PART_ID)
"""Numbers for chunks, as parts have them; those of two objects that one query reads must differ, too."""
_CHUNK_EVENTS = 16_384
_MERGE_CHUNKS_MIN = 8
_BYTES_FACTOR_MAX = 2
"""Documents that merges bring in from parts may weigh as much as the events."""

Waiting: TypeAlias = dict[int, RowNumbers]
"""WAL file to the rows of it that are not in a part, in order."""


@dataclass(slots=True)
class _Live:
    """A chunk and the rows of it that were replaced since."""

    chunk: TailChunk
    replaced: set[int] = field(default_factory=set[int])

    def frozen(self) -> TailChunk:
        """Return the chunk as a snapshot sees it now."""
        if len(self.chunk.superseded) != len(self.replaced):
            self.chunk = self.chunk.with_superseded(self.replaced)
        return self.chunk


_Place: TypeAlias = tuple[int, int]
"""A chunk's key and a row number in it."""


class Tail:
    """The tail of one object; its caller lets one thread in at a time."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._start([])

    def refresh(
        self, waiting: Waiting, parts: Sequence[PartInfo], check: Callable[[], None] = lambda: None
    ) -> tuple[list[TailChunk], dict[int, RowNumbers]]:
        """Apply what is new; return the chunks, and the rows of parts that they replace.

        ``check`` is called now and then, and may raise: what was applied until then is kept for the next time.
        """
        if not self._continues(waiting, parts):
            self._start(parts)
        fresh = [(xact_id, rows) for xact_id, rows in waiting.items() if xact_id not in self._applied]
        while fresh:
            check()
            fresh = self._apply_some(fresh)
        with self._whole():
            self._merge_chunks()
        chunks = [live.frozen() for live in self._chunks.values()]
        for chunk in chunks:
            chunk.rest()
        return chunks, {part_id: np.array(sorted(rows), dtype=np.int64) for part_id, rows in self._in_parts.items()}

    def _apply_some(self, fresh: list[tuple[int, RowNumbers]]) -> list[tuple[int, RowNumbers]]:
        """Apply the events of some files, at least one; return the files that are left."""
        events: list[WalEvent] = []
        taken = 0
        with self._whole(), collector_paused():
            while taken < len(fresh) and len(events) < _CHUNK_EVENTS:
                xact_id, rows = fresh[taken]
                events += self._folder.wal.file(xact_id).events(rows)
                taken += 1
            self._apply(events)
            self._applied.update((xact_id, len(rows)) for xact_id, rows in fresh[:taken])
        return fresh[taken:]

    @contextmanager
    def _whole(self) -> Generator[None]:
        """Start over should a change fail: half of one must not be seen by the next snapshot."""
        try:
            yield
        except BaseException:
            self._start([])
            raise

    def _start(self, parts: Sequence[PartInfo]) -> None:
        self._parts = parts
        # Rows of a part may also go without any event, by a policy.
        self._known_parts = [(part.id, len(part.superseded)) for part in parts]
        self._applied: dict[int, int] = {}
        self._chunks: dict[int, _Live] = {}
        # None stands for a row that the tail has deleted.
        self._places: dict[str, _Place | None] = {}
        self._changed_by: dict[str, int] = {}
        """The last transaction that changed each row."""
        self._in_parts: dict[int, set[int]] = {}

    def _continues(self, waiting: Waiting, parts: Sequence[PartInfo]) -> bool:
        """Whether all that has changed is that files were added which may be applied now."""
        if [(part.id, len(part.superseded)) for part in parts] != self._known_parts:
            return False
        last = max(self._applied, default=0)
        return all(len(waiting.get(xact_id, ())) == rows for xact_id, rows in self._applied.items()) and all(
            xact_id > last or self._comes_late(xact_id, waiting[xact_id])
            for xact_id in waiting.keys() - self._applied.keys()
        )

    def _comes_late(self, xact_id: int, rows: RowNumbers) -> bool:
        """Whether a file has no event of a row that a later one has changed, so that the order does not matter."""
        ids, _ = self._folder.wal.file(xact_id).ids(rows)
        return all(self._changed_by.get(row_id, 0) < xact_id for row_id in ids)

    def _apply(self, events: Sequence[WalEvent]) -> None:
        by_id: dict[str, list[WalEvent]] = {}
        for event in events:
            by_id.setdefault(event.id, []).append(event)
        unknown = [row_id for row_id in by_id if row_id not in self._places]
        in_parts = find_current(self._folder, unknown, self._parts) if unknown else {}
        bases = self._bases(by_id, in_parts)
        rows: list[TailRow] = []
        key = next(_PART_IDS)
        for row_id, mine in by_id.items():
            row = row_after(bases.get(row_id), mine)
            self._replace(row_id, in_parts.get(row_id))
            self._places[row_id] = None if row is None else (key, len(rows))
            self._changed_by[row_id] = mine[-1].xact_id
            if row is not None:
                rows.append(row)
        if rows:
            self._chunks[key] = _Live(TailChunk.of(rows, key))
        self._check_size()

    def _bases(self, by_id: dict[str, list[WalEvent]], in_parts: dict[str, CurrentRow]) -> dict[str, Row]:
        """Return the rows that events change; with their fields where these count by now."""
        bases = {row_id: place.row for row_id, place in in_parts.items()}
        merged = [place for row_id, place in in_parts.items() if needs_row(by_id[row_id])]
        weights = sizes(self._folder, merged)
        # Before anything is read: small events may be about large documents.
        self._check_size(int(weights.sum()))
        of_parts = {place.part.id: place.part for place in merged}
        opened = {part_id: self._folder.parts.get(info) for part_id, info in of_parts.items()}
        for current, weight in zip(merged, weights.tolist(), strict=True):
            bases[current.row.id] = current.stored(opened[current.part.id], weight)
        # Rows with rarer instructions are made at once.
        at_once = [place for place in merged if any(event.control is not None for event in by_id[place.row.id])]
        bases.update(fetch_rows(self._folder, at_once))
        by_chunk: dict[int, list[int]] = {}
        for row_id in by_id:
            place = self._places.get(row_id)
            if place is not None:
                by_chunk.setdefault(place[0], []).append(place[1])
        for key, numbers in by_chunk.items():
            found = self._chunks[key].chunk.rows(np.array(sorted(numbers), dtype=np.int64))
            bases.update((row.id, row) for row in found)
        return bases

    def _replace(self, row_id: str, in_part: CurrentRow | None) -> None:
        """Mark the row that an id had until now."""
        place = self._places.get(row_id)
        if place is not None:
            self._chunks[place[0]].replaced.add(place[1])
        elif in_part is not None:
            self._in_parts.setdefault(in_part.part.id, set()).add(in_part.number)

    def _check_size(self, more: int = 0) -> None:
        held = more + sum(live.chunk.stats.json_bytes for live in self._chunks.values())
        if held > self._folder.settings.tail_json_bytes * _BYTES_FACTOR_MAX:
            raise TailTooLarge(
                f"documents of {held >> 20} MiB wait for compaction", "run `btql compact` on the database"
            )

    def _merge_chunks(self) -> None:
        """Merge chunks of similar size, as the policy does with parts."""
        while True:
            tiers: dict[int, list[int]] = {}
            for key, live in self._chunks.items():
                tiers.setdefault((live.chunk.stats.rows.bit_length() - 1) // 3, []).append(key)
            chosen = next((keys for keys in tiers.values() if len(keys) >= _MERGE_CHUNKS_MIN), None)
            if chosen is None:
                return
            self._merge(chosen)

    def _merge(self, keys: Iterable[int]) -> None:
        rows: list[Row] = []
        new_key = next(_PART_IDS)
        for key in keys:
            live = self._chunks.pop(key)
            kept = np.setdiff1d(np.arange(live.chunk.stats.rows), list(live.replaced))
            for row in live.chunk.rows(kept.astype(np.int64)):
                self._places[row.id] = new_key, len(rows)
                rows.append(row)
        if rows:
            self._chunks[new_key] = _Live(TailChunk.of(rows, new_key))
