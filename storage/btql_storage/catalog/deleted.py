"""What the catalog knows of things that were deleted, and of how long things are kept.

An object that was deleted keeps its row and so its id; ``deleted_upto`` is the transaction up to which its events are
gone for good. Whoever makes an object of that name again gets the same one, without what it had: so a writer that did
not know yet writes to the object that readers see.

``parts.purge_since`` is set from the moment on at which a part has rows that were deleted, until its files are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import orjson

from btql_storage.catalog import rows as sql
from btql_storage.catalog.schema import CHANGES_SINCE
from btql_storage.catalog.shapes import ObjectInfo
from btql_storage.databases.interface import Database, Row, Run, Value
from btql_storage.errors import UnknownObject, values_of_catalog

_POLICY = "retention "
_DELETED = "select id, kind, name, deleted_at, deleted_upto, purged_at from objects where deleted_at is not null"


@dataclass(frozen=True, slots=True)
class DeletedObject:
    """An object that was deleted as a whole."""

    object: ObjectInfo
    deleted_at: int
    """When, in Unix seconds."""
    deleted_upto: int
    """The transaction up to which its events are gone."""
    purged_at: int | None
    """Since when no file has any of it; None while one may."""


@dataclass(frozen=True, slots=True)
class WaitingPurge:
    """Parts of an object that have rows which were deleted."""

    parts: int
    since: int
    """Unix seconds of the oldest of these deletes."""


class Deleted:
    """The part of the catalog that is about deleting; see :class:`~btql_storage.catalog.catalog.Catalog`."""

    def __init__(self, database: Database, working: Callable[[], AbstractContextManager[Run]]) -> None:
        self._database = database
        self._working = working

    def delete_object(self, object_id: int, upto: int, now_s: int) -> None:
        """Take an object away: its parts, and its events up to a transaction. What becomes of them is noted."""
        with self._working() as run:
            query = "delete from assignments where object_id = ? returning xact_id"
            files = sorted({xact_id for (xact_id,) in run.execute(query, (object_id,)).fetchall()})
            sql.note_done(run, now_s, files)
            run.execute(
                "update parts set replaced_at = ?, purge_since = coalesce(purge_since, ?)"
                " where object_id = ? and replaced_at is null",
                (now_s, now_s, object_id),
            )
            run.execute(
                "update objects set deleted_at = ?, deleted_upto = ?, purged_at = null where id = ?",
                (now_s, upto, object_id),
            )
            sql.raise_compacted(run, object_id, upto)
            sql.changed(run, [object_id])

    def find(self, kind: str, name: str) -> ObjectInfo:
        """Return the object of that kind and name, also one that was deleted; UnknownObject where there never was."""
        rows = self._rows("select id from objects where kind = ? and name = ?", kind, name)
        if not rows:
            raise UnknownObject(f"there never was an object `{kind}:{name}`", "see `btql status` for those there are")
        return ObjectInfo(rows[0][0], kind, name)

    def objects(self, purged_since: int = 0) -> Sequence[DeletedObject]:
        """Return the objects that were deleted and not made again, the last one first.

        Of those that are purged only those that were so since a time, in Unix seconds.
        """
        wanted = "(purged_at is null or purged_at >= ?)"
        rows = self._rows_since_3(f"{_DELETED} and {wanted} order by deleted_at desc, id desc", purged_since)
        return [DeletedObject(ObjectInfo(*row[:3]), *row[3:]) for row in rows]

    def deleted(self, kind: str, name: str) -> DeletedObject | None:
        """Return the object of that kind and name where it was deleted and not made again."""
        rows = self._rows_since_3(f"{_DELETED} and kind = ? and name = ?", kind, name)
        return DeletedObject(ObjectInfo(*rows[0][:3]), *rows[0][3:]) if rows else None

    def upto(self) -> Mapping[int, int]:
        """Return up to which transaction the events of an object are gone, for those where any are."""
        return dict(self._rows_since_3("select id, deleted_upto from objects where deleted_upto > 0"))

    def replaced_parts(self, object_id: int) -> Mapping[int, int]:
        """Return the parts of an object that were replaced and still have files, and the bytes of these."""
        query = "select id, file_bytes from parts where object_id = ? and replaced_at is not null order by id"
        with values_of_catalog():
            return {part_id: sum(orjson.loads(sizes).values()) for part_id, sizes in self._rows(query, object_id)}

    def replaced_sizes(self) -> Mapping[int, Sequence[int]]:
        """Return the bytes of each part that was replaced and still has files, by object."""
        found: dict[int, list[int]] = {}
        for owner, sizes in self._rows("select object_id, file_bytes from parts where replaced_at is not null"):
            with values_of_catalog():
                found.setdefault(owner, []).append(sum(orjson.loads(sizes).values()))
        return found

    def waiting(self) -> Mapping[int, WaitingPurge]:
        """Return what waits to be purged, by object."""
        query = "select object_id, count(*), min(purge_since) from parts where purge_since is not null group by 1"
        return {owner: WaitingPurge(parts, since) for owner, parts, since in self._rows_since_3(query)}

    def with_files(self) -> set[int]:
        """Return the objects that have parts, live or not, or events that wait."""
        query = "select object_id from parts union select object_id from assignments"
        return {owner for (owner,) in self._rows(query)}

    def note_purged(self, object_ids: Sequence[int], now_s: int) -> None:
        """Note that no file has anything of deleted objects any more."""
        query = "update objects set purged_at = ? where id = ? and deleted_at is not null and purged_at is null"
        with self._working() as run:
            run.executemany(query, [(now_s, one) for one in object_ids])

    def note_versions_gone(self, object_id: int, upto: int) -> None:
        """Note that versions of an object before a transaction cannot be read any more."""
        with self._working() as run:
            sql.raise_compacted(run, object_id, upto)
            sql.changed(run, [object_id])

    def policies(self) -> Mapping[str, Mapping[str, int]]:
        """Return the retention policies as they were put, by ``kind`` or ``kind:name``."""
        rows = self._rows_since_3(f"select name, value from settings where name like '{_POLICY}%' order by name")  # noqa: S608  our words
        with values_of_catalog():
            return {name.removeprefix(_POLICY): orjson.loads(value) for name, value in rows}

    def put_policy(self, scope: str, policy: Mapping[str, int] | None) -> None:
        """Set the policy of a ``kind`` or ``kind:name``; None removes it."""
        with self._database.writing() as run:
            if policy is None:
                run.execute("delete from settings where name = ?", (_POLICY + scope,))
            else:
                run.execute(
                    "insert into settings (name, value) values (?, ?)"
                    " on conflict (name) do update set value = excluded.value",
                    (_POLICY + scope, orjson.dumps(policy).decode()),
                )

    def _rows(self, query: str, *values: Value) -> list[Row]:
        return self._database.read(lambda _: [(query, values)])[0]

    def _rows_since_3(self, query: str, *values: Value) -> list[Row]:
        """Return rows of columns that an older catalog, opened to read, does not have."""
        found = self._database.read(lambda version: [(query, values)] if version >= CHANGES_SINCE else [])
        return found[0] if found else []
