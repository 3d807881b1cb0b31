"""Systems that are asked what their recipe says, and answer as tuples or in Arrow."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pyarrow as pa
from benchmarks.beside.recipe import Pages, Recipe, filled
from benchmarks.beside.rivals.arrow import rows_of
from benchmarks.beside.rivals.paging import Row, pages
from benchmarks.beside.system import Parameters, Rows, System


class _Worded(System):
    """A system that has a recipe."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__(folder)
        self._recipe = recipe

    def questions(self) -> frozenset[str]:
        """Return what it is asked."""
        return frozenset(self._recipe.texts)


class InTuples(_Worded):
    """A system that answers as tuples."""

    @abstractmethod
    def _fetched(self, text: str) -> list[Row]:
        """Run a statement."""

    def ask(self, question: str, parameters: Parameters) -> object:
        """Return the answer as tuples."""
        words = self._recipe.texts[question]
        if isinstance(words, Pages):
            found = pages(words, filled(words.text, parameters), self._page)
            return [row for page in found for row in cast("list[Row]", page)]
        return self._fetched(filled(words, parameters))

    def _page(self, text: str) -> tuple[object, Row | None]:
        rows = self._fetched(text)
        return rows, rows[-1] if rows else None

    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows."""
        return cast("Rows", taken)


class InArrow(_Worded):
    """A system that answers in Arrow."""

    @abstractmethod
    def _table(self, text: str) -> pa.Table:
        """Run a statement."""

    def ask(self, question: str, parameters: Parameters) -> object:
        """Return the answer as Arrow."""
        words = self._recipe.texts[question]
        if isinstance(words, Pages):
            found = pages(words, filled(words.text, parameters), self._page)
            return pa.concat_tables(cast("list[pa.Table]", found))
        return self._table(filled(words, parameters))

    def _page(self, text: str) -> tuple[object, Row | None]:
        page = self._table(text)
        return page, [column[-1].as_py() for column in page.columns] if page.num_rows else None

    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows."""
        assert isinstance(taken, pa.Table)
        return rows_of(taken, columns)
