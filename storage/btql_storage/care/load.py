"""Fills the tables of a catalog, all at once: whatever was in them goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from btql_storage.care.tables import Row, columns_of, table_names
from btql_storage.databases.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from btql_storage.catalog import Catalog
    from btql_storage.databases.interface import Database, Run

_WITH_OWN_IDS = ("objects", "segments")
"""Tables whose next id the database draws by itself."""
_KEPT_SETTINGS = ("database", "numbers")
"""Settings of this catalog, whatever it is filled with."""


def load(catalog: Catalog, tables: Mapping[str, Sequence[Row]]) -> None:
    """Replace what is in the tables of a catalog, in one transaction."""
    with catalog.database.writing() as run:
        own = run.execute("select name, value from settings where name in (?, ?)", _KEPT_SETTINGS).fetchall()
        for table in reversed(table_names()):
            run.execute(f"delete from {table}")  # noqa: S608  our words
        for table in table_names():
            names = columns_of(table)
            places = ", ".join("?" * len(names))
            insert = f"insert into {table} ({', '.join(names)}) values ({places})"  # noqa: S608  our words
            run.executemany(insert, [[row.get(name) for name in names] for row in tables.get(table, ())])
        for name, value in own:
            run.execute("delete from settings where name = ?", (name,))
            run.execute("insert into settings (name, value) values (?, ?)", (name, value))
        for table in _WITH_OWN_IDS:
            count_on(catalog.database, run, table, "id")


def count_on(database: Database, run: Run, table: str, column: str) -> None:
    """Have the next number that a database draws for a column follow those that were put there."""
    if not isinstance(database, SqliteDatabase):
        # PostgreSQL counts by itself, and was not asked for these.
        top = f"coalesce((select max({column}) from {table}), 0) + 1"  # noqa: S608  our words
        run.execute(f"select setval(pg_get_serial_sequence('{table}', '{column}'), {top}, false)")
