"""A process of its own for which one service of a database goes silent, and what it must find afterwards.

Run it as ``python -m storage_support.silent_child SERVICE FILES CACHE URLS``, where URLS is JSON: the addresses of
the services by name. It prints one line when all is as it must be.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from btql_storage.errors import StorageError
from btql_storage.store import Storage
from storage_support.networks import Place
from storage_support.proxy import Network
from storage_support.reading import documents_of

DAY = "2026-01-01T00:00:00Z"
LONGEST_S = 200.0
"""Longer than anybody may wait: a store has a minute for a file, and another one to be asked what became of it."""


def stays_whole(place: Place, service: str) -> None:
    """Write while a service is silent: that ends in an error or not, others go on, and nothing is lost."""
    network = place.networks[service]
    with (
        Storage.open(place.address(through_networks=False), create=True) as direct,
        Storage.open(place.address(through_networks=True)) as storage,
    ):
        target = direct.create_object("dataset", "d")
        storage.ingest(target, [{"id": "before", "created": DAY}])
        acknowledged, unsure = {"before"}, set[str]()
        network.set(Network.SILENT)
        began = time.monotonic()
        try:
            storage.ingest(target, [{"id": "in silence", "created": DAY}])
        except StorageError as error:
            assert time.monotonic() - began < LONGEST_S
            if "may be stored or not" in str(error):
                unsure.add("in silence")
        else:
            acknowledged.add("in silence")
        # Whoever hears the services goes on.
        direct.ingest(target, [{"id": "beside", "created": DAY}])
        acknowledged.add("beside")
        assert acknowledged <= documents_of(direct, target).keys()
        network.set(Network.FINE)
        for _ in ("in the tail", "compacted"):
            found = documents_of(storage, target).keys()
            assert acknowledged <= found <= acknowledged | unsure
            direct.last_xact_id()
            direct.compact()


def main(service: str, files: str, cache: Path, urls: dict[str, str]) -> None:
    """Do it."""
    with ExitStack() as stack:
        stays_whole(Place(stack, cache, files, urls), service)
    print(f"{service} was silent")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), json.loads(sys.argv[4]))
