"""The rows of the catalog as they are, for whoever must not trust them yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from btql_storage.catalog.schema import HISTORY_SINCE, SCHEMA
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql_storage.catalog import Catalog
    from btql_storage.databases.interface import Statement

Row: TypeAlias = dict[str, Any]
_COLUMNS = {
    "numbers": ("name", "value"),
    "settings": ("name", "value"),
    "objects": ("id", "kind", "name", "changed", "deleted_at", "deleted_upto", "purged_at"),
    "segments": ("id", "object_id", "events"),
    "assignments": ("xact_id", "segment_id", "object_id", "rows", "events", "json_bytes"),
    "parts": (
        "id",
        "object_id",
        "segment_id",
        "stats",
        "file_bytes",
        "superseded",
        "replaced_at",
        "until",
        "until_max",
        "quarantined",
        "purge_since",
    ),
    "done_files": ("xact_id", "done_at"),
}
"""Every table that tells about data, and its columns in the current version; parents come before their children."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What the catalog had at one moment."""

    rows: Mapping[str, Sequence[Row]]

    @classmethod
    def read(cls, catalog: Catalog) -> Tables:
        """Read all tables, at one moment."""
        return cls.of(catalog.database.read(_statements))

    @classmethod
    def of(cls, answers: Sequence[Sequence[Sequence[Any]]]) -> Tables:
        """Return what the statements have answered."""
        rows = {
            table: [dict(zip(names, row, strict=True)) for row in answer]
            for (table, names), answer in zip(_COLUMNS.items(), answers, strict=True)
        }
        return cls(rows)

    @property
    def objects(self) -> Mapping[int, str]:
        """Id and name of every object that was not deleted."""
        return {row["id"]: f"{row['kind']}:{row['name']}" for row in self.rows["objects"] if row["deleted_at"] is None}

    @property
    def numbers(self) -> Mapping[str, int]:
        """The counters."""
        return {row["name"]: row["value"] for row in self.rows["numbers"]}

    @property
    def parts(self) -> Mapping[int, Row]:
        """The live parts by id."""
        return {row["id"]: row for row in self.rows["parts"] if row["replaced_at"] is None}

    @property
    def processed_upto(self) -> int:
        """The last WAL file that was processed."""
        return self.numbers.get("processed_upto", 0)


def row_numbers(blob: bytes) -> NDArray[np.int64]:
    """Return row numbers as the catalog keeps them."""
    return np.frombuffer(blob, "<i4").astype(np.int64)


def columns_of(table: str) -> Sequence[str]:
    """Return the columns of a table."""
    return _COLUMNS[table]


def table_names() -> Sequence[str]:
    """Return the tables, parents before their children."""
    return list(_COLUMNS)


def _statements(version: int) -> Sequence[Statement]:
    """Return what reads all tables; what an older catalog lacks is null or nothing."""
    return [(_select(table, names, version), ()) for table, names in _COLUMNS.items()]


def _select(table: str, names: Sequence[str], version: int) -> str:
    if version < SCHEMA.version:
        missing = {"changed": "0", "deleted_upto": "0"} | dict.fromkeys(
            ("deleted_at", "purged_at", "quarantined", "purge_since"), "null"
        )
        if version < HISTORY_SINCE:
            missing |= dict.fromkeys(("until", "until_max"), "null")
        if table == "settings":
            return "select '' as name, '' as value where 1 = 0"
        names = [missing.get(name, name) for name in names]
    return f"select {', '.join(names)} from {table} order by 1, 2"  # noqa: S608  our words
