"""chDB: ClickHouse in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from benchmarks.beside.recipe import Recipe
from benchmarks.beside.rivals.worded import InArrow
from benchmarks.beside.system import THREADS, Inputs, library


class Chdb(InArrow):
    """ClickHouse, embedded."""

    name = "chDB"
    note = "MergeTree, sorted as Langfuse v4 does it, JSON columns, Bloom filters, text indexes; merged into one part"

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__(folder, recipe)
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

    def _table(self, text: str) -> pa.Table:
        return cast("pa.Table", self._conn.query(text, "ArrowTable"))

    def size(self, address: str) -> int:
        """Return what its parts take, without those that a merge has replaced, which stay for eight minutes."""
        self.open(address)
        table = self._table(
            "SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND database = 'default'"
        )
        self.close()
        return int(table.column("bytes")[0].as_py())

    def close(self) -> None:
        """Close the folder."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
