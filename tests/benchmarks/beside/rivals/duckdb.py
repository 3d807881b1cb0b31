"""DuckDB in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from benchmarks.beside.recipe import Recipe
from benchmarks.beside.rivals.worded import InArrow
from benchmarks.beside.system import THREADS, Inputs, library


class Duckdb(InArrow):
    """DuckDB with one file."""

    name = "DuckDB"
    note = (
        "a column for each field, sorted by time, ART indexes on ids; no text index, which is an extension of its own"
    )

    def __init__(self, folder: Path, recipe: Recipe, name: str = "DuckDB") -> None:
        super().__init__(folder, recipe)
        self.name = name
        self._conn: Any = None

    def version(self) -> str:
        """Return the version of the package."""
        return str(library("duckdb").__version__)

    def open(self, address: str) -> None:
        """Open the file."""
        self._connect(read_only=True)

    def _connect(self, *, read_only: bool) -> None:
        file = str(self.folder / "spans.duckdb")
        self._conn = library("duckdb").connect(file, read_only=read_only, config={"threads": THREADS})
        self._conn.execute("SET TimeZone = 'UTC'")
        self._conn.execute("SET enable_progress_bar = false")

    def load(self, inputs: Inputs, address: str) -> None:
        """Run the statements of the recipe."""
        self._connect(read_only=False)
        for statement in self._recipe.load:
            self._conn.execute(statement.replace("{file}", str(inputs.documents.resolve())))
        self._conn.execute("CHECKPOINT")
        self.close()

    def _table(self, text: str) -> pa.Table:
        return cast("pa.Table", self._conn.sql(text).to_arrow_table())

    def close(self) -> None:
        """Close the file."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
