"""What readers see of objects, kept from one query to the next.

A view is kept as long as nothing of its object changes (invariant 6), and with it the statistics of the object's parts,
which may be long and never change. All of this together stays within a number of bytes: what is known of the object
that was asked for longest ago goes first, as a whole. The one that was asked for last stays, however large.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from threading import Lock
from typing import NamedTuple

from btql_storage.cache_budget import CacheBudget
from btql_storage.catalog import rows as sql
from btql_storage.catalog.schema import HISTORY_SINCE
from btql_storage.catalog.shapes import Mark, PartInfo, View
from btql_storage.databases.interface import Database, Row, Statement
from btql_storage.part.format import PartStats

CACHE = "views"
_PART_BYTES, _STATS_TIMES = 4_000, 9
"""About what a part takes that is open, and how many bytes its statistics take for each of their text, once read."""


class _Stats(NamedTuple):
    stats: PartStats
    size: int
    """Bytes of their text."""


@dataclass(frozen=True, slots=True)
class _Kept:
    changed: int | None
    """None where the catalog does not count changes, so the view cannot be kept."""
    view: View
    rows: Mapping[int, tuple[Row, PartInfo]]
    """Parts by their ids, and the rows of the catalog that they were made of."""


class _PartGoneError(Exception):
    """A part was forgotten between two reads."""


class Views:
    """The views of all objects of a catalog. Safe from several threads."""

    def __init__(self, database: Database) -> None:
        self.budget = CacheBudget(0)
        """The bytes that may be kept; none but what was asked for last, unless more is allowed."""
        self.replaced: Callable[[Collection[int]], None] = lambda _: None
        """Called with the parts that an object had when it was looked at before, and has no longer."""
        self.dropped: Callable[[Collection[int]], None] = lambda _: None
        """Called with the parts of an object that is no longer kept."""
        self._database = database
        self._guard = Lock()
        self._kept: dict[int, _Kept] = {}
        self._stats: dict[int, dict[int, _Stats]] = {}
        """By object and part; also of parts with rows of the past, which are in no view that is kept."""

    def view(self, object_id: int, history_after: int | None = None) -> View:
        """Return everything about an object as of one moment, with ``history_after`` also rows that ended later."""
        while True:
            with suppress(_PartGoneError):
                return self._current(object_id) if history_after is None else self._past(object_id, history_after)

    def forget(self, part_ids: Collection[int]) -> None:
        """Let go of parts that there are no longer."""
        with self._guard:
            for stats in self._stats.values():
                for part_id in part_ids:
                    stats.pop(part_id, None)

    def __len__(self) -> int:
        """Return of how many objects something is kept."""
        return len(self._kept.keys() | self._stats.keys())

    def _current(self, object_id: int) -> View:
        with self._guard:
            kept = self._kept.get(object_id)
        if kept is not None:
            (head,) = self._database.read(lambda version: [sql.select_head(object_id, version)])
            upto, _, changed, _ = sql.only(head)
            if changed == kept.changed:
                self.budget.touched(CACHE, object_id)
                return kept.view if upto == kept.view.processed_upto else replace(kept.view, processed_upto=upto)
        fresh = self._read(object_id, None, kept)
        gone = () if kept is None else kept.rows.keys() - fresh.rows.keys()
        with self._guard:
            if fresh.changed is not None:
                self._kept[object_id] = fresh
            for part_id in gone:
                self._stats.get(object_id, {}).pop(part_id, None)
        if gone:
            self.replaced(gone)
        self._note_used(object_id)
        return fresh.view

    def _past(self, object_id: int, after: int) -> View:
        found = self._read(object_id, after, None)
        self._note_used(object_id)
        return found.view

    def _note_used(self, object_id: int) -> None:
        with self._guard:
            kept, stats = self._kept.get(object_id), self._stats.get(object_id, {})
            size = sum(_PART_BYTES + _STATS_TIMES * each.size for each in stats.values())
        if kept is not None:
            # Of both there is the blob that was read, too.
            size += sum(2 * part.superseded.itemsize * len(part.superseded) for part in kept.view.parts)
            size += sum(2 * one.rows.nbytes for one in kept.view.assignments)
        self.budget.used(CACHE, object_id, size + _PART_BYTES, partial(self._drop, object_id))

    def _drop(self, object_id: int) -> None:
        with self._guard:
            self._kept.pop(object_id, None)
            stats = self._stats.pop(object_id, {})
        self.dropped(stats.keys())

    def _read(self, object_id: int, history_after: int | None, before: _Kept | None) -> _Kept:
        """Read an object's view; parts whose rows are as they were before are not made anew."""

        def statements(version: int) -> Iterator[Statement]:
            yield sql.select_head(object_id, version)
            yield sql.select_assignments(object_id)
            yield sql.select_parts(object_id, version)
            yield sql.select_history(object_id, history_after, version)
            if version < HISTORY_SINCE:
                yield sql.select_compacted(object_id)

        head, assigned, live, past, *old = self._database.read(lambda version: list(statements(version)))
        upto, compacted, changed, deleted_upto = sql.only(head)
        if compacted is None and old and sql.one_value(old[0]):
            compacted = upto
        known = {} if before is None else before.rows
        parts = {row[0]: one for row in live if (one := known.get(row[0])) is not None and one[0] == row}
        fresh = [row for row in live if row[0] not in parts]
        stats = self._stats_of(object_id, [row[0] for row in (*fresh, *past)])
        parts |= {row[0]: (row, sql.part_of(object_id, row, stats[row[0]])) for row in fresh}
        same = before is not None and parts.keys() == known.keys()
        view = View(
            upto,
            sql.assignments_of(assigned),
            [parts[row[0]][1] for row in live],
            compacted or 0,
            [sql.history_part_of(object_id, row, stats[row[0]]) for row in past],
            deleted_upto or 0,
            before.view.mark if before is not None and same else Mark(),
        )
        return _Kept(changed, view, parts)

    def _stats_of(self, object_id: int, part_ids: Sequence[int]) -> Mapping[int, PartStats]:
        """Return the statistics of parts. They never change and may be long, so they are read once."""
        with self._guard:
            mine = self._stats.get(object_id, {})
            known = {one: mine[one] for one in part_ids if one in mine}
        missing = [one for one in part_ids if one not in known]
        if missing:
            read = "select id, stats from parts where id in"
            statements = [(f"{read} ({sql.places(some)})", some) for some in sql.in_pieces(missing)]
            found = chain.from_iterable(self._database.read(lambda _: statements))
            fresh = {part_id: _Stats(PartStats.from_bytes(text), len(text)) for part_id, text in found}
            if len(fresh) < len(missing):
                raise _PartGoneError
            known |= fresh
            with self._guard:
                self._stats.setdefault(object_id, {}).update(fresh)
        return {part_id: each.stats for part_id, each in known.items()}
