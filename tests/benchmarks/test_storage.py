"""The storage engine by itself: durable writes, compaction, sizes, and what a tail costs the first query.

    BTQL_BENCH_EVENTS=10000000 .venv/bin/pytest tests/benchmarks/test_storage.py -p no:randomly -s -q -k million

writes as many spans one after the other, and tells the rate and the memory of each million events.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

import orjson
import pytest
from benchmarks.figures import tell

import btql
from btql.generate.stream import generate
from btql_storage.store import Storage

SEED = 7
BATCH = 1_000
SPANS = {"small": 100_000, "real": 4_000}
LONG = int(os.environ.get("BTQL_BENCH_EVENTS", "0"))
_MB = 1_000_000
ROUNDS = 5


@pytest.fixture(scope="module", params=sorted(SPANS))
def profile(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def lines(profile: str) -> list[bytes]:
    return list(chain.from_iterable(generate(profile, SPANS[profile], SEED)))


def batches(lines: list[bytes]) -> Iterator[list[bytes]]:
    rest = iter(lines)
    while batch := list(islice(rest, BATCH)):
        yield batch


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median_of(work: Callable[[], object]) -> float:
    return statistics.median(seconds(work) for _ in range(9))


def test_durable_ingest_beside_parsing_and_writing_the_same_bytes(profile: str, lines: list[bytes], tmp_path: Path):
    """What cannot be done without: parse the JSON, write its bytes, one fsync for each batch."""

    def plainly(path: Path) -> None:
        with path.open("wb") as file:
            for batch in batches(lines):
                for line in batch:
                    orjson.loads(line)
                file.write(b"\n".join(batch))
                file.flush()
                os.fsync(file.fileno())

    def durably(path: Path) -> None:
        with Storage.open(path, create=True) as storage:
            target = storage.create_object("project_logs", "bench")
            for batch in batches(lines):
                storage.ingest(target, batch)

    plain, durable = [], []
    for number in range(ROUNDS):
        plain.append(seconds(lambda number=number: plainly(tmp_path / f"{number}.ndjson")))
        durable.append(seconds(lambda number=number: durably(tmp_path / f"{number}")))
    size = sum(map(len, lines)) / _MB
    ratio = statistics.median(plain) / statistics.median(durable)
    tell(
        f"durable ingest, {profile}",
        "60 % of parsing and writing plainly",
        share=f"{ratio:.0%}",
        events_s=len(lines) / statistics.median(durable),
        mb_s=size / statistics.median(durable),
        plain_mb_s=size / statistics.median(plain),
    )


@pytest.mark.parametrize("layout", ["fast", "small"])
def test_compaction_and_size(
    profile: str, lines: list[bytes], layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BTQL_LAYOUT", layout)
    with Storage.open(tmp_path / "db", create=True) as storage:
        target = storage.create_object("project_logs", "bench")
        for batch in batches(lines):
            storage.ingest(target, batch)
        cpu = time.process_time()
        took = seconds(storage.compact)
        cpu = time.process_time() - cpu
        status = storage.status()
        json_bytes = sum(map(len, lines))
    on_disk = sum(status.file_bytes.values())
    tell(
        f"compaction with text index, {profile}, laid out {layout}",
        "12 MB of JSON per second and core; at most 35 % of the JSON for real",
        events_s=len(lines) / took,
        mb_s=json_bytes / took / _MB,
        mb_per_cpu_second=json_bytes / cpu / _MB,
        size=f"{on_disk / json_bytes:.0%}",
        of_current_rows=f"{on_disk / status.json_bytes:.0%}",
        **{kind: f"{size / json_bytes:.1%}" for kind, size in status.file_bytes.items()},
    )


@pytest.mark.parametrize("batches_between", [1, 10])
def test_write_amplification(batches_between: int, tmp_path: Path):
    """Compaction after every few batches of 500, so that parts begin small; replaced files stay for an hour."""
    lines = list(chain.from_iterable(generate("small", 100_000, SEED)))[:100_000]
    written = 0
    with Storage.open(tmp_path / "db", create=True) as storage:
        target = storage.create_object("project_logs", "bench")
        for first in range(0, len(lines), 500 * batches_between):
            for start in range(first, min(first + 500 * batches_between, len(lines)), 500):
                storage.ingest(target, lines[start : start + 500])
            written += storage.compact().rows
        status = storage.status()
    sizes = {
        folder: sum(path.stat().st_size for path in (tmp_path / "db" / folder).rglob("*") if path.is_file())
        for folder in ("wal", "parts")
    }
    json_bytes = sum(map(len, lines))
    live = sum(size for kind, size in status.file_bytes.items() if kind != "wal")
    tell(
        f"write amplification, compaction every {500 * batches_between:,} events",
        "a row is written about four times",
        times_each_row=written / status.rows,
        part_bytes_over_live=sizes["parts"] / live,
        all_bytes_over_json=sum(sizes.values()) / json_bytes,
    )


QUERIES = (
    "select: count(1) as n | from: project_logs('bench') | filter: metadata.model is not null",
    "select: id, metadata.model | from: project_logs('bench') | limit: 50",
    "dimensions: metadata.model as m | measures: count(1) as n, avg(metrics.tokens) as t | from: project_logs('bench')",
)


def test_the_first_query_after_a_write(tmp_path: Path):
    lines = list(chain.from_iterable(generate("small", 60_000, SEED)))[:60_000]
    with btql.connect(tmp_path / "db", background=False) as conn:
        conn.ingest("project_logs:bench", lines[:50_000])
        conn.compact()
        for query in QUERIES:
            conn.query(query).arrow()
        without = [
            statistics.median(seconds(lambda q=query: conn.query(q).arrow()) for _ in range(9)) for query in QUERIES
        ]
        for batch in batches(lines[50_000:]):
            conn.ingest("project_logs:bench", batch)
        opening = seconds(lambda: conn.query(QUERIES[1]).arrow())
        first = []
        for query, before in zip(QUERIES, without, strict=True):
            more = []
            for number in range(9):
                conn.ingest("project_logs:bench", [{"id": f"new {number}", "input": "one more"}])
                more.append(seconds(lambda q=query: conn.query(q).arrow()) - before)
            first.append(statistics.median(more))
    tell(
        "the first query after a write, over the same without a tail; 10,000 rows in the tail",
        "20 ms more",
        count_ms=first[0] * 1e3,
        newest_ms=first[1] * 1e3,
        group_ms=first[2] * 1e3,
        first_look_at_10000_ms=opening * 1e3,
    )


@pytest.mark.skipif(not LONG, reason="BTQL_BENCH_EVENTS says how many spans to write")
def test_million_after_million(tmp_path: Path):
    command = [sys.executable, "-m", "btql", "generate", "--profile", "small", "--spans", str(LONG), "--seed", "7"]
    rates: list[float] = []
    with subprocess.Popen([*command, "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as made:
        assert made.stdout is not None
        with Storage.open(tmp_path / "db", create=True) as storage:
            target = storage.create_object("project_logs", "bench")
            written, spent = 0, 0.0
            while batch := [line.rstrip(b"\n") for line in islice(made.stdout, BATCH)]:
                spent += seconds(lambda batch=batch: storage.ingest(target, batch))
                written += len(batch)
                if written % 1_000_000 == 0:
                    rates.append(1_000_000 / spent)
                    spent = 0.0
                    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                    tell(f"million {len(rates)}", events_s=rates[-1], peak_mib=peak)
    if len(rates) > 1:
        tell("the last million over the second", "at least 80 %", share=f"{rates[-1] / rates[1]:.0%}")
