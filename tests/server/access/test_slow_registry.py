"""A registry in a PostgreSQL that does not answer: only those wait who ask it."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from server_support.pg import USER, place
from server_support.waiting import eventually
from storage_support.proxy import Network, Proxy, proxied

from btql_server.access.desk import Desk, Wanted
from btql_server.running import running_doors
from btql_server.settings import Settings

ANYWHERE = "127.0.0.1", 0


@dataclass
class Far:
    """A server whose registry is behind a network."""

    url: str
    pg: tuple[str, int]
    key: str
    network: Proxy

    def connect(self) -> psycopg.Connection:
        host, port = self.pg
        return psycopg.connect(
            host=host, port=port, user=USER, password=self.key, dbname="btql", sslmode="disable", autocommit=True
        )


@pytest.fixture
def far(postgres_url: str, tmp_path: Path) -> Generator[Far]:
    with proxied(postgres_url) as (catalog, network):
        address = f"file://{tmp_path / 'db'}?catalog={catalog}"
        with Desk.at(address, "a test", create=True) as desk:
            key = desk.issue(Wanted(user=USER)).text
        settings = Settings(tmp_path / "own", ANYWHERE, pg=ANYWHERE, database=address)
        with running_doors(settings) as addresses:
            yield Far(addresses["http"], place(addresses["pg"]), key, network)


@pytest.fixture
def threads() -> Generator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as found:
        yield found


def others_are_answered_while(asked: Future[Any], far: Far, client: httpx.Client) -> None:
    eventually(lambda: far.network.held)
    for path in ("/ping", "/healthz", "/version", "/ping"):
        assert client.get(path).status_code == 200
    assert not asked.done()
    far.network.set(Network.FINE)


def test_a_request_with_a_key_keeps_no_other_one_waiting(far: Far, threads: ThreadPoolExecutor):
    def ask() -> int:
        return asking.get("/v1/project").status_code

    with httpx.Client(base_url=far.url, headers={"authorization": f"Bearer {far.key}"}, timeout=60) as asking:
        assert ask() == 200
        far.network.set(Network.SILENT)
        asked = threads.submit(ask)
        with httpx.Client(base_url=far.url, timeout=60) as client:
            others_are_answered_while(asked, far, client)
        assert asked.result() == 200


def test_a_statement_keeps_no_request_waiting(far: Far, threads: ThreadPoolExecutor):
    def ask() -> object:
        return session.execute("SELECT 1").fetchone()

    with far.connect() as session:
        assert ask() == (1,)
        far.network.set(Network.SILENT)
        asked = threads.submit(ask)
        with httpx.Client(base_url=far.url, timeout=60) as client:
            others_are_answered_while(asked, far, client)
        assert asked.result() == (1,)
