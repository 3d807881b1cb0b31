"""How fast questions are answered over compacted spans, warm, in process; and from the shell, cold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import btql

QUERIES = {
    "count": "measures: count(1) as n",
    "simple filter": "select: id, created | filter: metadata.user_id = 'nobody' | limit: 50",
    "newest 100": "select: id, created, metadata.model | sort: created desc | limit: 100",
    "newest 50 whole": "select: * | limit: 50",
    "by model": "dimensions: metadata.model as model | measures: count(1) as n, avg(metrics.tokens) as tokens, "
    "percentile(metrics.end - metrics.start, 0.95) as p95",
    "error rate by hour": "dimensions: hour(created) as h | measures: count(error) / count(1) as rate",
    "phrase": "select: id, created | filter: input MATCH 'over the rainbow' | limit: 50",
    "phrase with document": "select: id, input | filter: input MATCH 'over the rainbow' | limit: 50",
    "worst scores": "dimensions: root_span_id | measures: avg(scores.accuracy) as score | sort: score | limit: 10",
}


@pytest.fixture(scope="module")
def conn(database: Path) -> Iterator[btql.Connection]:
    with btql.connect(database, read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("name", QUERIES)
def test_query(benchmark: BenchmarkFixture, conn: btql.Connection, name: str) -> None:
    text = f"{QUERIES[name]} | from: project_logs('demo')"

    benchmark(lambda: conn.query(text).rows())


def test_one_trace(benchmark: BenchmarkFixture, conn: btql.Connection) -> None:
    text = "dimensions: root_span_id | measures: count(1) as n | from: project_logs('demo') | sort: n desc | limit: 1"
    (largest,) = conn.query(text).rows()
    benchmark.extra_info["spans"] = largest["n"]
    trace = f"select: * | from: project_logs('demo') | filter: root_span_id = '{largest['root_span_id']}'"

    benchmark(lambda: conn.query(trace).rows())


def test_one_span(benchmark: BenchmarkFixture, conn: btql.Connection) -> None:
    (newest,) = conn.query("select: id | from: project_logs('demo') | limit: 1").rows()

    benchmark(lambda: conn.query(f"select: * | from: project_logs('demo') | filter: id = '{newest['id']}'").rows())


def test_query_from_the_shell(benchmark: BenchmarkFixture, database: Path) -> None:
    text = f"{QUERIES['simple filter']} | from: project_logs('demo')"
    command = [sys.executable, "-m", "btql.cli", "query", str(database), text, "--format", "json"]

    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=7, warmup_rounds=1)


PARTS_OF_START_UP = {
    "interpreter": "pass",
    "import btql": "import btql",
    # What a query cannot do without, set up as the command line does it.
    "libraries": "from btql.cli.start import import_arrow, prepare; prepare(); import_arrow(); "
    "import btql.execution.engine",
    "command line": "from btql.cli.start import prepare; prepare(); import btql.cli.app",
}


@pytest.mark.parametrize("name", PARTS_OF_START_UP)
def test_start_up(benchmark: BenchmarkFixture, name: str) -> None:
    command = [sys.executable, "-c", PARTS_OF_START_UP[name]]

    benchmark.pedantic(lambda: subprocess.run(command, check=True), rounds=7, warmup_rounds=1)
