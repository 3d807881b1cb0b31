"""Processes that write to one database at once, one of them paused for longer than its lease, one killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from storage_support import crash_child
from storage_support.model import Model
from storage_support.reading import rows_of, to_document
from storage_support.shared import opened
from storage_support.shared_child import LEASE_S

from btql_storage.folder import Settings
from btql_storage.store import ObjectInfo, Storage

SEED = 4_711
SETTINGS = Settings(grace_s=0, segment_events=1_000, job_events=300, lock_wait_s=20)
MARGIN_S = 5.0
"""What a busy machine may take on top of a lease."""


class Writer:
    """A writing process, and what it has said so far."""

    def __init__(self, folder: Path, service: str, first: int) -> None:
        command = [sys.executable, "-m", "storage_support.shared_child", str(folder), service, str(SEED), str(first)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.first = first
        self.acknowledged: dict[int, int] = {}
        """Request to transaction."""
        self._listening = Thread(target=self._listen)

    def begin(self) -> None:
        """Wait until it writes."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        self._listening.start()

    def send(self, what: signal.Signals) -> None:
        self.process.send_signal(what)

    def stop(self) -> int:
        """Let it finish its request, or be gone; return its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)
        if self._listening.ident is not None:
            self._listening.join()
        return self.process.returncode

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            _, request, xact_id = line.split()
            self.acknowledged[int(request)] = int(xact_id)


@contextmanager
def writers(folder: Path, service: str) -> Generator[list[Writer]]:
    started: list[Writer] = []
    try:
        started += [Writer(folder, service, first) for first in (0, 10_000, 20_000)]
        for writer in started:
            writer.begin()
        yield started
    finally:
        for writer in started:
            writer.send(signal.SIGKILL)
            writer.stop()


def read(storage: Storage, target: ObjectInfo, started: list[Writer]) -> dict[int, int]:
    """Return request to transaction as they are seen now: all that any writer has acknowledged before."""
    known = {request for writer in started for request in list(writer.acknowledged)}
    rows = rows_of(storage, target)
    found = {int(key.removeprefix("own-")): row.xact_id for key, row in rows.items() if key.startswith("own-")}

    assert known <= found.keys()

    return found


def read_while_writing(storage: Storage, target: ObjectInfo, started: list[Writer], alive: list[Writer]) -> None:
    """Read again and again, until each writer that is alive has written some more."""
    wanted = {writer: len(writer.acknowledged) + 4 for writer in alive}
    while any(len(writer.acknowledged) < count for writer, count in wanted.items()):
        assert all(writer.process.poll() is None for writer in alive)
        read(storage, target, started)


def test_every_process_reads_at_once_what_any_has_written(quick_path: Path, redis_url: str):
    folder = quick_path / "db"
    with opened(folder, redis_url, lease_s=LEASE_S, settings=SETTINGS) as storage:
        target = storage.create_object("dataset", "shared")
        with writers(folder, redis_url) as started:
            paused, killed, third = started
            read_while_writing(storage, target, started, started)
            paused.send(signal.SIGSTOP)
            wait_for_nobody_else(storage)
            compact_some(storage)
            read_while_writing(storage, target, started, [killed, third])
            paused.send(signal.SIGCONT)
            killed.send(signal.SIGKILL)
            killed.stop()
            wait_for_nobody_else(storage)
            compact_some(storage)
            read_while_writing(storage, target, started, [paused, third])

            assert [paused.stop(), third.stop()] == [0, 0]
            seen = read(storage, target, started)
        acknowledged = {request: xact_id for writer in started for request, xact_id in writer.acknowledged.items()}
        for request, xact_id in acknowledged.items():
            assert seen[request] == xact_id
        # Whoever was killed may have written one request more.
        assert seen.keys() - acknowledged.keys() <= {max(killed.acknowledged) + 1}
        model = Model()
        for request in sorted(seen, key=seen.__getitem__):
            model.apply(crash_child.request(SEED, request))
        for _ in ("in the tail", "compacted"):
            assert {key: to_document(row) for key, row in rows_of(storage, target).items()} == model.rows
            storage.compact()
    assert len(list((folder / "wal").iterdir())) == 1


def compact_some(storage: Storage) -> None:
    """Compact what waits now; writers go on, so there is always more."""
    for _ in range(4):
        storage.compact_once()


def wait_for_nobody_else(storage: Storage) -> None:
    """Wait until all that was on its way is over, for the lease of whoever is gone."""
    began = time.monotonic()
    last = storage.last_xact_id()
    assert time.monotonic() - began < LEASE_S + MARGIN_S
    with storage._folder.numbers.settling() as settled:
        assert settled.upto >= last
