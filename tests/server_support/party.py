"""Clients with keys of one server."""

from __future__ import annotations

from pathlib import Path

import httpx

from btql_server.access.desk import Desk, Issued, Wanted
from btql_server.access.model import Level


class Party:
    """Clients with keys of one server, made as `btql keys create` makes them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self._clients: list[httpx.Client] = []

    def key(self, user: str | None = None, level: Level = Level.WRITE, **more) -> Issued:
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
