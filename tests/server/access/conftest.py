"""A server that checks keys, with two organizations."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from btql_server.access import desk
from btql_server.access.desk import Desk, Wanted
from btql_server.access.model import Level
from btql_server.serve import running
from btql_server.settings import Settings


class Party:
    """Clients with keys of one server, made as `btql keys create` makes them."""

    def __init__(self, url: str, folder) -> None:
        self.url = url
        self.folder = folder
        self._clients: list[httpx.Client] = []

    def key(self, user: str | None = None, level: Level = Level.WRITE, **more) -> desk.Issued:
        """Make a key, by default of a service token."""
        with Desk.at(self.folder, "a test") as opened:
            return opened.issue(Wanted(user=user, level=level, **more))

    def client(self, text: str) -> httpx.Client:
        """Return a client that sends a key."""
        client = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {text}"}, timeout=60)
        self._clients.append(client)
        return client

    def join(self, user: str | None = None, level: Level = Level.WRITE, **more) -> httpx.Client:
        """Return a client with a new key."""
        return self.client(self.key(user, level, **more).text)

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture(scope="module")
def party(tmp_path_factory) -> Iterator[Party]:
    folder = tmp_path_factory.mktemp("access") / "db"
    with running(Settings(folder, ("127.0.0.1", 0))) as url:
        found = Party(url, folder)
        yield found
        found.close()


@pytest.fixture(scope="module")
def ann(party):
    """An administrator of the default organization."""
    return party.join("ann@example.com", Level.ADMIN)


@pytest.fixture(scope="module")
def otto(party):
    """An administrator of another organization."""
    return party.join("otto@other.example", Level.ADMIN, organization="other")
