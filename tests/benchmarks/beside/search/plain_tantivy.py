"""Tantivy by itself, as a program would use it that needs nothing else: one index, with the texts stored in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import orjson
import tantivy
from benchmarks.beside.search.searches import SEARCHES, Search
from benchmarks.beside.system import Inputs, Parameters, Rows, System

_HEAP_BYTES = 256 << 20


class PlainTantivy(System):
    """An index of Tantivy, and nothing around it."""

    name = "tantivy"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._index: tantivy.Index | None = None

    def version(self) -> str:
        """Return the version of the package."""
        return version("tantivy")

    def load(self, inputs: Inputs, address: str) -> None:
        """Index the documents in the order of their times."""
        (self.folder / "index").mkdir()
        writer = tantivy.Index(_schema(), str(self.folder / "index")).writer(_HEAP_BYTES, num_threads=1)
        with inputs.documents.open("rb") as lines:
            for line in lines:
                document = orjson.loads(line)
                added = tantivy.Document()
                added.add_text("id", document["id"])
                added.add_integer("created", int(datetime.fromisoformat(document["created"]).timestamp() * 1000))
                added.add_text("input", document["input"])
                writer.add_document(added)
        writer.commit()
        writer.wait_merging_threads()

    def open(self, address: str) -> None:
        """Open the index."""
        self._index = tantivy.Index.open(str(self.folder / "index"))

    def questions(self) -> frozenset[str]:
        """Return all of them."""
        return frozenset(SEARCHES)

    def ask(self, question: str, parameters: Parameters) -> object:
        """Return a count, or documents."""
        assert self._index is not None
        search = SEARCHES[question]
        query = tantivy.Query.const_score_query(_query(search), 1.0)
        searcher = self._index.searcher()
        if search.newest is None:
            found: Any = searcher.search(query, limit=1, count=True)
            return found.count
        hits = searcher.search(query, limit=search.newest, count=False, order_by_field="created").hits
        return [searcher.doc(address) for _, address in hits]

    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows."""
        if isinstance(taken, int):
            return [(taken,)]
        documents = cast("list[Any]", taken)
        return [[document.get_first(column) for column in columns] for document in documents]


def _query(search: Search) -> tantivy.Query:
    words = [tantivy.Query.term_query(_schema(), "input", word, "basic") for word in search.words]
    must, should, must_not = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot
    match search.form:
        case "term":
            return words[0]
        case "intersection":
            return tantivy.Query.boolean_query([(must, word) for word in words])
        case "union":
            return tantivy.Query.boolean_query([(should, word) for word in words])
        case "phrase":
            return tantivy.Query.phrase_query(_schema(), "input", list(search.words))
        case "negated":
            return tantivy.Query.boolean_query([(must, words[0]), (must_not, words[1])])


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_integer_field("created", stored=True, fast=True)
    builder.add_text_field("input", stored=True, tokenizer_name="whitespace", index_option="position")
    return builder.build()
