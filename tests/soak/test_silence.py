"""A network that goes silent: nobody says that anything is wrong, and all that is known is that no answer comes.

Each service has its own time for that, of up to two minutes, so this is nothing for every run.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from server_support.postgres_server import postgres
from server_support.redis_server import redis_server
from server_support.s3_server import BUCKET, CREDENTIALS, s3_server
from storage_support.networks import Place
from storage_support.proxy import Network
from storage_support.reading import documents_of

from btql_storage.errors import StorageError
from btql_storage.store import Storage

DAY = "2026-01-01T00:00:00Z"
LONGEST_S = 200.0
"""Longer than anybody may wait: a store has a minute for a file, and another one to be asked what became of it."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Place]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        host, port = stack.enter_context(postgres())
        services = {
            "redis": stack.enter_context(redis_server()),
            "postgres": f"postgresql://postgres@{host}:{port}/postgres",
            "store": stack.enter_context(s3_server()),
        }
        yield Place(stack, tmp_path, f"s3://{BUCKET}/silence", services)


def test_silence_ends_in_an_error_and_loses_nothing(place: Place):
    with (
        Storage.open(place.address(through_networks=False), create=True) as direct,
        Storage.open(place.address(through_networks=True)) as storage,
    ):
        target = direct.create_object("dataset", "d")
        acknowledged, unsure = set[str](), set[str]()
        for name, network in place.networks.items():
            row_id = f"while {name} is silent"
            storage.ingest(target, [{"id": f"before {name}", "created": DAY}])
            network.set(Network.SILENT)
            began = time.monotonic()
            try:
                storage.ingest(target, [{"id": row_id, "created": DAY}])
            except StorageError as error:
                assert time.monotonic() - began < LONGEST_S
                if "may be stored or not" in str(error):
                    unsure.add(row_id)
            else:
                acknowledged.add(row_id)
            # Whoever hears the services goes on.
            direct.ingest(target, [{"id": f"beside {name}", "created": DAY}])
            acknowledged |= {f"before {name}", f"beside {name}"}
            assert acknowledged <= documents_of(direct, target).keys()
            network.set(Network.FINE)
        for _ in ("in the tail", "compacted"):
            found = documents_of(storage, target).keys()
            assert acknowledged <= found <= acknowledged | unsure
            direct.last_xact_id()
            direct.compact()
