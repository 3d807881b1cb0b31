"""How much there is, and what there is to do, as the catalog tells it without looking at every object by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from btql_storage.catalog.schema import HISTORY_SINCE
from btql_storage.catalog.shapes import LivePart, ObjectInfo, PartSize
from btql_storage.databases.interface import Database, Row, Statement
from btql_storage.errors import values_of_catalog
from btql_storage.part.format import STATS_HEAD_BYTES, PartStats

_HEAD = f"substr(stats, 1, {STATS_HEAD_BYTES})"


class Work:
    """The part of the catalog that says what there is; see :class:`~btql_storage.catalog.catalog.Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, object_id: int | None = None) -> list[ObjectInfo]:
        """Return the objects with events that are assigned and not in a part, the one that waits longest first."""
        found = self._rows(
            "select o.id, o.kind, o.name from assignments a join objects o on o.id = a.object_id"  # noqa: S608  our words
            f" where o.deleted_at is null{_of(object_id)} group by o.id, o.kind, o.name order by min(a.xact_id), o.id",
        )
        return [ObjectInfo(*row) for row in found]

    def uneven(
        self, parts_min: int, object_id: int | None = None, *, past: bool = False
    ) -> Mapping[ObjectInfo, Sequence[PartSize]]:
        """Return, by object, the sound live parts that may be better written anew, those of the past or the others.

        These are parts with rows that were superseded or deleted, and those of segments with at least ``parts_min``.
        """
        live = f"replaced_at is null and quarantined is null and until is {'not null' if past else 'null'}"
        found = self._rows(
            "select o.id, o.kind, o.name,"  # noqa: S608  as above
            f" p.id, p.segment_id, {_HEAD}, length(superseded), p.purge_since"
            f" from parts p join objects o on o.id = p.object_id where o.deleted_at is null{_of(object_id)} and {live}"
            " and (length(p.superseded) > 0 or p.purge_since is not null or p.segment_id in"
            f" (select segment_id from parts where {live} group by segment_id having count(*) >= ?)) order by p.id",
            parts_min,
        )
        sizes: dict[ObjectInfo, list[PartSize]] = {}
        for *target, part_id, segment_id, head, superseded_bytes, purge_since in found:
            one = PartSize(part_id, segment_id, *_sums(head, superseded_bytes), purge_since)
            sizes.setdefault(ObjectInfo(*target), []).append(one)
        return sizes

    def live(self) -> Mapping[int, Sequence[LivePart]]:
        """Return all live parts, by object."""

        def statements(version: int) -> list[Statement]:
            is_past = "until is not null" if version >= HISTORY_SINCE else "1 = 0"
            columns = f"object_id, {_HEAD}, length(superseded), file_bytes, {is_past}"
            return [(f"select {columns} from parts where replaced_at is null", ())]  # noqa: S608  as above

        found: dict[int, list[LivePart]] = {}
        for object_id, head, superseded_bytes, file_bytes, is_past in self._database.read(statements)[0]:
            with values_of_catalog():
                one = LivePart(*_sums(head, superseded_bytes), orjson.loads(file_bytes), bool(is_past))
            found.setdefault(object_id, []).append(one)
        return found

    def _rows(self, query: str, *values: int) -> list[Row]:
        statements: list[Statement] = [(query, values)]
        return self._database.read(lambda _: statements)[0]


def _sums(head: bytes, superseded_bytes: int) -> tuple[int, int, int]:
    """Return the rows of a part, those of them that are current, and the bytes of their JSON."""
    stats = PartStats.from_head(head)
    return stats.rows, stats.rows - superseded_bytes // 4, stats.json_bytes


def _of(object_id: int | None) -> str:
    """Return the condition that only one object is asked for, where one is given."""
    return "" if object_id is None else f" and o.id = {object_id:d}"
