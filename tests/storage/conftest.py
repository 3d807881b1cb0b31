"""Folders in memory, where making a file durable costs nothing."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from server_support import azure_server
from storage_support.catalogs import Opener, catalogs_in

MEMORY = Path("/dev/shm")


@pytest.fixture
def quick_path(tmp_path: Path) -> Generator[Path]:
    """Return an empty folder for tests that write much; in memory where the system has such a place."""
    if os.access(MEMORY, os.W_OK):
        with TemporaryDirectory(dir=MEMORY) as folder:
            yield Path(folder)
    else:
        yield tmp_path


@pytest.fixture(params=["sqlite", "postgres"])
def open_catalog(request: pytest.FixtureRequest, quick_path: Path) -> Generator[Opener]:
    """Return what opens one catalog again and again, in each of the databases that it may be in."""
    place = quick_path if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with catalogs_in(place) as opener:
        yield opener


@pytest.fixture(scope="session")
def azure_endpoint() -> Generator[str]:
    """Return the address of a blob storage of Azure's kind."""
    with azure_server.azure_server() as endpoint:
        yield endpoint


@pytest.fixture
def azure(azure_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return a new place in a container, and the address of the service; its credentials are in the environment."""
    for name, value in azure_server.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return f"az://{azure_server.CONTAINER}/{uuid4().hex[:8]}", azure_endpoint
