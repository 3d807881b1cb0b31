"""What Flight SQL adds to a query: large answers beside the stream in the process, uploads, and `select 1`.

Server and clients share the cores; each client reads all batches and looks at no value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pytest
from benchmarks.figures import tell
from pyarrow import flight
from server_support.serving import btql_serve

import btql

# One million rows of five columns.
WIDE = (
    "SELECT a.id AS id, b.start AS start, a.created AS created, b.is_root AS is_root, b.tokens AS tokens"
    " FROM demo a, (SELECT metrics.start, metrics.tokens, is_root FROM demo LIMIT 1000) b LIMIT 1000000"
)
COLUMNS = "SELECT id, created, span_attributes.name AS name, metrics.start AS start, is_root FROM demo"
UPLOADED = 20_000


@pytest.fixture(scope="module")
def addresses(database: Path) -> Iterator[Mapping[str, str]]:
    with btql_serve(database, "--insecure-no-auth", "--log-level", "warning", "--flight", "127.0.0.1:0") as server:
        yield server.addresses


@pytest.fixture(scope="module")
def cursor(addresses: Mapping[str, str]) -> Iterator[flightsql.Cursor]:
    with flightsql.connect(addresses["flight"], autocommit=True) as connection, connection.cursor() as found:
        yield found


@pytest.fixture(scope="module")
def client(addresses: Mapping[str, str]) -> Iterator[flight.FlightClient]:
    with flight.connect(addresses["flight"]) as found:
        yield found


def _rate(read: Callable[[], int]) -> float:
    began = time.perf_counter()
    rows = read()
    return rows / (time.perf_counter() - began)


def _rows(batches: Iterator[pa.RecordBatch]) -> int:
    return sum(batch.num_rows for batch in batches)


@pytest.mark.parametrize("text", [WIDE, COLUMNS], ids=["1e6 x 5", "columns of spans"])
def test_each_reader_gets_a_share_of_the_stream_in_the_process(database, cursor, client, benchmark, text):
    def by_adbc() -> int:
        cursor.execute(text)
        return _rows(iter(cursor.fetch_record_batch()))

    def by_pyarrow() -> int:
        info = client.get_flight_info(flight.FlightDescriptor.for_command(text.encode()))
        return _rows(chunk.data for chunk in client.do_get(info.endpoints[0].ticket))

    with btql.connect(database, read_only=True) as connection:

        def in_process() -> int:
            return _rows(connection.query(text).batches())

        ways = {"in process": in_process, "adbc": by_adbc, "pyarrow": by_pyarrow}
        for read in ways.values():
            read()
        # In turns, so that all of them see the same machine.
        rates = [{name: _rate(read) for name, read in ways.items()} for _ in range(3)]
    best = {name: max(each[name] for each in rates) for name in ways}
    figures = {name: f"{rate / 1e6:.2f} M rows/s ({rate / best['in process']:.2f})" for name, rate in best.items()}
    tell("Flight SQL", "0.4 of the stream in the process", benchmark, **figures)
    benchmark.pedantic(by_adbc, rounds=1)


def test_uploads(addresses, benchmark):
    table = pa.table(
        {
            "id": [f"u{n}" for n in range(UPLOADED)],
            "input": [f"question {n}" for n in range(UPLOADED)],
            "metadata.model": ["gpt-5"] * UPLOADED,
            "metrics.tokens": list(range(UPLOADED)),
            "scores.quality": [0.5] * UPLOADED,
        }
    )

    def upload() -> None:
        with flightsql.connect(addresses["flight"], autocommit=True) as connection, connection.cursor() as cursor:
            assert cursor.adbc_ingest("uploads", table, mode="create_append", db_schema_name="dataset") == UPLOADED

    benchmark.pedantic(upload, rounds=3, warmup_rounds=1)
    began = time.perf_counter()
    upload()
    tell("Flight SQL, uploads", benchmark=benchmark, rows_per_s=UPLOADED / (time.perf_counter() - began))


def test_select_1(cursor, benchmark):
    def ask() -> None:
        cursor.execute("SELECT 1 AS one")
        assert cursor.fetchall() == [(1,)]

    benchmark.pedantic(ask, rounds=200, warmup_rounds=20)
    began = time.perf_counter()
    for _ in range(200):
        ask()
    tell("Flight SQL, select 1", benchmark=benchmark, per_s=200 / (time.perf_counter() - began))
