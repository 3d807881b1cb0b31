"""Processes that write and compact, killed at random moments, and what must be there afterwards.

Each :class:`Stream` is a mother that forks one child after the other (:mod:`storage_support.crash_child`). A child
ingests requests with rising numbers and says which are durable. Which requests are in the database, and in which
order, is told by a row of its own that each of them leaves; all else must follow from these.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from btql_storage.store import ObjectInfo, Storage
from storage_support import crash_child
from storage_support.invariants import check_invariants
from storage_support.model import Model, Rows
from storage_support.reading import rows_of, snapshot_rows, to_document

NUMBERS_OF_A_STREAM = 1_000_000


class Stream:
    """The children of one mother."""

    def __init__(self, place: str, seed: int, number: int, grace_s: int) -> None:
        self._place = place
        self._seed = seed
        self._first = self._next = number * NUMBERS_OF_A_STREAM
        self._mother = start(grace_s=grace_s)
        self._child = 0
        self.acknowledged: set[int] = set()

    def begin(self) -> None:
        """Let a child begin; its first request is none that another may still be writing."""
        assert self._mother.stdin is not None
        self._mother.stdin.write(f"{self._place} {self._seed} {self._next}\n".encode())
        self._mother.stdin.flush()
        kind, pid = self._line().split()
        assert kind == b"pid"
        self._child = int(pid)

    def works(self) -> None:
        """Wait for the child's next durable request."""
        self._note(self._line())

    def kill(self) -> None:
        """Kill the child wherever it is."""
        os.kill(self._child, signal.SIGKILL)
        while (line := self._line()) != b"gone\n":
            self._note(line)
        # The request that was under way may be there as well.
        self._next = max(self._next, *(number + 1 for number in self.acknowledged), self._first) + 1

    def pause(self, for_s: float) -> None:
        """Let the child stand still for some time."""
        os.kill(self._child, signal.SIGSTOP)
        time.sleep(for_s)
        os.kill(self._child, signal.SIGCONT)

    def end(self) -> None:
        """End the mother."""
        self._mother.kill()
        self._mother.communicate()

    def _note(self, line: bytes) -> None:
        assert line.startswith(b"ack "), line
        self.acknowledged.add(int(line.split()[1]))

    def _line(self) -> bytes:
        assert self._mother.stdout is not None
        return self._mother.stdout.readline()


class Survivors:
    """A database whose processes are killed, and what it has had so far."""

    def __init__(self, place: str, seed: int, streams: Sequence[Stream]) -> None:
        self.place = place
        self.streams = streams
        self.kills = 0
        self._dice = random.Random(seed)
        self._seed = seed
        self._seen: set[int] = set()
        self._versions: dict[int, Rows] = {}
        self._model = Model()
        self._applied: list[tuple[int, int]] = []
        """The requests that the model has had, in their order."""

    @property
    def acknowledged(self) -> set[int]:
        """The requests that are durable."""
        return set().union(*(stream.acknowledged for stream in self.streams))

    def kill(self, lives_s: float, pause_s: float = 0.0) -> None:
        """Kill one of the processes after some time, look, and let another one take its place."""
        victim = self._dice.choice(self.streams)
        # Every other one is killed wherever it is; the rest get to work first, however busy the machine.
        if self._dice.random() < 0.5:
            victim.works()
        time.sleep(self._dice.uniform(0.0, lives_s))
        if pause_s and self._dice.random() < 0.3:
            victim.pause(pause_s)
        victim.kill()
        self.kills += 1
        self.look(keep=self.kills % 4 == 0)
        victim.begin()

    def look(self, *, keep: bool = False) -> None:
        """Compare what is there with what was acknowledged."""
        before = self.acknowledged
        with crash_child.opened(self.place) as storage:
            target = storage.create_object("dataset", "crash")
            self._check(storage, target, before)
            if keep:
                version = storage.last_xact_id()
                self._versions[version] = _documents_at(storage, target, version)

    def finish(self) -> None:
        """Kill all that are left; then compact, and find everything as it must be, and nothing that nobody needs."""
        for stream in self.streams:
            stream.kill()
        # Writers are faster than small jobs, which would take minutes over what is left.
        with crash_child.opened(self.place, replace(crash_child.SETTINGS, job_events=5_000)) as storage:
            target = storage.create_object("dataset", "crash")
            self._check(storage, target, self.acknowledged)
            # Until the numbers of the dead are given up.
            deadline = time.monotonic() + 60
            storage.compact()
            while storage.waiting().events and time.monotonic() < deadline:
                time.sleep(0.05)
                storage.compact()
            self._check(storage, target, self.acknowledged)
            # A number tells a second, and what is of this second is not old.
            time.sleep(1.1)
            storage.remove_unneeded()
            check_invariants(storage, tidy=True)
            for version, expected in self._versions.items():
                assert _documents_at(storage, target, version) == expected

    def _check(self, storage: Storage, target: ObjectInfo, acknowledged: set[int]) -> None:
        rows = rows_of(storage, target)
        found = {int(row_id.removeprefix("own-")): row for row_id, row in rows.items() if row_id.startswith("own-")}
        assert acknowledged <= found.keys(), f"requests {sorted(acknowledged - found.keys())} are lost"
        assert self._seen <= found.keys(), f"requests {sorted(self._seen - found.keys())} were seen, and are gone"
        self._seen = set(found)
        order = sorted((row.xact_id, number) for number, row in found.items())
        if order[: len(self._applied)] != self._applied:
            self._model, self._applied = Model(), []
        for xact_id, number in order[len(self._applied) :]:
            self._model.apply(crash_child.request(self._seed, number), xact_id)
        self._applied = order
        assert {row_id: to_document(row) for row_id, row in rows.items()} == self._model.rows


@contextmanager
def survivors(place: str, seed: int, writers: int = 1) -> Generator[Survivors]:
    """Let processes begin to work on a database, and end what is left of them afterwards."""
    with ExitStack() as stack:
        streams: list[Stream] = []
        for number in range(writers):
            # Nobody else reads while the only one who removes files is dead.
            streams.append(Stream(place, seed, number, grace_s=0 if writers == 1 else 30))
            stack.callback(streams[-1].end)
            streams[-1].begin()
        yield Survivors(place, seed, streams)


def start(*arguments: str, grace_s: int = 0) -> subprocess.Popen[bytes]:
    """Start a mother, or with arguments a writer."""
    import btql_storage

    roots = [str(Path(crash_child.__file__).parent.parent), str(Path(btql_storage.__file__).parent.parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(roots), crash_child.GRACE: str(grace_s)}
    command = [sys.executable, crash_child.__file__, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _documents_at(storage: Storage, target: ObjectInfo, version: int) -> Rows:
    with storage.snapshot(target, version) as snapshot:
        return {row.id: to_document(row) for row in snapshot_rows(snapshot)}
