"""The network between a writer and its services is cut while it writes; others go on."""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest
from storage_support.networks import Place
from storage_support.proxy import Network
from storage_support.reading import documents_of

from btql_storage.errors import StorageError
from btql_storage.store import ObjectInfo, Storage

SERVICES = ("redis", "postgres", "store")
CUTS = 6


@pytest.fixture
def place(quick_path: Path, s3: tuple[str, str], postgres_url: str, redis_url: str) -> Generator[Place]:
    files, endpoint = s3
    with ExitStack() as stack:
        yield Place(stack, quick_path, files, {"redis": redis_url, "postgres": postgres_url, "store": endpoint})


class Writer(Thread):
    """Adds one comment per request to a row, so that one that is there twice is seen."""

    def __init__(self, storage: Storage, target: ObjectInfo) -> None:
        super().__init__()
        self._storage, self._target = storage, target
        self.stopped = Event()
        self.acknowledged: set[str] = set()
        self.unsure: set[str] = set()
        self.refused: dict[str, str] = {}

    def run(self) -> None:
        number = 0
        while not self.stopped.is_set():
            number += 1
            text = f"request {number}"
            event = {"id": f"c{number}", "origin": {"id": "row"}, "comment": {"text": text}}
            try:
                self._storage.ingest(self._target, [event])
            except StorageError as error:
                if "may be stored or not" in str(error):
                    self.unsure.add(text)
                else:
                    self.refused[text] = str(error)
            else:
                self.acknowledged.add(text)


def comments(storage: Storage, target: ObjectInfo) -> list[str]:
    return [one["comment"]["text"] for one in documents_of(storage, target)["row"].get("comments", [])]


@pytest.mark.parametrize("service", [*SERVICES, "postgres alone"])
def test_what_was_acknowledged_through_cuts_is_there_and_once(place: Place, service: str):
    redis = service != "postgres alone"
    dice = random.Random(service)
    with (
        Storage.open(place.address(through_networks=False, redis=redis), create=True) as direct,
        Storage.open(place.address(through_networks=True, redis=redis)) as storage,
    ):
        target = direct.create_object("dataset", "d")
        direct.ingest(target, [{"id": "row", "created": "2026-01-01T00:00:00Z"}])
        writer = Writer(storage, target)
        writer.start()
        network = place.networks[service.split(maxsplit=1)[0]]
        for _ in range(CUTS):
            before = len(writer.acknowledged)
            weather = dice.choice([Network.CUT, Network.ANSWERS_LOST])
            network.set(weather)
            # Whoever is not cut off writes and reads on, and sees what was acknowledged until then.
            known = set(writer.acknowledged)
            assert known <= set(comments(direct, target))
            direct.ingest(target, [{"id": "other", "created": "2026-01-01T00:00:00Z"}])
            network.set(Network.FINE)
            deadline = time.monotonic() + 60
            while len(writer.acknowledged) <= before:
                assert time.monotonic() < deadline, writer.refused
                time.sleep(0.01)
        writer.stopped.set()
        writer.join()
        direct.last_xact_id()
        for _ in ("in the tail", "compacted"):
            found = comments(direct, target)

            assert writer.acknowledged <= set(found)
            assert len(found) == len(set(found))
            assert set(found) <= writer.acknowledged | writer.unsure
            direct.compact()
