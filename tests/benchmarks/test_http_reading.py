"""What HTTP adds to a query: to a small one in milliseconds, to a large one in rows a second.

Server and client share the cores; the client reads bytes and looks at none of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from benchmarks.figures import tell
from server_support.serving import btql_serve

import btql

SMALL = "select: id, created, metadata.model | from: project_logs('demo') | limit: 10"
COLUMNS = (
    "select: id, created, span_attributes.name, metrics.start, metadata.model, scores | from: project_logs('demo')"
)
DOCUMENTS = "select: * | from: project_logs('demo') | filter: created > '2000-01-01'"


@pytest.fixture(scope="module")
def client(database: Path) -> Iterator[httpx.Client]:
    # A process of its own, as servers are: in this one, client and server would take turns at being interpreted.
    with (
        btql_serve(database, "--insecure-no-auth", "--log-level", "warning") as server,
        httpx.Client(base_url=server.url, timeout=600, headers={"accept-encoding": "identity"}) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def conn(database: Path) -> Iterator[btql.Connection]:
    with btql.connect(database, read_only=True) as conn:
        yield conn


def _median(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[times // 2]


def test_what_a_small_query_costs_more(client, conn, benchmark):
    # A client that costs little, as it is not what is measured.
    connection = HTTPConnection(client.base_url.host, client.base_url.port)
    body = json.dumps({"query": SMALL})

    def over_http() -> None:
        connection.request("POST", "/btql", body)
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 1_000) == (200, True)

    def in_process() -> None:
        assert len(b"".join(conn.query(SMALL).json()).splitlines()) == 10

    for _ in range(10):
        over_http()
        in_process()
    # In turns, so that both see the same machine.
    pairs = [(_median(over_http, 5), _median(in_process, 5)) for _ in range(20)]
    overhead_ms = sorted((one - other) * 1_000 for one, other in pairs)[len(pairs) // 2]
    tell("POST /btql over the query in the process", "3 ms", benchmark, overhead_ms=overhead_ms)
    benchmark.pedantic(over_http, rounds=20)
    connection.close()


def _read(client: httpx.Client, query: str, form: str) -> int:
    size = 0
    body = {"query": query, "fmt": form, "disable_limit": True, "query_timeout_seconds": 300}
    with client.stream("POST", "/btql", json=body) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_raw():
            size += len(piece)
    return size


def _arrow(conn: btql.Connection, query: str) -> int:
    return sum(batch.nbytes for batch in conn.query(query).batches())


def _json(conn: btql.Connection, query: str) -> int:
    return sum(len(piece) for piece in conn.query(query).json())


@pytest.mark.parametrize("query", [COLUMNS, DOCUMENTS], ids=["columns", "documents"])
@pytest.mark.parametrize(("form", "inside"), [("jsonl", _json), ("arrow", _arrow)], ids=["jsonl", "arrow"])
def test_streams(client, conn, benchmark, query, form, inside):
    size = _read(client, query, form)
    pairs = []
    for _ in range(3):
        began = time.perf_counter()
        inside(conn, query)
        middle = time.perf_counter()
        _read(client, query, form)
        pairs.append((middle - began, time.perf_counter() - middle))
    share = max(one / other for one, other in pairs)
    mib_per_s = size / (1 << 20) / min(over_http for _, over_http in pairs)
    tell(f"a stream of {form}", "0.8 of the rate in the process", benchmark, share=share, mib_per_s=mib_per_s)
    benchmark.pedantic(_read, args=(client, query, form), rounds=1)
