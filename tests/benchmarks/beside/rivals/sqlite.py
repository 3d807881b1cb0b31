"""SQLite in this process: one file, JSON1 and FTS5. One thread, since it has no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from benchmarks.beside.recipe import Pages, Recipe, filled
from benchmarks.beside.rivals.paging import Row, pages
from benchmarks.beside.system import Inputs, Parameters, Rows, System

_CACHE_KIB = 512 << 10
_MAPPED_BYTES = 8 << 30


class Sqlite(System):
    """SQLite with one file."""

    name = "SQLite"
    note = "a column for each field, JSON1, B-trees on ids, time and paths that are asked for, FTS5; one thread"

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__(folder)
        self._recipe = recipe
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

    def questions(self) -> frozenset[str]:
        """Return what it is asked."""
        return frozenset(self._recipe.texts)

    def ask(self, question: str, parameters: Parameters) -> object:
        """Return the answer as tuples."""
        words = self._recipe.texts[question]
        if isinstance(words, Pages):
            found = pages(words, filled(words.text, parameters), self._page)
            return [row for page in found for row in cast("list[Row]", page)]
        return self._rows(filled(words, parameters))

    def _rows(self, text: str) -> list[Row]:
        assert self._conn is not None
        return self._conn.execute(text).fetchall()

    def _page(self, text: str) -> tuple[object, Row | None]:
        rows = self._rows(text)
        return rows, rows[-1] if rows else None

    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows."""
        return cast("Rows", taken)

    def close(self) -> None:
        """Close the file."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
