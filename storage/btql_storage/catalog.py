"""The catalog: what is known about objects, segments and parts, in one SQLite file.

Invariants, which every transaction here keeps:

1. A WAL file is *processed* exactly if its number is at most ``processed_upto``
   of the catalog: files appear and are processed in the order of their numbers.
2. Of a processed file, the events that are not in a part yet are exactly
   those of its *assignments*. A file without assignments is *done*.
3. The current rows of an object are: the rows of its live parts that are not
   superseded, with the events of its assignments and of files not yet
   processed applied on top, in order.
4. A part is live from the transaction that names it until the one that
   replaces it; its files go only long after that.
5. A live part that has an ``until`` is *history* (:mod:`btql_storage.history`): none of its
   rows is current, each was until another transaction. Together with the current ones they
   are all that the object's rows ever were, since ``compacted_upto``.

Every change of what a query sees is one transaction here, so a crash leaves
the state before it or after it. Readers of other processes see whole
transactions only (SQLite's WAL mode).
"""

from __future__ import annotations

import sqlite3
import sys
from array import array
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, TypeAlias, cast

import orjson

from btql_storage.catalog_file import connect, explained, schema_version
from btql_storage.errors import Locked, UnknownObject
from btql_storage.later import np
from btql_storage.part.format import PartStats, StatsJson
from btql_storage.stores.local import LocalStore

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

    @property
    def rows(self) -> int:
        """How many rows its files have, current or not."""
        return self.stats.rows

    @property
    def rows_current(self) -> int:
        """How many of its rows are current."""
        return self.stats.rows - len(self.superseded)


@dataclass(frozen=True, slots=True, eq=False)
class HistoryPart:
    """A live part with rows of the past."""

    part: PartInfo
    until: RowNumbers
    """For each of its rows the transaction that replaced or deleted it."""


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


@dataclass(frozen=True, slots=True)
class NewPart:
    """A part to be made live."""

    id: int
    stats: PartStats
    file_bytes: dict[str, int]
    until: RowNumbers | None = None
    """Where it is a part of the history: the transaction that ended each of its rows."""


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


