"""The catalog's transactions, in plain SQL over any database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol, Self, cast

from btql_storage.catalog import rows as sql
from btql_storage.catalog.deleted import Deleted
from btql_storage.catalog.schema import CHANGES_SINCE, HISTORY_SINCE, SCHEMA
from btql_storage.catalog.shapes import Assignment, ObjectInfo, Pending, SegmentInfo, Swap, View
from btql_storage.catalog.views import Views
from btql_storage.catalog.work import Work
from btql_storage.databases.interface import Database, Row, Run, Value
from btql_storage.databases.sqlite import SqliteDatabase
from btql_storage.errors import UnknownObject
from btql_storage.stores.local import LocalStore


class Fence(Protocol):
    """Keeps those out of transactions who lost the right to do the work (:mod:`btql_storage.catalog.leases`)."""

    def fence(self, run: Run) -> None:
        """Raise where the right is another's by now."""
        ...


class Catalog:
    """The catalog of one database; safe from several threads."""

    def __init__(self, database: Database) -> None:
        self.database = database
        """For tables of others that live in the catalog."""
        self.fence: Fence | None = None
        """Asked in every transaction that belongs to processing, compaction or the removal of files."""
        self.deleted = Deleted(database, self._working)
        """What was deleted, and how long things are kept."""
        self.work = Work(database)
        """How much there is, and what waits for compaction."""
        self.views = Views(database)
        """What is kept of objects, from one query to the next."""

    @classmethod
    def sqlite(cls, store: LocalStore, name: str, *, read_only: bool, wait_s: float) -> Self:
        """Open the catalog in a file of a folder, made where it is missing."""
        return cls(SqliteDatabase(store, name, SCHEMA, read_only=read_only, wait_s=wait_s))

    @classmethod
    def postgres(cls, url: str, *, read_only: bool, wait_s: float) -> Self:
        """Open the catalog in a PostgreSQL database, made where it is missing.

        The parameter ``schema`` of the address says in which of its schemas, ``btql`` by default.
        """
        from btql_storage.databases.postgres import PostgresDatabase

        return cls(PostgresDatabase(url, SCHEMA, read_only=read_only, wait_s=wait_s))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def create_object(self, kind: str, name: str) -> ObjectInfo:
        """Return the object of that kind and name, made if it is new, or was deleted."""
        with suppress(UnknownObject):
            return self.object(kind, name)
        again = "update objects set deleted_at = null where kind = ? and name = ? and deleted_at is not null"
        query = (
            "insert into objects (kind, name) values (?, ?)"
            " on conflict (kind, name) where deleted_at is null do nothing"
        )
        with self.database.writing() as run:
            if not run.execute(again, (kind, name)).rowcount:
                run.execute(query, (kind, name))
        return self.object(kind, name)

    def object(self, kind: str, name: str) -> ObjectInfo:
        """Return the object of that kind and name; UnknownObject where there is none."""
        rows = self.database.read(lambda version: [sql.select_object(kind, name, version)])[0]
        if not rows:
            raise UnknownObject(f"there is no object `{kind}:{name}`", "see `btql status` for those there are")
        return ObjectInfo(sql.one_value(rows), kind, name)

    def objects(self, name: str | None = None) -> list[ObjectInfo]:
        """Return all objects, or those of a name, oldest first."""
        return [ObjectInfo(*row) for row in self.database.read(lambda version: [sql.select_objects(version, name)])[0]]

    def setting(self, name: str) -> str | None:
        """Return what was set under a name; None where nothing was."""
        found = self.database.read(lambda version: sql.select_setting(name, version))
        return cast("str", found[0][0][0]) if found and found[0] else None

    def settings(self, prefix: str) -> dict[str, str]:
        """Return everything that was set under names with some beginning."""
        found = self.database.read(
            lambda version: [("select name, value from settings", ())] if version >= CHANGES_SINCE else []
        )
        return {name: value for name, value in (found[0] if found else []) if name.startswith(prefix)}

    def put_setting(self, name: str, value: str | None) -> None:
        """Set a value under a name; None removes it."""
        with self.database.writing() as run:
            if value is None:
                run.execute("delete from settings where name = ?", (name,))
            else:
                query = (
                    "insert into settings (name, value) values (?, ?)"
                    " on conflict (name) do update set value = excluded.value"
                )
                run.execute(query, (name, value))

    def scrub(self, *, thorough: bool) -> None:
        """Leave nothing of what was removed in the files of the database, as far as it has a say in it."""
        self.database.scrub(thorough=thorough)

    def values(self) -> Iterator[tuple[str, Value]]:
        """Yield every text and blob that may have something of documents, with the table that has it."""
        for table, column in sql.TEXTS:
            yield from ((table, value) for (value,) in self._rows(f"select {column} from {table}"))  # noqa: S608  our words

    def processed_upto(self) -> int:
        """Return the number of the last WAL file that was processed."""
        return cast("int", sql.one_value(self._rows(sql.PROCESSED_UPTO)))

    def segments(self, object_id: int | None = None) -> list[SegmentInfo]:
        """Return segments, oldest first."""
        query = "select id, object_id, events from segments"
        if object_id is None:
            return [SegmentInfo(*row) for row in self._rows(f"{query} order by id")]
        return [SegmentInfo(*row) for row in self._rows(f"{query} where object_id = ? order by id", object_id)]

    def segment_counts(self) -> dict[int, int]:
        """Return how many segments there are, by object."""
        return dict(cast("list[tuple[int, int]]", self._rows("select object_id, count(*) from segments group by 1")))

    def view(self, object_id: int, history_after: int | None = None) -> View:
        """Return everything about an object as of one moment, with ``history_after`` also rows that ended later."""
        return self.views.view(object_id, history_after)

    def history_parts(self) -> dict[int, int]:
        """Return how many parts of history there are, by object."""
        found = self.database.read(lambda version: [sql.select_history_counts()] if version >= HISTORY_SINCE else [])
        return dict(cast("list[tuple[int, int]]", found[0])) if found else {}

    def history_ids(self, object_id: int) -> list[tuple[int, int]]:
        """Return the live parts with rows of the past of an object, and the segment of each."""
        query = (
            "select id, segment_id from parts"
            " where object_id = ? and replaced_at is null and until is not null order by id"
        )
        return [(part_id, segment_id) for part_id, segment_id in self._rows(query, object_id)]

    def pending(self) -> dict[int, Pending]:
        """Return what is assigned and not in a part, by object."""
        query = (
            "select object_id, cast(sum(events) as bigint), cast(sum(json_bytes) as bigint), min(xact_id)"
            " from assignments group by 1"
        )
        return {owner: Pending(*sums) for owner, *sums in self._rows(query)}

    def live_part_ids(self) -> tuple[set[int], set[int]]:
        """Return the ids of live parts, and of those that were replaced and still have files."""
        rows = self._rows("select id, replaced_at is null from parts")
        return {part_id for part_id, live in rows if live}, {part_id for part_id, live in rows if not live}

    def parts_of_worker(self) -> tuple[set[int], int]:
        """Return the ids of parts that may have files, and the last that was given out.

        For whoever holds the right to do the work; who lost it gets an error, as others make parts by now.
        """
        with self.database.reading() if self.fence is None else self._working() as run:
            last = sql.one_value(run.execute("select value from numbers where name = 'part'").fetchall())
            return {part_id for (part_id,) in run.execute("select id from parts")}, cast("int", last)

    def check_fence(self) -> None:
        """Raise where the right to process, compact and remove is another's by now."""
        if self.fence is not None:
            with self._working():
                pass

    def next_part_id(self) -> int:
        """Return an id that no part has or had, nor will have if this process dies."""
        with self.database.writing() as run:
            query = "update numbers set value = value + 1 where name = 'part' returning value"
            return cast("int", sql.one_value(run.execute(query).fetchall()))

    def new_segment(self, object_id: int) -> SegmentInfo:
        """Begin a segment; new traces go to the newest one."""
        with self.database.writing() as run:
            query = "insert into segments (object_id, events) values (?, 0) returning id"
            segment_id = cast("int", sql.one_value(run.execute(query, (object_id,)).fetchall()))
        return SegmentInfo(segment_id, object_id, 0)

    def commit_processed(
        self, after: int, upto: int, assignments: Iterable[Assignment], done: Sequence[int] = (), now_s: int = 0
    ) -> None:
        """Mark the WAL files between two numbers as processed, with what became of their events.

        Of the files in ``done`` no event is left to go anywhere.
        """
        with self._working() as run:
            if sql.processed_upto(run) != after:
                raise sql.overtaken()
            listed = list(assignments)
            sql.insert_assignments(run, listed)
            counts: Counter[int] = Counter()
            for one in listed:
                counts[one.segment_id] += len(one.rows)
            run.executemany(
                "update segments set events = events + ? where id = ?",
                [(events, segment_id) for segment_id, events in counts.items()],
            )
            owners = sql.owners(run, list(counts))
            sql.changed(run, owners)
            # Who wrote to it did not know yet that it was deleted, and was told that this is stored.
            again = "update objects set deleted_at = null where id = ? and deleted_at is not null"
            run.executemany(again, [(one,) for one in owners])
            sql.note_done(run, now_s, done)
            run.execute("update numbers set value = ? where name = 'processed_upto'", (upto,))

    def commit_swap(self, swap: Swap, now_s: int) -> None:
        """Make a compaction's outcome what queries see."""
        with self._working() as run:
            sql.delete_assignments(run, swap.taken)
            sql.insert_assignments(run, swap.left)
            sql.supersede(run, swap.superseded)
            query = "update parts set replaced_at = ? where id = ? and replaced_at is null"
            sql.change_all(run, query, [(now_s, part_id) for part_id in swap.replaced])
            # Last: the parts of a swap that is repeated are there already, and what they replace tells so.
            for part in swap.new_parts:
                sql.insert_part(run, swap, part)
            sql.note_done(run, now_s, [one.xact_id for one in swap.taken])
            sql.note_deletes(run, swap.deleted, now_s)
            if not swap.keeps_history:
                sql.note_compacted(run, swap)
            sql.changed(run, [swap.object_id])

    def quarantine(self, part_id: int, reason: str | None) -> None:
        """Mark a live part as one whose files cannot be trusted, or with None as sound again."""
        with self.database.writing() as run:
            query = "update parts set quarantined = ? where id = ? and replaced_at is null returning object_id"
            sql.changed(run, [owner for (owner,) in run.execute(query, (reason, part_id)).fetchall()])

    def done_files(self, before_s: int) -> list[int]:
        """Return WAL files whose events have all been in parts since before that time."""
        query = "select xact_id from done_files where done_at <= ? order by xact_id"
        return [xact_id for (xact_id,) in self._rows(query, before_s)]

    def noted_files(self) -> frozenset[int]:
        """Return the processed WAL files that have events, whether those are in parts by now or not."""
        query = "select xact_id from assignments union select xact_id from done_files"
        return frozenset(xact_id for (xact_id,) in self._rows(query))

    def replaced_parts(self, before_s: int) -> list[int]:
        """Return parts that were replaced before that time and still have files."""
        query = "select id from parts where replaced_at <= ? order by id"
        return [part_id for (part_id,) in self._rows(query, before_s)]

    def bring_back(self, now_s: int) -> None:
        """Let what was marked by a clock that was ahead be marked as of now: it would stay until that time is there."""
        ahead = (
            "select xact_id from done_files where done_at > ?"
            " union all select id from parts where replaced_at > ? or purge_since > ? limit 1"
        )
        if not self._rows(ahead, now_s, now_s, now_s):
            return
        with self._working() as run:
            for table, column in (("done_files", "done_at"), ("parts", "replaced_at"), ("parts", "purge_since")):
                run.execute(f"update {table} set {column} = ? where {column} > ?", (now_s, now_s))  # noqa: S608  our words

    def forget(self, *, files: Sequence[int] = (), parts: Sequence[int] = ()) -> None:
        """Drop the notes about files that were removed."""
        with self._working() as run:
            run.executemany("delete from done_files where xact_id = ?", [(one,) for one in files])
            run.executemany("delete from parts where id = ? and replaced_at is not null", [(one,) for one in parts])
        self.views.forget(parts)

    def _rows(self, query: str, *values: Value) -> list[Row]:
        return self.database.read(lambda _: [(query, values)])[0]

    @contextmanager
    def _working(self) -> Generator[Run]:
        """Begin a transaction of whoever may process, compact or remove files."""
        with self.database.writing() as run:
            if self.fence is not None:
                self.fence.fence(run)
            yield run
