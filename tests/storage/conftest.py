"""Folders in memory, where making a file durable costs nothing, and services: Redis, PostgreSQL and an S3."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from server_support.postgres_server import postgres
from server_support.redis_server import redis_server
from server_support.s3_server import BUCKET, CREDENTIALS, s3_server

MEMORY = Path("/dev/shm")


@pytest.fixture
def quick_path(tmp_path: Path) -> Generator[Path]:
    """Return an empty folder for tests that write much; in memory where the system has such a place."""
    if os.access(MEMORY, os.W_OK):
        with TemporaryDirectory(dir=MEMORY) as folder:
            yield Path(folder)
    else:
        yield tmp_path


@pytest.fixture(scope="session")
def redis_url() -> Generator[str]:
    """Return the address of a Redis."""
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_address() -> Generator[str]:
    """Return the address of a PostgreSQL."""
    with postgres() as (host, port):
        yield f"postgresql://postgres@{host}:{port}/postgres"


@pytest.fixture
def postgres_url(postgres_address: str) -> str:
    """Return the address of a new place in a PostgreSQL."""
    return f"{postgres_address}?schema=t{uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def s3_endpoint() -> Generator[str]:
    """Return the address of an S3."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return a new place in a bucket, and the address of the service; its credentials are in the environment."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid4().hex[:8]}", s3_endpoint