class Catalog:
    """The catalog of one database folder; safe from several threads."""

    def __init__(self, store: LocalStore, name: str, *, read_only: bool, wait_s: float) -> None:
        self._store = store
        self._path = store.path(name)
        self._lock = RLock()
        self._stats: dict[int, PartStats] = {}
        self._read_only = read_only
        self._wait_s = wait_s
        self._with_history = False
        self._opened = connect(store, self._path, read_only=read_only, wait_s=wait_s)

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(sqlite3.Error):
            self._opened.connection.close()

    def create_object(self, kind: str, name: str) -> ObjectInfo:
        """Return the object of that kind and name, made if it is new."""
        with suppress(UnknownObject):
            return self.object(kind, name)
        with self._writing() as run:
            run.execute("insert or ignore into objects (kind, name) values (?, ?)", (kind, name))
        return self.object(kind, name)

    def object(self, kind: str, name: str) -> ObjectInfo:
        """Return the object of that kind and name; UnknownObject where there is none."""
        for one in self.objects():
            if one.kind == kind and one.name == name:
                return one
        raise UnknownObject(f"there is no object `{kind}:{name}`", "see `btql status` for those there are")

    def objects(self) -> list[ObjectInfo]:
        """Return all objects, oldest first."""
        with self._reading() as run:
            return [ObjectInfo(*row) for row in run.execute("select id, kind, name from objects order by id")]

    def processed_upto(self) -> int:
        """Return the number of the last WAL file that was processed."""
        with self._reading() as run:
            return _processed_upto(run)

    def segments(self, object_id: int | None = None) -> list[SegmentInfo]:
        """Return segments, oldest first."""
        query = "select id, object_id, events from segments where ? is null or object_id = ? order by id"
        with self._reading() as run:
            rows = run.execute(query, (object_id, object_id)).fetchall()
        return [SegmentInfo(*row) for row in rows]

    def segment_counts(self) -> dict[int, int]:
        """Return how many segments there are, by object."""
        with self._reading() as run:
            return dict(run.execute("select object_id, count(*) from segments group by object_id").fetchall())

    def view(self, object_id: int, history_after: int | None = None) -> View:
        """Return everything about an object as of one moment, with ``history_after`` also rows that ended later."""
        with self._reading() as run:
            return View(
                _processed_upto(run),
                _assignments(run, object_id),
                self._parts(run, object_id),
                _compacted_upto(run, object_id)
                or (0 if self._has_history(run) else _processed_if_compacted(run, object_id)),
                () if history_after is None else self._history(run, object_id, history_after),
            )

    def history_parts(self) -> dict[int, int]:
        """Return how many parts of history there are, by object."""
        with self._reading() as run:
            if not self._has_history(run):
                return {}
            query = "select object_id, count(*) from parts where replaced_at is null and until is not null group by 1"
            return dict(run.execute(query).fetchall())

    def pending(self) -> dict[int, tuple[int, int]]:
        """Return events and JSON bytes that are assigned and not in a part, by object."""
        query = "select object_id, sum(events), sum(json_bytes) from assignments group by object_id"
        with self._reading() as run:
            return {owner: (events, size) for owner, events, size in run.execute(query)}

    def oldest_pending(self, object_id: int | None = None) -> int | None:
        """Return the oldest transaction with events that are assigned and not in a part, of one object or of all."""
        query = "select xact_id from assignments where ?1 is null or object_id = ?1 order by xact_id limit 1"
        with self._reading() as run:
            found = run.execute(query, (object_id,)).fetchone()
        return None if found is None else cast("int", found[0])

    def live_part_ids(self) -> tuple[set[int], set[int]]:
        """Return the ids of live parts, and of those that were replaced and still have files."""
        with self._reading() as run:
            rows = run.execute("select id, replaced_at is null from parts").fetchall()
        return {part_id for part_id, live in rows if live}, {part_id for part_id, live in rows if not live}

    def next_part_id(self) -> int:
        """Return an id that no part has or had, nor will have if this process dies."""
        with self._writing() as run:
            run.execute("update numbers set value = value + 1 where name = 'part'")
            return cast("int", run.execute("select value from numbers where name = 'part'").fetchone()[0])

    def new_segment(self, object_id: int) -> SegmentInfo:
        """Begin a segment; new traces go to the newest one."""
        with self._writing() as run:
            cursor = run.execute("insert into segments (object_id, events) values (?, 0)", (object_id,))
            return SegmentInfo(cast("int", cursor.lastrowid), object_id, 0)

    def commit_processed(self, after: int, upto: int, assignments: Iterable[Assignment]) -> None:
        """Mark the WAL files between two numbers as processed, with what became of their events."""
        with self._writing() as run:
            if _processed_upto(run) != after:
                raise _overtaken()
            for one in assignments:
                _insert_assignment(run, one)
                run.execute("update segments set events = events + ? where id = ?", (len(one.rows), one.segment_id))
            run.execute("update numbers set value = ? where name = 'processed_upto'", (upto,))

    def commit_swap(self, swap: Swap, now_s: int) -> None:
        """Make a compaction's outcome what queries see."""
        with self._writing() as run:
            for one in swap.taken:
                key = (one.xact_id, one.segment_id, len(one.rows))
                query = "delete from assignments where xact_id = ? and segment_id = ? and events = ?"
                if run.execute(query, key).rowcount != 1:
                    raise _overtaken()
            for one in swap.left:
                _insert_assignment(run, one)
            for part in swap.new_parts:
                _insert_part(run, swap, part)
            for part_id, rows in swap.superseded.items():
                _supersede(run, part_id, rows)
            for part_id in swap.replaced:
                query = "update parts set replaced_at = ? where id = ? and replaced_at is null"
                if run.execute(query, (now_s, part_id)).rowcount != 1:
                    raise _overtaken()
            _note_done(run, now_s, [one.xact_id for one in swap.taken])
            if not swap.keeps_history:
                _note_compacted(run, swap)

    def done_files(self, before_s: int) -> list[int]:
        """Return WAL files whose events have all been in parts since before that time."""
        with self._reading() as run:
            rows = run.execute("select xact_id from done_files where done_at <= ? order by xact_id", (before_s,))
            return [xact_id for (xact_id,) in rows]

    def replaced_parts(self, before_s: int) -> list[int]:
        """Return parts that were replaced before that time and still have files."""
        with self._reading() as run:
            rows = run.execute("select id from parts where replaced_at <= ? order by id", (before_s,))
            return [part_id for (part_id,) in rows]

    def forget(self, *, files: Sequence[int] = (), parts: Sequence[int] = ()) -> None:
        """Drop the notes about files that were removed."""
        with self._writing() as run:
            run.executemany("delete from done_files where xact_id = ?", [(one,) for one in files])
            run.executemany("delete from parts where id = ? and replaced_at is not null", [(one,) for one in parts])
        for part_id in parts:
            self._stats.pop(part_id, None)

    def _has_history(self, run: sqlite3.Connection) -> bool:
        """Whether the file has columns for history: it may get them while it is open to read."""
        self._with_history = self._with_history or schema_version(run) > 1
        return self._with_history

    def _parts(self, run: sqlite3.Connection, object_id: int) -> list[PartInfo]:
        current = " and until is null" if self._has_history(run) else ""
        query = (
            "select id, segment_id, file_bytes, superseded from parts"  # noqa: S608  our words
            f" where object_id = ? and replaced_at is null{current} order by id"
        )
        return [self._part(run, object_id, *row) for row in run.execute(query, (object_id,)).fetchall()]

    def _history(self, run: sqlite3.Connection, object_id: int, after: int) -> list[HistoryPart]:
        if not self._has_history(run):
            return []
        query = (
            "select until, id, segment_id, file_bytes, superseded from parts"
            " where object_id = ? and replaced_at is null and until_max > ? order by id"
        )
        return [
            HistoryPart(self._part(run, object_id, *row), np.frombuffer(until, "<i8").astype(np.int64))
            for until, *row in run.execute(query, (object_id, after)).fetchall()
        ]

    def _part(
        self, run: sqlite3.Connection, object_id: int, part_id: int, segment_id: int, sizes: bytes, superseded: bytes
    ) -> PartInfo:
        stats = self._stats_of(run, part_id)
        return PartInfo(part_id, object_id, segment_id, stats, orjson.loads(sizes), _array(superseded))

    def _stats_of(self, run: sqlite3.Connection, part_id: int) -> PartStats:
        # Statistics never change and may be long: they are read once.
        stats = self._stats.get(part_id)
        if stats is None:
            text = run.execute("select stats from parts where id = ?", (part_id,)).fetchone()[0]
            stats = self._stats[part_id] = PartStats.from_json(cast("StatsJson", orjson.loads(text)))
        return stats

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._lock, explained(self._path):
            if not self._opened.lasting:
                self.close()
                self._opened = connect(self._store, self._path, read_only=self._read_only, wait_s=self._wait_s)
            run = self._opened.connection
            run.execute("begin")
            try:
                yield run
            finally:
                run.rollback()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._lock, explained(self._path):
            self._store.step("begin", self._path)
            run = self._opened.connection
            run.execute("begin immediate")
            try:
                yield run
                self._store.step("commit", self._path)
                run.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    run.rollback()
                raise


