"""btql itself, embedded: a folder, opened for reading, asked in BTQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import orjson
import pyarrow as pa
from benchmarks.beside.recipe import Pages, Recipe, filled
from benchmarks.beside.rivals.arrow import rows_of
from benchmarks.beside.system import Inputs, Parameters, Rows, System

import btql

OBJECT = "project_logs:demo"
SOURCE = "from: project_logs('demo')"

_BATCH = 10_000


class Btql(System):
    """btql, in process."""

    name = "btql"
    note = "loads the events as they are written, durably, merges them, and indexes the text of every field"

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__(folder)
        self._texts = recipe.texts
        self._conn: btql.Connection | None = None

    def version(self) -> str:
        """Return the version of this package."""
        # Loaded when it is first used, while importing any of the others loads all of it: neither is timed.
        import_module("btql.database")
        return version("btql")

    def load(self, inputs: Inputs, address: str) -> None:
        """Ingest and compact."""
        batch: list[bytes] = []
        with btql.connect(self.folder / "db", background=False) as conn, inputs.events.open("rb") as lines:
            for line in lines:
                batch.append(line)
                if len(batch) == _BATCH:
                    conn.ingest(OBJECT, batch)
                    batch = []
            if batch:
                conn.ingest(OBJECT, batch)
            conn.compact()

    def open(self, address: str) -> None:
        """Open the folder."""
        self._conn = btql.connect(self.folder / "db", read_only=True)

    def questions(self) -> frozenset[str]:
        """Return what it is asked."""
        return frozenset(self._texts)

    def ask(self, question: str, parameters: Parameters) -> object:
        """Return the answer as Arrow."""
        assert self._conn is not None
        words = self._texts[question]
        if isinstance(words, Pages):
            return _pages(self._conn, filled(words.text, parameters))
        return self._conn.query(filled(words, parameters)).arrow()

    def steps(self, question: str, parameters: Parameters) -> Mapping[str, float]:
        """Return what EXPLAIN ANALYZE says of the answer, or of its first page."""
        assert self._conn is not None
        words = self._texts[question]
        text = filled(words.text if isinstance(words, Pages) else words, parameters)
        told = orjson.loads(self._conn.explain(text, analyze=True, format="json"))
        return {step["name"]: step["seconds"] for step in told["steps"]}

    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows."""
        assert isinstance(taken, pa.Table)
        return rows_of(taken, columns)

    def size(self, address: str) -> int:
        """Return what its parts take: those that a merge has replaced and its log go with the next compaction."""
        with btql.connect(self.folder / "db", read_only=True) as conn:
            found = conn.status()
        return sum(found.file_bytes.values()) + found.history_bytes

    def close(self) -> None:
        """Close the folder."""
        if self._conn is not None:
            self._conn.close()


def _pages(conn: btql.Connection, text: str) -> pa.Table:
    """Return all pages as one table."""
    pages: list[pa.Table] = []
    cursor: str | None = None
    while True:
        result = conn.query(text, cursor=cursor)
        page = result.arrow()
        if page.num_rows == 0:
            break
        pages.append(page)
        cursor = result.cursor
        if cursor is None:
            break
    return pa.concat_tables(pages)
