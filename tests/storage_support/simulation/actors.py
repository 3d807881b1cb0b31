"""Who writes, reads and compacts in a play."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

from btql_storage.errors import StorageError, UnknownObject, VersionGone
from storage_support.simulation.world import Process, World

if TYPE_CHECKING:
    from collections.abc import Generator

    from btql_storage.store import Storage
    from storage_support.simulation.play import Play


class Actor:
    """What the threads of a process do; each method is one thread's life."""

    def __init__(self, play: Play, process: Process) -> None:
        self._play = play
        self._process = process
        self._world: World = play.world
        self._dice: Random = play.dice

    @property
    def _storage(self) -> Storage:
        return self._process.storage

    def write(self, requests: int) -> None:
        """Ingest requests."""
        for _ in range(requests):
            self._ingest()
            self._rest()

    def read(self, times: int) -> None:
        """Look at objects again and again, now and then at the past."""
        for _ in range(times):
            with self._may_fail("read"):
                self._look(self._dice.choice(self._play.oracle.names))
            if self._play.checks.random() < self._world.weather.stale / 5:
                with self._may_fail("check"):
                    self._check()
            self._rest()

    def compact(self, times: int) -> None:
        """Process, compact and remove."""
        jobs: list[Callable[[], object]] = [
            # What must not be overtaken is processing, and it costs least.
            *[self._storage.process] * 8,
            lambda: self._storage.process(self._dice.choice((1, 2))),
            self._storage.compact_once,
            self._storage.compact_once,
            self._storage.compact,
            self._storage.remove_unneeded,
        ]
        if self._play.only_log:
            jobs = [self._storage.process]
        elif self._play.deletes:
            jobs += [self._delete, self._purge, self._storage.retention.tend]
        for _ in range(times):
            with self._may_fail("compact"):
                self._dice.choice(jobs)()
            self._rest()

    def _rest(self) -> None:
        self._world.scheduler.pause(self._dice.randrange(self._play.rest_us_max))

    def _delete(self) -> None:
        name = self._dice.choice(self._play.oracle.names)
        self._world.note(f"delete {name}")
        with self._play.oracle.erasing(name, lambda: self._process.alive):
            self._storage.retention.delete_object(self._play.targets[name])
        self._world.counts["objects deleted"] += 1

    def _purge(self) -> None:
        """Purge an object: of what it was before nothing stays."""
        name = self._dice.choice(self._play.oracle.names)
        self._world.note(f"purge {name}")
        self._play.oracle.forget_past(name)
        report = self._storage.retention.purge(self._play.targets[name])
        self._world.counts["proofs" if report.proof.holds else "proofs that fail"] += 1
        self._world.note(f"purged: {report.proof.found}")
        self._play.oracle.forget_past(name)
        self._world.counts["objects purged"] += 1

    def _ingest(self) -> None:
        oracle = self._play.oracle
        request = oracle.new_request(self._process.name)
        pairs = [(self._play.targets[name], event) for name in request.events for event in request.events[name]]
        self._world.note(f"request {request.number}")
        met = self._process.faults
        try:
            receipt = self._storage.ingest_all([target for target, _ in pairs], [event for _, event in pairs])
        except UnknownObject:
            assert self._play.deletes, "an object is gone"
            request.failed = True
            with self._may_fail("make objects"):
                for name in request.events:
                    self._storage.create_object(*name.split(":"))
        except StorageError as error:
            self._play.expected(error, self._process.faults - met)
            request.failed = self._play.surely_failed(error)
            self._world.note(f"request {request.number} failed: {error.code}")
        else:
            request.xact_id = receipt.xact_id
            request.over_at_us = self._world.scheduler.now_us
            self._world.note(f"request {request.number} is {receipt.xact_id}")
            self._world.counts["acknowledged"] += 1
        request.over = True

    def _look(self, name: str) -> None:
        oracle, target = self._play.oracle, self._play.targets[name]
        past = oracle.versions[name]
        if past and target.keeps_history and self._dice.random() < 0.3:
            version = self._dice.choice(past)
            try:
                with self._storage.snapshot(target, version.xact_id) as snapshot:
                    oracle.check_version(name, snapshot, version)
            except (UnknownObject, VersionGone):
                assert name in oracle.without_past, "a version is gone"
            return
        reader = self._process.name
        before = oracle.before_reading(name, reader)
        try:
            with self._storage.snapshot(target) as snapshot:
                self._world.scheduler.pause(self._dice.choice((0, 0, 5_000)))
                oracle.check(name, snapshot, before, reader)
            if target.keeps_history and not self._process.read_only and self._dice.random() < 0.5:
                self._note_version(name)
        except UnknownObject:
            oracle.check_gone(name, before)

    def _note_version(self, name: str) -> None:
        """Note what an object is as of now, to be asked for again later."""
        oracle, target = self._play.oracle, self._play.targets[name]
        began_us, reader = self._world.scheduler.now_us, self._process.name
        before, at_least = (oracle.before_reading(name, reader, names_version=one) for one in (True, False))
        forgotten = oracle.pasts_forgotten
        last = self._storage.last_xact_id()
        forgettings = oracle.forgettings()
        with self._storage.snapshot(target, last) as snapshot:
            if oracle.has_just_forgotten(began_us):
                # It is as any other reading then, and what was not listed yet may join the version.
                oracle.check(name, snapshot, at_least, reader)
                return
            version = oracle.check(name, snapshot, before, reader)
        version.forgettings = forgettings
        if forgotten == oracle.pasts_forgotten:
            oracle.versions[name].append(version)

    def _check(self) -> None:
        """Check the whole database, whatever others do and lists say."""
        found = [one for one in self._storage.care.check(mark=False).findings if one.is_serious]
        assert not found, f"btql check finds {found}"
        self._world.counts["checks of all"] += 1

    @contextmanager
    def _may_fail(self, what: str) -> Generator[None]:
        met = self._process.faults
        try:
            yield
        except StorageError as error:
            self._world.note(f"{what} failed: {error.code}")
            self._play.expected(error, self._process.faults - met)
