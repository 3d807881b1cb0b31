"""chDB: ClickHouse in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from benchmarks.beside.recipe import Pages, Recipe, filled
from benchmarks.beside.rivals.arrow import rows_of
from benchmarks.beside.rivals.paging import Row, pages
from benchmarks.beside.system import THREADS, Inputs, Parameters, Rows, System, library


class Chdb(System):
    """ClickHouse, embedded."""

    name = "chDB"
    note = "MergeTree, sorted as Langfuse v4 does it, JSON columns, Bloom filters, text indexes; merged into one part"

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__(folder)
        self._recipe = recipe
        self._conn: Any = None

    def version(self) -> str:
        """Return the version of chDB; ClickHouse's is in it."""
        return str(library("chdb").__version__)

    def open(self, address: str) -> None:
        """Open the folder."""
        self._conn = library("chdb").connect(str(self.folder / "db"))
        self._conn.query(f"SET max_threads = {THREADS}")

    def load(self, inputs: Inputs, address: str) -> None:
        """Run the statements of the recipe."""
        self.open(address)
        for statement in self._recipe.load:
            self._conn.query(statement.replace("{file}", str(inputs.documents.resolve())))
        self.close()

    def questions(self) -> frozenset[str]:
        """Return what it is asked."""
        return frozenset(self._recipe.texts)

    def ask(self, question: str, parameters: Parameters) -> object:
        """Return the answer as Arrow."""
        words = self._recipe.texts[question]
        if isinstance(words, Pages):
            return pa.concat_tables(pages(words, filled(words.text, parameters), self._page))
        return self._conn.query(filled(words, parameters), "ArrowTable")

    def _page(self, text: str) -> tuple[object, Row | None]:
        page = self._conn.query(text, "ArrowTable")
        return page, [column[-1].as_py() for column in page.columns] if page.num_rows else None

    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows."""
        assert isinstance(taken, pa.Table)
        return rows_of(taken, columns)

    def close(self) -> None:
        """Close the folder."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
