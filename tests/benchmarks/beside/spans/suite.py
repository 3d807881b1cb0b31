"""The suite ``spans``."""

from __future__ import annotations

from functools import partial

from benchmarks.beside.limits.by_hand import ByHand
from benchmarks.beside.rivals.btql import Btql
from benchmarks.beside.rivals.chdb import Chdb
from benchmarks.beside.rivals.duckdb import Duckdb
from benchmarks.beside.rivals.postgres import Postgres
from benchmarks.beside.rivals.sqlite import Sqlite
from benchmarks.beside.spans.data import finish, make
from benchmarks.beside.spans.questions import QUESTIONS
from benchmarks.beside.spans.recipes import in_btql, in_chdb, in_duckdb, in_postgres, in_sqlite
from benchmarks.beside.suite import Suite

SUITE = Suite(
    name="spans",
    title="Spans, beside other systems",
    about="Spans of LLM applications as `btql generate` makes them. btql loads the events, two or three for each span, "
    "and merges them; the others, which know no merges, load the merged current rows, as `btql export` writes them.",
    size=500_000,
    questions=QUESTIONS,
    systems={
        "btql": partial(Btql, recipe=in_btql.RECIPE),
        "chDB": partial(Chdb, recipe=in_chdb.RECIPE),
        "DuckDB": partial(Duckdb, recipe=in_duckdb.JSON),
        "DuckDB VARIANT": partial(Duckdb, recipe=in_duckdb.VARIANT, name="DuckDB VARIANT"),
        "PostgreSQL": partial(Postgres, recipe=in_postgres.RECIPE),
        "SQLite": partial(Sqlite, recipe=in_sqlite.RECIPE),
        "by hand": ByHand,
    },
    limits=frozenset({"by hand"}),
    make=make,
    finish=finish,
    has_profiles=True,
)