def _processed_upto(run: sqlite3.Connection) -> int:
    return cast("int", run.execute("select value from numbers where name = 'processed_upto'").fetchone()[0])


def _compacted_upto(run: sqlite3.Connection, object_id: int) -> int:
    found = run.execute("select value from numbers where name = ?", (_compacted(object_id),)).fetchone()
    return cast("int", found[0]) if found is not None else 0


def _processed_if_compacted(run: sqlite3.Connection, object_id: int) -> int:
    """Return how far parts may go: the oldest catalogs did not note it."""
    query = (
        "select (select coalesce(sum(events), 0) from segments where object_id = ?)"
        " > (select coalesce(sum(events), 0) from assignments where object_id = ?)"
    )
    (compacted,) = run.execute(query, (object_id, object_id)).fetchone()
    return _processed_upto(run) if compacted else 0


def _note_compacted(run: sqlite3.Connection, swap: Swap) -> None:
    upto = max((one.xact_id for one in swap.taken), default=0)
    if upto:
        upto = max(upto, _compacted_upto(run, swap.object_id))
        run.execute("insert or replace into numbers values (?, ?)", (_compacted(swap.object_id), upto))


def _compacted(object_id: int) -> str:
    return f"compacted_upto {object_id}"


def _assignments(run: sqlite3.Connection, object_id: int) -> list[Assignment]:
    query = (
        "select xact_id, segment_id, rows, json_bytes from assignments where object_id = ? order by xact_id, segment_id"
    )
    return [
        Assignment(xact_id, segment_id, _numbers(rows), json_bytes)
        for xact_id, segment_id, rows, json_bytes in run.execute(query, (object_id,))
    ]


def _insert_assignment(run: sqlite3.Connection, one: Assignment) -> None:
    run.execute(
        "insert into assignments (xact_id, segment_id, object_id, rows, events, json_bytes)"
        " select ?, id, object_id, ?, ?, ? from segments where id = ?",
        (one.xact_id, _blob(one.rows), len(one.rows), one.json_bytes, one.segment_id),
    )


def _insert_part(run: sqlite3.Connection, swap: Swap, part: NewPart) -> None:
    stats, sizes = orjson.dumps(part.stats.to_json()), orjson.dumps(part.file_bytes)
    until, until_max = None, None
    if part.until is not None:
        assert len(part.until) == part.stats.rows
        until, until_max = part.until.astype("<i8").tobytes(), int(part.until.max())
    run.execute(
        "insert into parts (id, object_id, segment_id, stats, file_bytes, superseded, until, until_max)"
        " values (?, ?, ?, ?, ?, x'', ?, ?)",
        (part.id, swap.object_id, swap.segment_id, stats, sizes, until, until_max),
    )


def _supersede(run: sqlite3.Connection, part_id: int, rows: RowNumbers) -> None:
    found = run.execute("select superseded from parts where id = ? and replaced_at is null", (part_id,)).fetchone()
    if found is None:
        raise _overtaken()
    merged = np.union1d(_numbers(found[0]), rows)
    run.execute("update parts set superseded = ? where id = ?", (_blob(merged), part_id))


def _note_done(run: sqlite3.Connection, now_s: int, files: Sequence[int]) -> None:
    """Note which of these files have no event left that is not in a part."""
    for xact_id in files:
        run.execute(
            "insert or ignore into done_files (xact_id, done_at) select ?, ?"
            " where not exists (select 1 from assignments where xact_id = ?)",
            (xact_id, now_s, xact_id),
        )


def _blob(rows: RowNumbers) -> bytes:
    return rows.astype("<i4").tobytes()


def _array(blob: bytes) -> array[int]:
    rows = array("i", blob)
    if sys.byteorder == "big":
        rows.byteswap()
    return rows


def _numbers(blob: bytes) -> RowNumbers:
    return np.array(_array(blob), np.int64)


def _overtaken() -> Locked:
    return Locked("another process changed the catalog during a compaction", "try again, nothing was changed")
