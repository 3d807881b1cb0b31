"""A server with a database that a program has filled before."""

from __future__ import annotations

import httpx
import pytest

import btql
from btql_server.running import running
from btql_server.settings import Settings

SPANS = 5_000


@pytest.fixture(scope="package")
def served(tmp_path_factory):
    """The address of a server, and the folder below it, with logs called `demo` and `texts`."""
    folder = tmp_path_factory.mktemp("reading") / "db"
    with btql.connect(folder) as conn:
        conn.ingest(
            "project_logs:demo",
            [
                {
                    "id": f"s{n:04}",
                    "root_span_id": f"t{n // 5:04}",
                    "input": {"n": n, "text": "x" * (n % 100)},
                    "scores": {"s": n % 11 / 10},
                    "metrics": {"start": 1e9 + n / 8},
                    "tags": ["even"] if n % 2 == 0 else None,
                    "created": f"2026-01-01T00:00:00.{n:06}Z",
                }
                for n in range(SPANS)
            ],
        )
        conn.compact()
        conn.ingest("project_logs:texts", [{"id": str(n), "input": "y" * 20_000} for n in range(4_000)])
        conn.compact()
    with running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        yield url, folder


@pytest.fixture
def reader(served):
    """A client of that server."""
    with httpx.Client(base_url=served[0], timeout=60) as found:
        yield found


@pytest.fixture
def ask(reader):
    """A function that asks, and returns the answer to a query that must be right."""

    def ask(query, headers=None, **more):
        answer = reader.post("/btql", json={"query": query, **more}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    return ask
