"""A process that ingests and compacts until somebody kills it.

It is told what to do on standard input, one line per life: folder or address, seed, first
request. For each line it forks a child, which works and says ``ack N`` when
request N is durable. Forking saves the start-up time of a new process.
"""

from __future__ import annotations

import os
import pkgutil
import random
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa

import btql_storage
from btql_storage.errors import Locked
from btql_storage.folder import Settings
from btql_storage.store import ObjectInfo, Storage

GRACE = "CRASH_GRACE_S"
"""Variable of the environment: the grace of files, where others read meanwhile."""
# Small jobs and segments, and no grace: so that everything happens in a short life.
SETTINGS = Settings(
    grace_s=int(os.environ.get(GRACE, "0")), segment_events=60, job_events=25, part_rows_max=400, lock_wait_s=30
)
IDS = 40
TRACES = 7
CALLS = 20
"""Of a conversation, before the next one of its trace begins."""
WORDS = "so much " * 80
DAY = "2026-01-01T00:00:00Z"
BEHIND_EVENTS = 300
BEHIND_S = 1.0
LEASE_S = 1.0
"""How long the dead keep others waiting."""


def opened(place: str, settings: Settings = SETTINGS) -> Storage:
    """Open the database in a folder or at an address, for writing; made where there is none."""
    storage = Storage.open(place, create=True, settings=settings)
    folder = storage._folder
    for holder in (folder.numbers, folder.compact_lock):
        if hasattr(holder, "_lease_ms"):
            holder._lease_ms = int(LEASE_S * 1000)  # pyright: ignore[reportAttributeAccessIssue]
    return storage


def conversation(number: int) -> list[str]:
    """Return what the calls of a trace have said up to one of them, so that parts have inputs as deltas."""
    said = number // TRACES % CALLS + 1
    return [f"{call} says {WORDS}" for call in range(said)]


def request(seed: int, number: int) -> list[dict[str, Any]]:
    """Return the events of a request; the same in every process."""
    dice = random.Random(f"{seed}/{number}")
    events: list[dict[str, Any]] = [
        # Every request leaves a row of its own, so a lost one is missed.
        {"id": f"own-{number}", "created": DAY, "root_span_id": f"t{number % TRACES}", "input": conversation(number)}
    ]
    for _ in range(dice.randrange(12)):
        row_id = f"shared-{dice.randrange(IDS)}"
        event: dict[str, Any] = {"id": row_id, "created": "2026-01-02T00:00:00Z"}
        match dice.randrange(10):
            case 0:
                event["_object_delete"] = True
            case 1 | 2:
                event |= {"output": {"replaced": number}, "root_span_id": f"t{dice.randrange(TRACES)}"}
            case _:
                # A merge that is lost leaves a hole, and counts as two where it is repeated after a delete.
                event |= {"_is_merge": True, "metadata": {"by": {str(number): True}}, "tags": [f"tag{number % 5}"]}
        events.append(event)
    return events


def live(place: str, seed: int, first: int) -> None:
    """Ingest requests and compact, for ever."""
    storage = opened(place)
    target = storage.create_object("dataset", "crash")
    Thread(target=_compact, args=(storage,), daemon=True).start()
    number = first
    while True:
        try:
            storage.ingest(target, request(seed, number))
        except Locked:
            # So slow a machine that others did not wait: it says that nothing was stored.
            continue
        os.write(1, b"ack %d\n" % number)
        number += 1
        if number % 20 == 0:
            _wait_for_compaction(storage)


def _wait_for_compaction(storage: Storage) -> None:
    """Wait where much is not compacted yet: with small jobs that would take minutes in the end."""
    deadline = time.monotonic() + BEHIND_S
    while storage.waiting().events > BEHIND_EVENTS and time.monotonic() < deadline:
        time.sleep(0.02)


def _compact(storage: Storage) -> None:
    while True:
        try:
            storage.compact()
        except Locked:
            # Somebody else does so just now, or was faster.
            continue


def writer(folder: Path, seed: int, first: int, count: int) -> None:
    """Ingest some requests while others do the same, compacting now and then."""
    with Storage.open(folder, create=True, settings=Settings(segment_events=60, job_events=25)) as storage:
        target: ObjectInfo = storage.create_object("dataset", "crash")
        for number in range(first, first + count):
            storage.ingest(target, request(seed, number))
            os.write(1, b"ack %d\n" % number)
            if number % 5 == 0:
                try:
                    storage.compact()
                except Locked:
                    continue


def main() -> None:
    # What is imported when it is first needed, and the first array, take longer than a child lives.
    for module in pkgutil.walk_packages(btql_storage.__path__, "btql_storage."):
        # Some need a library that only services need.
        with suppress(ImportError):
            import_module(module.name)
    pa.array([b""])
    for line in sys.stdin:
        place, seed, first = line.split()
        child = os.fork()
        if child == 0:
            try:
                live(place, int(seed), int(first))
            except BaseException as error:  # noqa: BLE001  the test shall see it
                os.write(1, f"failed {error!r}\n".encode())
            os._exit(1)
        os.write(1, b"pid %d\n" % child)
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        writer(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
