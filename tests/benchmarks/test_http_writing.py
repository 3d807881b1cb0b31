"""How fast a real server takes rows over HTTP: ``POST /logs3`` of 100 small spans, durable and visible when answered.

A server with one worker, as ``btql serve`` starts it, and clients on loopback: their bodies are made before, they keep
their connections, and they do nothing but send and read. Client and server share the machine.

To reach (2 cores): 15,000 spans a second sustained; at half of that rate, the slowest of a hundred answers within
50 ms. The second run is paced: each request has a time at which it is due, and is measured from then, so a server
that falls behind is not spared.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from benchmarks.figures import tell
from server_support.serving import btql_serve

import btql
from btql.generate.stream import generate

BATCH = 100
SPANS = 30_000
SUSTAINED_SPANS = int(os.environ.get("BTQL_BENCH_HTTP_SPANS", "150000"))
"""More than may wait for compaction (256 MiB): fewer would tell how fast a log is written, not what is sustained."""
CONNECTIONS = 4
PACED_SPANS_PER_S = 7_500
PACED_S = float(os.environ.get("BTQL_BENCH_HTTP_SECONDS", "10"))


class Connection:
    """One keep-alive connection that knows just enough HTTP."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def send(self, request: bytes) -> bytes:
        """Send a whole request and return the body of its answer."""
        self._socket.sendall(request)
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head + self._received
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields[b"content-length"])
        while len(self._received) < length:
            self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _receive(self) -> None:
        piece = self._socket.recv(65_536)
        assert piece, "the server closed the connection"
        self._received += piece


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The address of a real server with one worker."""
    with btql_serve(tmp_path / "db", "--insecure-no-auth", "--log-level", "warning") as process:
        host, _, port = process.url.removeprefix("http://").partition(":")
        yield host, int(port)


def rows_of_spans(count: int) -> list[dict[str, Any]]:
    """Return whole spans, as an SDK sends them: what happened to a span until it ended is one row."""
    rows: dict[str, dict[str, Any]] = {}
    for lines in generate("small", count, 7):
        for line in lines:
            event = json.loads(line)
            if event.get("_object_delete"):
                continue
            row = rows.setdefault(event["id"], {})
            for key, value in event.items():
                if isinstance(value, dict) and isinstance(row.get(key), dict):
                    row[key] |= value
                elif key not in ("_is_merge", "_merge_paths", "_array_delete"):
                    row[key] = value
    return list(rows.values())


def requests_for(address: tuple[str, int], spans: int) -> tuple[str, list[bytes]]:
    """Return the id of a new project, and requests with so many spans, ready to be sent."""
    url = f"http://{address[0]}:{address[1]}"
    project_id = httpx.post(f"{url}/v1/project", json={"name": "speed"}).json()["id"]
    rows = [{**row, "project_id": project_id, "log_id": "g"} for row in rows_of_spans(spans)]
    requests: list[bytes] = []
    for start in range(0, len(rows) - BATCH + 1, BATCH):
        body = json.dumps({"rows": rows[start : start + BATCH], "api_version": 2}, separators=(",", ":")).encode()
        head = f"POST /logs3 HTTP/1.1\r\nHost: {address[0]}\r\nContent-Length: {len(body)}\r\n\r\n"
        requests.append(head.encode() + body)
    return project_id, requests


def with_connections(address: tuple[str, int], first: bytes, work: Callable[[int, Connection], None]) -> float:
    """Run a function on a thread for each connection, which has had a first request; return how long it took."""
    failures: list[BaseException] = []
    ready = threading.Barrier(CONNECTIONS + 1)

    def guarded(number: int) -> None:
        try:
            with Connection(address) as connection:
                connection.send(first)
                ready.wait()
                work(number, connection)
        except BaseException as error:  # noqa: BLE001  it is raised again below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - began


def test_sustained(server: tuple[str, int], tmp_path: Path) -> None:
    project_id, requests = requests_for(server, SUSTAINED_SPANS)

    def send(number: int, connection: Connection) -> None:
        for request in requests[number::CONNECTIONS]:
            connection.send(request)

    seconds = with_connections(server, requests[0], send)

    sent = len(requests) * BATCH
    tell(
        "/logs3 sustained",
        "15,000 spans a second",
        spans_per_s=sent / seconds,
        requests_per_s=len(requests) / seconds,
        mib_per_s=sum(map(len, requests)) / seconds / 2**20,
    )
    with btql.connect(tmp_path / "db", read_only=True) as conn:
        rows = list(conn.query(f"measures: count(1) as n | from: project_logs('{project_id}')"))
    assert rows[0]["n"] == sent


def test_latency_at_half_of_the_rate(server: tuple[str, int]) -> None:
    _, requests = requests_for(server, SPANS)
    interval = BATCH / PACED_SPANS_PER_S
    count = int(PACED_S / interval)
    took: list[float] = []

    def send(number: int, connection: Connection) -> None:
        began = time.perf_counter()
        for index in range(number, count, CONNECTIONS):
            due = began + index * interval
            time.sleep(max(due - time.perf_counter(), 0))
            connection.send(requests[index % len(requests)])
            took.append((time.perf_counter() - due) * 1_000)

    with_connections(server, requests[0], send)

    took.sort()
    tell(
        f"/logs3 at {PACED_SPANS_PER_S:,} spans/s",
        "50 ms for 99 of a hundred",
        p50_ms=took[len(took) // 2],
        p99_ms=took[len(took) * 99 // 100],
        max_ms=took[-1],
    )
    assert len(took) == count
