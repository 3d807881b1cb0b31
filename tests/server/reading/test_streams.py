"""Large answers, readers that are slow or go away, queries that end too late."""

from __future__ import annotations

import errno
import json
import socket
import threading
import time

import httpx
import pyarrow as pa
import pytest
from server_support.endless import LONG
from server_support.processes import children, resident_bytes
from server_support.serving import btql_serve

import btql
from btql.execution.engine_threads import Runs
from btql.execution.fetch import Fetcher
from btql_server.reading import answering
from btql_storage.errors import InputOutput

TEXTS = "select: id, input | from: project_logs('texts')"
PAIRS = """
SELECT count(*) AS n FROM project_logs('demo') a JOIN project_logs('demo') b ON a.id < b.id || 'x'
JOIN (SELECT id FROM project_logs('demo') LIMIT 16) c ON a.id || c.id <> b.id
"""
"""Keeps a core busy for some seconds, and cannot be interrupted."""


def test_a_large_answer_is_whole_in_every_format(ask):
    lines = ask(TEXTS, fmt="jsonl", disable_limit=True)
    found = [json.loads(line) for line in lines.text.splitlines()]
    array = ask(TEXTS, disable_limit=True)

    assert lines.headers["transfer-encoding"] == "chunked"
    assert len(lines.content) > 80_000_000
    assert [row["id"] for row in found] == [str(n) for n in range(3_999, -1, -1)]
    assert array.json()["data"] == found
    table = pa.ipc.open_stream(ask(TEXTS, fmt="arrow", disable_limit=True).content).read_all()
    assert table.column("id").to_pylist() == [row["id"] for row in found]


def test_a_large_page_waits_in_a_file(ask, monkeypatch):
    query = TEXTS + " | limit: 200"
    small = ask(query, fmt="jsonl")
    monkeypatch.setattr(answering, "SPOOL_BYTES", 1 << 20)
    large = ask(query, fmt="jsonl")

    assert large.content == small.content
    assert large.headers["x-bt-cursor"] == small.headers["x-bt-cursor"]
    assert large.headers["transfer-encoding"] == "chunked"


