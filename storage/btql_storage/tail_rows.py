"""The rows of a chunk of the tail: ids and times at once, fields when they are asked for.

The first query after a write waits for all that is done to rows that nobody has looked at before. To say which rows
there are takes ids and times. So a row stays the events that it was made of, until somebody wants a field of it: a few
rows are then made as a whole, and of many rows one field is made after the other, all of its values at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from threading import RLock
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec
import numpy as np

from btql_storage.collector import collector_paused
from btql_storage.merge import NOT_MERGED, SURVIVING_FIELDS, apply_all, field_after, needs_row, outline
from btql_storage.row import Row
from btql_storage.stored_rows import StoredRow, read_field, read_rows
from btql_storage.wal.event import EventFields, WalEvent, shape
from btql_storage.wal.format import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from btql_storage.catalog import RowNumbers
    from btql_storage.part.format import PathStats


class EventsRow(msgspec.Struct, gc=False):
    """A row that is made of several events, or of events and of what it was before."""

    id: str
    span_id: str
    root_span_id: str
    created_us: int
    xact_id: int
    pagination_key: str
    before: Row | None
    events: Sequence[WalEvent]
    """None of them deletes the row, or has rarer instructions."""
    only_merges: bool
    """Whether there was no row before, and all events but the first are merged into what that one has made."""

    @property
    def json_bytes(self) -> int:
        """About how much JSON it has."""
        size = sum([event.json_bytes for event in self.events])
        return size if self.before is None else size + self.before.json_bytes

    def whole(self) -> Row | None:
        """Return the row with its fields."""
        assert not isinstance(self.before, StoredRow) or self.before.is_read, "whoever asks reads it first"
        return apply_all(self.before, self.events)


_MERGE = Flag.MERGE.value
_DELETE = Flag.DELETE.value
_KIND = _MERGE | _DELETE
TailRow: TypeAlias = Row | EventsRow | WalEvent
"""An event may be all that a row is."""


def row_after(before: Row | None, events: Sequence[WalEvent]) -> TailRow | None:
    """Return a row after some events, whose fields are not looked at; None where it is deleted."""
    first, last = events[0], events[-1]
    only_merges = before is None and not first.flags & _DELETE
    for event in events:
        if event.control is not None:
            return apply_all(before, events)
        if event.flags & _KIND != _MERGE and event is not first:
            only_merges = False
    if only_merges:
        if first is last:
            return first
        ids = first.id, first.span_id, first.root_span_id
        return EventsRow(*ids, first.created_us, last.xact_id, first.pagination_key, None, events, only_merges=True)
    row, since = before, 0
    for place, event in enumerate(events, 1):
        row = outline(row, event)
        if row is None:
            before, since = None, place
    if row is None:
        return None
    if before is not None and not needs_row(events):
        # The rest would be kept for nothing, and rows that are written anew again and again would weigh twice as much.
        survive = {name: before.fields[name] for name in SURVIVING_FIELDS if name in before.fields}
        before = replace(before, fields=survive)
    ids = row.id, row.span_id, row.root_span_id
    return EventsRow(*ids, row.created_us, row.xact_id, row.pagination_key, before, events[since:], only_merges=False)


class TailRows:
    """The rows of a chunk. Safe from several threads."""

    def __init__(self, rows: Sequence[TailRow]) -> None:
        self.rows = rows
        self._before = [before for row in rows if (before := _before(row)) is not None]
        """What there is besides events: rows that were made at once, and what others were before."""
        self._stored = [before for before in self._before if isinstance(before, StoredRow)]
        self._stats = [part.stats for part in {row.part for row in self._stored}]
        """Of the parts that have bases of rows."""
        self._are_listed = all(stats.complete for stats in self._stats)
        self._guard = RLock()
        self._fields: EventFields | None = None
        self._stored_fields: dict[str, Mapping[str, bytes | None]] = {}
        self._sizes: RowNumbers | None = None

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def json_bytes(self) -> int:
        """Return about how much JSON all rows have: what they were made of."""
        events = [*chain.from_iterable(map(_events, self.rows))]
        size = sum(map(len, filter(None, map(attrgetter("line"), events))))
        # Events of older files have all of their fields there, and those of newer ones nearly none.
        for given in filter(None, map(attrgetter("given"), events)):
            size += sum(map(len, given.values()))
        return size + sum([before.json_bytes for before in self._before])

    def sizes(self) -> RowNumbers:
        """Return about how much JSON each row has."""
        with self._guard:
            if self._sizes is None:
                self._sizes = np.array([row.json_bytes for row in self.rows], dtype=np.int64)
            return self._sizes

    def whole(self, numbers: Iterable[int]) -> list[Row]:
        """Return some rows with their fields."""
        rows = [self.rows[number] for number in numbers]
        with collector_paused():
            read_rows(before for row in rows if isinstance(before := _before(row), StoredRow))
        return [*map(_whole, rows)]

    def names(self) -> frozenset[str]:
        """Return the fields that any event of any row has, or any row of the parts that have bases of rows.

        So there may be some that no row has, or has any more.
        """
        names = self._event_fields().names()
        if self._are_listed:
            names = names.union(*(stats.keys_below(()) for stats in self._stats))
        else:
            with collector_paused():
                read_rows(self._stored)
        return frozenset(names.union(*[before.fields for before in self._before]))

    def shapes(self, name: str) -> set[bytes]:
        """Return texts that are at the top what values of a field may be there.

        What rows become by merging is at the top what one of their events, or what they were before, is there. Of what
        they were in parts :meth:`stored_stats` tells.
        """
        stored = {} if self._are_listed else self._of_stored(name)
        texts = [before.fields.get(name, stored.get(before.id)) for before in self._before]
        return self._event_fields().shapes(name).union(map(shape, filter(None, texts)))

    def stored_stats(self, name: str) -> list[PathStats]:
        """Return what a top-level field is in the parts that have bases of rows; it may be more than it is in these."""
        if not self._are_listed:
            return []
        return [found for stats in self._stats if (found := stats.paths.get((name,))) is not None]

    def texts(self, name: str) -> list[bytes | None]:
        """Return the JSON text of a field, for each row; None where it has no such field."""
        with collector_paused():
            of_events = self._event_fields().texts(name)
            if len(of_events) == len(self.rows) and {*map(type, self.rows)} == {WalEvent}:
                return [None if text == b"null" else text for text in of_events]
            return self._merged(name, of_events)

    def rest(self) -> None:
        """Let go of what lines were taken apart into: one query often wants several fields, the next one none."""
        self._fields = None
        self._stored_fields.clear()

    def _merged(self, name: str, of_events: Sequence[bytes | None]) -> list[bytes | None]:
        stored = self._of_stored(name)
        texts: list[bytes | None] = []
        place = 0
        for row in self.rows:
            if isinstance(row, WalEvent):
                text = of_events[place]
                texts.append(None if text == b"null" else text)
                place += 1
            elif isinstance(row, EventsRow):
                after = place + len(row.events)
                texts.append(_field_of(row, name, of_events[place:after], stored))
                place = after
            else:
                texts.append(row.fields.get(name))
        return texts

    def _of_stored(self, name: str) -> Mapping[str, bytes | None]:
        """Read one field of what rows were in parts, where these are not read, once until :meth:`rest`."""
        with self._guard, collector_paused():
            found = self._stored_fields.get(name)
            if found is None:
                found = self._stored_fields[name] = read_field(self._stored, name)
            return found

    def _event_fields(self) -> EventFields:
        """Take the lines of all events apart, once for all fields that are asked for until :meth:`rest`."""
        with self._guard, collector_paused():
            found = self._fields
            if found is None:
                found = self._fields = EventFields([*chain.from_iterable(map(_events, self.rows))])
            return found


def _field_of(
    row: EventsRow, name: str, of_events: Sequence[bytes | None], stored: Mapping[str, bytes | None]
) -> bytes | None:
    if row.only_merges and name not in NOT_MERGED and of_events.count(None) >= len(of_events) - 1:
        text = next(filter(None, of_events), None)
        return None if text == b"null" else text
    before = row.before
    text = None if before is None else before.fields.get(name, stored.get(row.id))
    return field_after(name, text, row.events, of_events, is_new=before is None)


def _events(row: TailRow) -> Sequence[WalEvent]:
    if isinstance(row, WalEvent):
        return (row,)
    return row.events if isinstance(row, EventsRow) else ()


def _before(row: TailRow) -> Row | None:
    if isinstance(row, EventsRow):
        return row.before
    return row if isinstance(row, Row) else None


def _whole(row: TailRow) -> Row:
    if isinstance(row, Row):
        return row
    made = apply_all(None, [row]) if isinstance(row, WalEvent) else row.whole()
    return cast("Row", made)
