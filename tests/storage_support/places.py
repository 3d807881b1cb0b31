"""Addresses of new databases over every combination of services."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

SERVICES = {
    "bucket and SQLite": ("s3", "sqlite"),
    "bucket and PostgreSQL": ("s3", "postgres"),
    "bucket, PostgreSQL and Redis": ("s3", "postgres", "redis"),
    "folder, PostgreSQL and Redis": ("folder", "postgres", "redis"),
}


def place_over(request: pytest.FixtureRequest, services: tuple[str, ...], path: Path, name: str = "") -> str:
    """Return the address of a new database over some services; a test that makes several of them names each."""
    options = {"cache": str(path / "cache")}
    if services[0] == "s3":
        address, options["endpoint"] = request.getfixturevalue("s3")
        address += name
    else:
        address = f"file://{path / 'db'}"
        del options["cache"]
    if "postgres" in services:
        options["catalog"] = request.getfixturevalue("postgres_url") + name
    else:
        options["catalog"] = f"sqlite:{path / 'catalog.sqlite'}"
    if "redis" in services:
        options["redis"] = request.getfixturevalue("redis_url")
    return f"{address}?{urlencode(options)}"