def test_a_page_that_no_disk_has_room_for(reader, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(answering, "SpooledTemporaryFile", full)
    answer = reader.post("/btql", json={"query": "select: id | from: project_logs('demo') | limit: 3"})
    assert (answer.status_code, answer.json()["Code"]) == (507, "InsufficientStorageError")
    assert "no space is left" in answer.json()["Message"]


def test_the_time_limit(reader, served):
    began = time.monotonic()
    answer = reader.post("/btql", json={"query": LONG, "query_timeout_seconds": 0.5})

    assert time.monotonic() - began < 5
    assert answer.status_code == 504
    (error,) = answer.json()["errors"]
    assert (error["code"], error["seconds"]) == ("B0501", 0.5)
    assert "time limit of 0.5 s" in answer.json()["Message"]
    assert reader.post("/btql", json={"query": "SELECT 1 AS one"}).json()["data"] == [{"one": 1}]


def test_small_queries_are_answered_while_joins_run(reader, served):
    def wait():
        reader.post("/btql", json={"query": PAIRS, "query_timeout_seconds": 6})

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    for each in waiting:
        each.start()
    time.sleep(0.3)
    for _ in range(5):
        began = time.monotonic()
        answer = reader.post("/btql", json={"query": "select: id | from: project_logs('demo') | limit: 1"})
        assert answer.status_code == 200
        assert time.monotonic() - began < 5
    for each in waiting:
        each.join()


def _send(url: str, body: dict[str, object]) -> socket.socket:
    """Send a query over a socket of its own, whose buffer is small."""
    host, port = url.removeprefix("http://").split(":")
    content = json.dumps(body).encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    connection.connect((host, int(port)))
    head = f"POST /btql HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(content)}\r\n\r\n"
    connection.sendall(head.encode() + content)
    return connection


def _stops(seen: list[object], started: float) -> float:
    while not seen and time.monotonic() - started < 10:
        time.sleep(0.01)
    assert seen, "the query goes on"
    return time.monotonic() - started


@pytest.fixture
def stopped(monkeypatch):
    """What the engine has given up, as it happens."""
    seen: list[object] = []
    end = Runs.end

    def noted(runs, run, *, given_up):
        if given_up:
            seen.append(run)
        end(runs, run, given_up=given_up)

    monkeypatch.setattr(Runs, "end", noted)
    return seen


def test_a_client_that_goes_away_ends_its_query(served, stopped):
    connection = _send(served[0], {"query": LONG, "query_timeout_seconds": 60})
    time.sleep(0.5)
    assert stopped == []
    connection.close()

    assert _stops(stopped, time.monotonic()) < 5


def test_a_client_that_goes_away_ends_its_stream(served, stopped):
    # The filter is for the engine: without one, rows that are in memory do not go through it.
    query = f"{TEXTS} | filter: length(id) > 0"
    connection = _send(served[0], {"query": query, "fmt": "jsonl", "disable_limit": True})
    assert b"200 OK" in connection.recv(4_096)
    connection.close()

    assert _stops(stopped, time.monotonic()) < 5


def test_a_slow_reader_costs_no_memory(tmp_path):
    with btql.connect(tmp_path) as conn:
        for start in range(0, 6_000, 1_000):
            conn.ingest(
                "project_logs:big",
                [{"id": str(n), "input": chr(97 + n % 26) * 40_000} for n in range(start, start + 1_000)],
            )
        conn.compact()
    # In a process of its own, where nothing else takes memory.
    with btql_serve(tmp_path, "--insecure-no-auth") as server:
        worker = children(server.pid)["worker-1"]
        asked: dict[str, object] = {"query": "select: id, input | from: project_logs('big')", "fmt": "jsonl"}
        # Whatever is loaded or cached once is there before.
        httpx.post(f"{server.url}/btql", json={**asked, "limit": 2_000}, timeout=60).raise_for_status()
        before = resident_bytes(worker)
        connection = _send(server.url, {**asked, "disable_limit": True})
        most = 0
        for _ in range(20):
            connection.recv(1_000)
            time.sleep(0.1)
            most = max(most, resident_bytes(worker))
        connection.close()

    # The answer has 240 MB; what waits is a batch of 32 MB and its JSON, on a thread that has allocated nothing before.
    assert most - before < 200 << 20


def test_waiting_for_a_reader_does_not_count(served):
    connection = _send(served[0], {"query": TEXTS, "fmt": "jsonl", "disable_limit": True, "query_timeout_seconds": 6})
    time.sleep(7)
    size = 0
    while piece := connection.recv(1 << 20):
        size += len(piece)
        if piece.endswith(b"0\r\n\r\n"):
            break
    connection.close()
    assert size > 80_000_000


def test_an_error_in_the_middle_is_the_last_line_and_breaks_the_connection(served, monkeypatch):
    added: list[int] = []
    add = Fetcher.add

    def fails_later(self, batch, spec, files=None):
        added.append(batch.num_rows)
        if len(added) == 2:
            raise InputOutput("a disk failed", "replace it")
        return add(self, batch, spec, files)

    monkeypatch.setattr(Fetcher, "add", fails_later)
    connection = _send(served[0], {"query": TEXTS, "fmt": "jsonl", "disable_limit": True})
    received = b""
    while piece := connection.recv(1 << 20):
        received += piece
    connection.close()
    head, _, body = received.partition(b"\r\n\r\n")
    last = body.rstrip().rsplit(b"\n", 1)[-1]

    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body.count(b'{"id":') == added[0]
    assert json.loads(last)["error"]["Message"] == "a disk failed; replace it"
    assert not received.endswith(b"0\r\n\r\n"), "the stream looks complete"


def test_an_error_before_the_first_row_is_an_ordinary_answer(reader, monkeypatch):
    def fails(self, *_):
        raise InputOutput("a disk failed", "replace it")

    monkeypatch.setattr(Fetcher, "add", fails)
    answer = reader.post("/btql", json={"query": TEXTS, "fmt": "jsonl", "disable_limit": True})
    assert (answer.status_code, answer.json()["Message"]) == (500, "a disk failed; replace it")
