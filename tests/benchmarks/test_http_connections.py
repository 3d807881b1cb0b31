"""What idle connections cost a server: `make bench`, or this file alone with `pytest -s`."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import httpx
from server_support.processes import children, resident_bytes
from server_support.serving import btql_serve

CONNECTIONS = 500


def connect(stack: ExitStack, address: tuple[str, int]) -> socket.socket:
    """Open a connection, ask once, and leave it open."""
    connection = stack.enter_context(socket.create_connection(address))
    connection.sendall(b"GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n")
    answer = b""
    while not answer.endswith(b"{}"):
        answer += connection.recv(4_096)
    return connection


def test_memory_of_idle_connections(benchmark, tmp_path):
    with btql_serve(tmp_path / "db", "--insecure-no-auth") as server, ExitStack() as stack:
        address = ("127.0.0.1", httpx.URL(server.url).port or 0)
        worker = children(server.pid)["worker-1"]
        for _ in range(20):
            httpx.get(f"{server.url}/ping")
        before = resident_bytes(worker)
        benchmark.pedantic(
            lambda: [connect(stack, address) for _ in range(CONNECTIONS)], rounds=1, iterations=1, warmup_rounds=0
        )
        time.sleep(1)
        grown = resident_bytes(worker) - before
        benchmark.extra_info["bytes per idle connection"] = grown // CONNECTIONS
        benchmark.extra_info["MiB for all"] = round(grown / 2**20, 1)
        print(f"\n{CONNECTIONS} idle connections: {grown / 2**20:.1f} MiB")
        assert httpx.get(f"{server.url}/ping").status_code == 200
