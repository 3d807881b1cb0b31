"""SQLite in this process: one file, JSON1 and FTS5. One thread, since it has no more."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from benchmarks.beside.recipe import Recipe
from benchmarks.beside.rivals.paging import Row
from benchmarks.beside.rivals.worded import InTuples
from benchmarks.beside.system import Inputs

_CACHE_KIB = 512 << 10
_MAPPED_BYTES = 8 << 30


class Sqlite(InTuples):
    """SQLite with one file."""

    name = "SQLite"
    note = "a column for each field, JSON1, B-trees on ids, time and paths that are asked for, FTS5; one thread"

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__(folder, recipe)
        self._conn: sqlite3.Connection | None = None

    def version(self) -> str:
        """Return the version of the library."""
        return sqlite3.sqlite_version

    def open(self, address: str) -> None:
        """Open the file."""
        self._conn = sqlite3.connect(self.folder / "spans.sqlite")
        self._conn.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._conn.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")

    def load(self, inputs: Inputs, address: str) -> None:
        """Run the statements of the recipe, in one transaction."""
        self.open(address)
        conn = self._conn
        assert conn is not None
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("CREATE TEMP TABLE raw (doc TEXT)")
        with conn, inputs.documents.open(encoding="utf-8") as lines:
            conn.executemany("INSERT INTO raw VALUES (?)", ((line,) for line in lines))
            for statement in self._recipe.load:
                conn.execute(statement)
        conn.execute("ANALYZE")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.close()

    def _fetched(self, text: str) -> list[Row]:
        assert self._conn is not None
        return self._conn.execute(text).fetchall()

    def close(self) -> None:
        """Close the file."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
