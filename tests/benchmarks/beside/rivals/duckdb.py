"""DuckDB in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from benchmarks.beside.recipe import Pages, Recipe, filled
from benchmarks.beside.rivals.arrow import rows_of
from benchmarks.beside.rivals.paging import Row, pages
from benchmarks.beside.system import THREADS, Inputs, Parameters, Rows, System, library


class Duckdb(System):
    """DuckDB with one file."""

    name = "DuckDB"
    note = (
        "a column for each field, sorted by time, ART indexes on ids; no text index, which is an extension of its own"
    )

    def __init__(self, folder: Path, recipe: Recipe, name: str = "DuckDB") -> None:
        super().__init__(folder)
        self.name = name
        self._recipe = recipe
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

    def questions(self) -> frozenset[str]:
        """Return what it is asked."""
        return frozenset(self._recipe.texts)

    def ask(self, question: str, parameters: Parameters) -> object:
        """Return the answer as Arrow."""
        words = self._recipe.texts[question]
        if isinstance(words, Pages):
            return pa.concat_tables(pages(words, filled(words.text, parameters), self._page))
        return self._conn.sql(filled(words, parameters)).to_arrow_table()

    def _page(self, text: str) -> tuple[object, Row | None]:
        page = self._conn.sql(text).to_arrow_table()
        return page, [column[-1].as_py() for column in page.columns] if page.num_rows else None

    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows."""
        assert isinstance(taken, pa.Table)
        return rows_of(taken, columns)

    def close(self) -> None:
        """Close the file."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
