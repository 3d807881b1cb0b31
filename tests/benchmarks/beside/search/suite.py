"""The suite ``search``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.beside.noted import noted
from benchmarks.beside.rivals.btql import Btql
from benchmarks.beside.rivals.chdb import Chdb
from benchmarks.beside.rivals.duckdb import Duckdb
from benchmarks.beside.rivals.postgres import Postgres
from benchmarks.beside.rivals.sqlite import Sqlite
from benchmarks.beside.search.corpus import documents
from benchmarks.beside.search.plain_tantivy import PlainTantivy
from benchmarks.beside.search.searches import SEARCHES
from benchmarks.beside.search.words import BTQL, CHDB, DUCKDB, POSTGRES, SQLITE
from benchmarks.beside.suite import Data, Suite, Wanted
from benchmarks.beside.system import Inputs


def _make(folder: Path, wanted: Wanted) -> Inputs:
    """Make the documents, or find them: the same for everybody."""
    file = folder / "documents.ndjson"
    if not file.exists():
        partial = file.with_suffix(".partial")
        with partial.open("wb") as out:
            out.writelines(line + b"\n" for line in documents(wanted.size, wanted.seed))
        partial.rename(file)
    return Inputs(file, file)


def _finish(folder: Path, wanted: Wanted, inputs: Inputs, filled: Path) -> Data:
    """Say what there is."""
    del folder, filled
    return Data(inputs, {}, {"documents": wanted.size, "seed": wanted.seed, "bytes": inputs.documents.stat().st_size})


SUITE = Suite(
    name="search",
    title="Text search, beside other systems",
    about="Made-up documents of some 60 words each from a vocabulary of 50,000, with the frequencies of a language. "
    "Words and phrases that occur nowhere else are planted: the rare phrase is in 1 of 10,000 documents, the medium "
    "one in 1 of 1,000, the common one in 1 of 100, each of their words by itself in 3 to 30 times as many. Hits are "
    "counted, or the newest 10 and 100 are fetched with their texts.",
    size=200_000,
    questions=[search.question for search in SEARCHES.values()],
    systems={
        "btql": noted(Btql, BTQL, "texts in the field `input`"),
        "tantivy": noted(PlainTantivy, "a program of its own with one index that stores the texts, too"),
        "chDB": noted(Chdb, CHDB, "MergeTree in the order of time, with a text index"),
        "DuckDB": noted(Duckdb, DUCKDB, "sorted by time; no text index, which is an extension of its own"),
        "PostgreSQL": noted(Postgres, POSTGRES, "GIN over a tsvector, a B-tree over times; vacuumed"),
        "SQLite": noted(Sqlite, SQLITE, "FTS5 over the table, optimized; one thread"),
    },
    limits=frozenset({"tantivy"}),
    make=_make,
    finish=_finish,
)
