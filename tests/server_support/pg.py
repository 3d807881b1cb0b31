"""What clients of the Postgres wire read in tests, and where they find it."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

ROWS = 500
USER = "ann@example.com"
_RUNNING = re.compile(r'^btql_pool_requests\{pool="(?:query|bulk)",state="running"\} (.+)$', re.MULTILINE)


def demo_rows() -> list[dict[str, object]]:
    """Return the rows of ``demo``, as they are written."""
    return [
        {
            "id": f"r{n:03}",
            "root_span_id": f"t{n // 5:03}",
            "span_id": f"r{n:03}",
            "created": (dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=n)).isoformat(),
            "input": {"n": n, "text": "naïve ☂ 天気" if n % 2 else ""},
            "output": "50% of {what}? a:b; c",
            "metadata": {"model": ["gpt-5", "claude-opus-4-1", "llama-3.3-70b"][n % 3], "user": f"u{n % 7}"},
            "scores": {"Factuality": n % 11 / 10} if n % 4 else None,
            "metrics": {"start": 1_793_491_200 + n, "tokens": 10 * n},
            "tags": ["even", 'with "quotes", {braces}'] if n % 2 == 0 else None,
        }
        for n in range(ROWS)
    ]


def place(address: str) -> tuple[str, int]:
    """Return the host and the port of an address that the ready line has."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


@dataclass(frozen=True, slots=True)
class Door:
    """Where the server listens, and with what it is asked."""

    host: str
    port: int
    key: str
    authority: Path
    """The certificate that the server's is signed with."""
    url: str
    """Its address over HTTP."""
    pid: int

    @property
    def address(self) -> dict[str, str]:
        """What every client of libpq takes."""
        return {"host": self.host, "port": str(self.port), "user": USER, "password": self.key, "dbname": "btql"}

    def connect(self, **more) -> psycopg.Connection:
        """Return a connection of psycopg, in autocommit unless told otherwise."""
        given: dict[str, Any] = {**self.address, "sslmode": "disable", "autocommit": True, **more}
        return psycopg.connect(**given)

    def one_more_runs(self) -> Callable[[], bool]:
        """Return what tells whether the server runs one query more than it does; those of other tests may be ending."""
        authorization = {"authorization": f"Bearer {self.key}"}
        fewest = float("inf")

        def begun() -> bool:
            nonlocal fewest
            metrics = httpx.get(f"{self.url}/metrics", headers=authorization).text
            running = sum(map(float, _RUNNING.findall(metrics)))
            fewest = min(fewest, running)
            return running > fewest

        assert not begun()
        return begun

    def environment(self, **more: str) -> dict[str, str]:
        """Return what psql and other programs read from the environment."""
        given = {f"PG{name.upper()}": value for name, value in self.address.items() if name != "dbname"}
        return {
            **os.environ,
            **given,
            "PGDATABASE": "btql",
            "PGSSLMODE": "disable",
            "PSQLRC": os.devnull,
            "PAGER": "cat",
            **more,
        }
