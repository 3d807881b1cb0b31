"""What a server of the Postgres wire holds: for readers that do not read, and for connections that do nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from benchmarks.figures import tell
from server_support.endless import ENDLESS
from server_support.pg import demo_rows, place
from server_support.pg_raw import RawSession
from server_support.processes import children, resident_bytes
from server_support.serving import btql_serve

import btql

CONNECTIONS = 200
SECONDS = 5.0
MIB = 1 << 20


DRAIN = f"""
import sys
from server_support.pg_raw import RawSession

reader = RawSession((sys.argv[1], int(sys.argv[2])))
reader.send({ENDLESS!r})
while reader.read():
    pass
"""
"""Reads an answer that has no end."""


@pytest.fixture
def server(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:demo", demo_rows())
        conn.compact()
    with btql_serve(tmp_path / "db", "--insecure-no-auth", "--pg", "127.0.0.1:0") as serving:
        yield serving


def session(server) -> RawSession:
    return RawSession(place(server.addresses["pg"]))


def test_memory_of_idle_connections(server, benchmark):
    worker = children(server.pid)["worker-1"]
    for _ in range(3):
        session(server).close()
    before = resident_bytes(worker)
    held: list[RawSession] = []

    def connect() -> None:
        for _ in range(CONNECTIONS):
            held.append(session(server))
            held[-1].query("select 1")

    benchmark.pedantic(connect, rounds=1, iterations=1, warmup_rounds=0)
    grown = resident_bytes(worker) - before
    tell(f"{CONNECTIONS} idle connections", "100 MB", benchmark, mib=grown / MIB)
    for each in held:
        each.close()


def test_memory_of_an_endless_answer_to_a_slow_reader(server, benchmark):
    worker = children(server.pid)["worker-1"]
    warm = session(server)
    warm.query(f"{ENDLESS} LIMIT 200000")
    warm.close()
    before = resident_bytes(worker)
    highest = 0

    def read_slowly() -> None:
        nonlocal highest
        reader = session(server)
        reader.send(ENDLESS)
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            assert reader.read()
            highest = max(highest, resident_bytes(worker))
            time.sleep(0.05)
        reader.close()

    benchmark.pedantic(read_slowly, rounds=1, iterations=1, warmup_rounds=0)
    tell("an endless answer to a slow reader", "100 MB", benchmark, mib=(highest - before) / MIB)


def test_ingest_while_one_client_drains(server, benchmark):
    body = {"events": [{"input": "x" * 2_000, "output": {"n": 1}} for _ in range(5)]}
    url = f"{server.url}/v1/project_logs/{_project(server)}/insert"

    def rate() -> float:
        with httpx.Client() as client:
            count, ends = 0, time.monotonic() + SECONDS
            while time.monotonic() < ends:
                assert client.post(url, json=body).status_code == 200
                count += 1
        return count / SECONDS

    alone = rate()
    # In a process of its own: with the writer in one, each would wait for the other's turn in the interpreter.
    command = [sys.executable, "-c", DRAIN, *map(str, place(server.addresses["pg"]))]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}) as draining:
        together = benchmark.pedantic(rate, rounds=1, iterations=1, warmup_rounds=0)
        assert draining.poll() is None
        draining.kill()
    figures = {"alone_per_s": alone, "together_per_s": together, "share": together / alone}
    tell("ingest beside a client that drains", "a share of 0.5", benchmark, **figures)


def _project(server) -> str:
    answer = httpx.post(f"{server.url}/v1/project", json={"name": "bench"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])
