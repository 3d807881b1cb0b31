"""Small queries beside an export, in one process and through a server: their p99 beside it over that without one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import httpx
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from server_support.serving import btql_serve

import btql

ROWS = 40_000
BATCH = 10_000
SMALL = "select: * | from: project_logs('d') | filter: id = '77'"
ALL = "select: * | from: project_logs('d')"
ASKED = 300
TO_REACH = 3.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("fairness")
    with btql.connect(found) as conn:
        for start in range(0, ROWS, BATCH):
            events = [
                {"id": str(n), "input": {"n": n, "text": "some text " * 100}} for n in range(start, start + BATCH)
            ]
            conn.ingest("project_logs:d", events)
        conn.compact()
    return found


@contextmanager
def _again_and_again(export: Callable[[], int]) -> Generator[list[int]]:
    """Export in a thread until the block is done; yield the bytes of each export."""
    stopped = threading.Event()
    sizes: list[int] = []

    def work() -> None:
        while not stopped.is_set():
            sizes.append(export())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield sizes
    finally:
        stopped.set()
        thread.join()


def _p99_ms(ask: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(ASKED):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1_000)
    return sorted(times)[int(ASKED * 0.99)]


def _compared(benchmark: BenchmarkFixture, name: str, ask: Callable[[], object], export: Callable[[], int]) -> None:
    _p99_ms(ask)
    idle = benchmark.pedantic(_p99_ms, (ask,), rounds=1)
    with _again_and_again(export) as sizes:
        time.sleep(0.5)
        began = time.perf_counter()
        beside = _p99_ms(ask)
        seconds = time.perf_counter() - began
    print(f"\n{name}: p99 {idle:.1f} ms alone, {beside:.1f} ms beside an export, {beside / idle:.1f} times "
          f"(to reach: {TO_REACH:g}); the export wrote at most {sum(sizes) / seconds / 1e6:.0f} MB/s")  # fmt: skip
    benchmark.extra_info |= {"p99 alone, ms": idle, "p99 beside an export, ms": beside, "times": beside / idle}
    assert sizes


def test_in_one_process(benchmark, folder):
    with btql.connect(folder) as conn:
        _compared(
            benchmark,
            "in one process",
            lambda: conn.query(SMALL).rows(),
            lambda: sum(map(len, conn.query(ALL).json())),
        )


def test_through_a_server(benchmark, folder):
    with btql_serve(folder, "--insecure-no-auth") as server, httpx.Client(timeout=120) as client:

        def export() -> int:
            asked = {"query": ALL, "fmt": "jsonl", "disable_limit": True}
            with httpx.stream("POST", f"{server.url}/btql", json=asked, timeout=120) as answer:
                return sum(map(len, answer.iter_bytes()))

        _compared(
            benchmark,
            "through a server",
            lambda: client.post(f"{server.url}/btql", json={"query": SMALL}).raise_for_status(),
            export,
        )
