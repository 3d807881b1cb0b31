"""The suite ``jsonbench``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.beside.jsonbench.questions import QUESTIONS
from benchmarks.beside.jsonbench.records import check, records
from benchmarks.beside.jsonbench.words import BTQL, CHDB, DUCKDB, DUCKDB_VARIANT, POSTGRES, SQLITE
from benchmarks.beside.noted import noted
from benchmarks.beside.rivals.btql import Btql
from benchmarks.beside.rivals.chdb import Chdb
from benchmarks.beside.rivals.duckdb import Duckdb
from benchmarks.beside.rivals.postgres import Postgres
from benchmarks.beside.rivals.sqlite import Sqlite
from benchmarks.beside.suite import Data, Suite, Wanted
from benchmarks.beside.system import Inputs

_CHECKED_FROM = 1_000
"""Fewer records are too few to have the sizes of many."""


def _make(folder: Path, wanted: Wanted) -> Inputs:
    """Make the records, or find them: the same for everybody."""
    file = folder / "records.ndjson"
    if not file.exists():
        partial = file.with_suffix(".partial")
        with partial.open("wb") as out:
            out.writelines(line + b"\n" for line in records(wanted.size, wanted.seed))
        if wanted.size >= _CHECKED_FROM:
            with partial.open("rb") as lines:
                check((line.rstrip() for line in lines), wanted.size)
        partial.rename(file)
    return Inputs(file, file)


def _finish(folder: Path, wanted: Wanted, inputs: Inputs, filled: Path) -> Data:
    """Say what there is."""
    del folder, filled
    return Data(inputs, {}, {"records": wanted.size, "seed": wanted.seed, "bytes": inputs.documents.stat().st_size})


SUITE = Suite(
    name="jsonbench",
    title="JSONBench, beside other systems",
    about="The five questions of [JSONBench](https://github.com/ClickHouse/JSONBench) over made-up records that have "
    "the shape and the cardinalities of its first million: events of a social network, 481 bytes on average. Rivals "
    "keep them as JSONBench tells them to, in one column, with the paths that matter in a sort key or an index. btql "
    "is told nothing and gets the records as they are.",
    size=1_000_000,
    questions=QUESTIONS,
    systems={
        "btql": noted(Btql, BTQL, "the records as they are; nothing is declared"),
        "chDB": noted(Chdb, CHDB, "one JSON column that declares the five paths, sorted by them, as JSONBench has it"),
        "DuckDB": noted(Duckdb, DUCKDB, "one JSON column"),
        "DuckDB VARIANT": noted(Duckdb, DUCKDB_VARIANT, "one VARIANT column", name="DuckDB VARIANT"),
        "PostgreSQL": noted(Postgres, POSTGRES, "one jsonb column, a B-tree over the five paths; vacuumed"),
        "SQLite": noted(Sqlite, SQLITE, "one column of JSON text, a B-tree over the five paths; one thread"),
    },
    limits=frozenset(),
    make=_make,
    finish=_finish,
)
