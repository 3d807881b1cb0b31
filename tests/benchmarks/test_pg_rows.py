"""Rows over the Postgres wire, beside a PostgreSQL 15 that has the same rows: `make bench`, or this file with `-s`.

Each pair is measured in turns on the same machine; what counts are the ratios. BTQL_BENCH_ROWS says how many rows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from benchmarks.figures import tell
from server_support.pg import place
from server_support.pg_raw import RawSession
from server_support.postgres_server import postgres
from server_support.serving import btql_serve

import btql

ROWS = int(os.environ.get("BTQL_BENCH_ROWS", "1000000"))
ROUNDS = 3
QUERY = "SELECT id, created, metrics.tokens AS tokens, scores.quality AS quality, is_root FROM project_logs('rows')"
COLUMNS = "id text, created timestamptz, tokens int8, quality float8, is_root bool"
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Both:
    """Two servers with the same rows."""

    btql: psycopg.Connection
    postgres: psycopg.Connection
    raw_btql: RawSession
    raw_postgres: RawSession


def events(start: int, stop: int) -> Iterator[bytes]:
    for n in range(start, stop):
        created = f"2026-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:{n % 59:02}.{n * 7919 % 1_000_000:06}Z"
        quality = n * 2_654_435_761 % 4_294_967_296 / 4_294_967_296
        yield (
            f'{{"id":"row-{n:08}","created":"{created}","root_span_id":"t{n // 10}","span_id":"s{n}",'
            f'"metrics":{{"tokens":{n * 31 % 100_000}}},"scores":{{"quality":{quality!r}}}}}'
        ).encode()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "db"
    with btql.connect(path) as conn:
        for start in range(0, ROWS, 50_000):
            conn.ingest("project_logs:rows", list(events(start, min(start + 50_000, ROWS))))
        conn.compact()
    with btql_serve(path, "--insecure-no-auth", "--pg", "127.0.0.1:0") as server, postgres() as address:
        ours = place(server.addresses["pg"])
        one = psycopg.connect(host=ours[0], port=ours[1], user="x", dbname="btql", sslmode="disable", autocommit=True)
        other = psycopg.connect(host=address[0], port=address[1], user="postgres", autocommit=True)
        other.execute(f"CREATE TABLE rows ({COLUMNS})")
        # What one writes the other reads.
        with (
            one.cursor().copy(f"COPY ({QUERY}) TO STDOUT (FORMAT binary)") as source,
            other.cursor().copy("COPY rows FROM STDIN (FORMAT binary)") as target,
        ):
            for piece in source:
                target.write(piece)
        other.execute("VACUUM ANALYZE rows")
        raw = RawSession(ours), RawSession(address, user="postgres", database="postgres")
        with one, other:
            yield Both(one, other, *raw)
        for each in raw:
            each.close()


def compared(benchmark, title: str, ours: Callable[[], int], theirs: Callable[[], int]) -> None:
    """Tell how much faster ours is; both are measured in turns, and the best of each counts."""
    taken: tuple[list[float], list[float]] = ([], [])
    sizes = [ours(), theirs()]
    for _ in range(ROUNDS):
        for times, work in zip(taken, (ours, theirs), strict=True):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
    rates = [ROWS / min(times) / 1e6 for times in taken]
    figures = {"million_rows_per_s": rates[0], "postgres": rates[1], "ratio": rates[0] / rates[1]}
    tell(f"{ROWS:,} rows, {title}", "a ratio of 0.8 as text, 1.3 in binary", benchmark, **figures)
    benchmark.extra_info["sizes"] = sizes
    benchmark.pedantic(ours, rounds=1, iterations=1, warmup_rounds=0)


def test_raw_drain(both, benchmark):
    compared(
        benchmark, "drained", lambda: both.raw_btql.query(QUERY), lambda: both.raw_postgres.query("SELECT * FROM rows")
    )


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("fetch", [False, True], ids=["execute", "fetchall"])
def test_psycopg(both, benchmark, binary, fetch):
    def read(connection: psycopg.Connection, query: str) -> int:
        with connection.cursor(binary=binary) as cursor:
            cursor.execute(query.encode())
            return len(cursor.fetchall()) if fetch else cursor.rowcount

    compared(
        benchmark,
        f"psycopg {'binary' if binary else 'text'}, {'fetchall' if fetch else 'execute'}",
        lambda: read(both.btql, QUERY),
        lambda: read(both.postgres, "SELECT * FROM rows"),
    )


def test_the_rows_are_the_same(both, benchmark):
    ordered = " ORDER BY id LIMIT 1000"
    ours = both.btql.execute(QUERY + ordered).fetchall()
    assert ours == both.postgres.execute("SELECT * FROM rows" + ordered).fetchall()
    benchmark.pedantic(lambda: both.btql.execute(QUERY + ordered).fetchall(), rounds=3)


def test_select_1(both, benchmark):
    def rate(connection: psycopg.Connection) -> float:
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            connection.execute("select 1").fetchone()
            count += 1
        return count / (time.perf_counter() - began)

    ours, theirs = rate(both.btql), rate(both.postgres)
    tell("select 1", "1,500 a second", benchmark, per_s=ours, postgres_per_s=theirs)
    benchmark.pedantic(lambda: both.btql.execute("select 1").fetchone(), rounds=100)
