"""Leases: who may do the work that only one process does at a time, wherever it runs.

A lease is a row of the catalog. Who takes it gets a *token*, one higher than the last, and keeps it while it renews
the row; the clock is the database's, so those of the machines do not matter. When its holder dies or stands still it
runs out, and another one may take it.

**Fencing.** Whoever holds a lease may be paused for longer than it lasts and not know. So each transaction
that its holder commits looks first whether the row still has the holder's token, and keeps the row locked until it
is done: after another one has taken the lease nothing is changed any more, before that nobody can take it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Event, RLock, Thread
from uuid import uuid4

from btql_storage.databases.interface import Database, Run
from btql_storage.errors import Locked, StorageError

LEASE_S = 15.0
"""How long a holder that does not renew its lease keeps others waiting."""
_LEASE_MS_MAX = 60_000
"""No lease is for longer."""
_POLL_S = 0.1
_RENEWALS = 4
"""How often a lease is renewed while it lasts: a renewal that fails is no loss yet."""


class LeaseLock:
    """A lock that one thread of one process holds at a time, on any machine; that thread may take it again."""

    def __init__(self, database: Database, name: str, *, wait_s: float, lease_s: float = LEASE_S) -> None:
        self._database = database
        self.name = name
        self._wait_s = wait_s
        self._lease_ms = int(lease_s * 1000)
        assert self._lease_ms <= _LEASE_MS_MAX
        self._holder = f"{socket.gethostname()} process {os.getpid()} {uuid4().hex[:8]}"
        # Threads queue here first: waiting for a thread needs no statement.
        self._threads = RLock()
        self._depth = 0
        self._token: int | None = None

    @contextmanager
    def held(self) -> Generator[None]:
        """Hold the lease; Locked where others keep it for longer than we wait."""
        if not self._threads.acquire(timeout=self._wait_s):
            raise self._locked("another thread")
        try:
            if self._depth == 0:
                with self._taken():
                    yield
            else:
                with self._again():
                    yield
        finally:
            self._threads.release()

    def fence(self, run: Run) -> None:
        """Raise in a transaction of the holder where the lease is another's by now."""
        query = "update leases set token = token where name = ? and token = ?"
        if self._token is None or run.execute(query, (self.name, self._token)).rowcount != 1:
            raise Locked(
                f"the {self.name} lease of `{self._database.label}` ran out and another process has it",
                "try again, nothing was changed",
            )

    @contextmanager
    def _taken(self) -> Generator[None]:
        token = self._token = self._wait()
        stop = Event()
        renewing = Thread(target=self._renew, args=(token, stop), name=f"btql-lease-{self.name}", daemon=True)
        renewing.start()
        try:
            with self._again():
                yield
        finally:
            self._token = None
            stop.set()
            renewing.join()
            # Where this fails the lease just runs out.
            with suppress(StorageError):
                self._give_back(token)

    @contextmanager
    def _again(self) -> Generator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _wait(self) -> int:
        deadline = time.monotonic() + self._wait_s
        while True:
            holder = self._held_by()
            if holder is None:
                token = self._take()
                if token is not None:
                    return token
            if time.monotonic() >= deadline:
                raise self._locked("another process" if holder is None else f"`{holder}`")
            time.sleep(_POLL_S)

    def _take(self) -> int | None:
        """Take the lease where it is free; None where another one was quicker."""
        query = (
            "insert into leases (name, holder, token, expires_at)"  # noqa: S608  our words
            f" values (?, ?, 1, {self._database.now_ms} + cast(? as bigint))"
            " on conflict (name) do update"
            " set holder = excluded.holder, token = leases.token + 1, expires_at = excluded.expires_at"
            f" where not ({self._runs}) returning token"
        )
        with self._database.writing() as run:
            found = run.execute(query, (self.name, self._holder, self._lease_ms, _LEASE_MS_MAX)).fetchone()
        return None if found is None else int(found[0])

    @property
    def _runs(self) -> str:
        """The condition that a lease goes on. One that ends too late was taken before the clock was set back."""
        now = self._database.now_ms
        return f"leases.expires_at > {now} and leases.expires_at <= {now} + cast(? as bigint)"

    def _renew(self, token: int, stop: Event) -> None:
        while not stop.wait(self._lease_ms / 1000 / _RENEWALS):
            # The database may be away for a moment; whether the lease was lost is seen at the commit.
            with suppress(StorageError):
                self._set_end(token, self._lease_ms)

    def _give_back(self, token: int) -> None:
        self._set_end(token, 0)

    def _set_end(self, token: int, lasts_ms: int) -> None:
        query = (
            f"update leases set expires_at = {self._database.now_ms} + cast(? as bigint)"  # noqa: S608  our words
            " where name = ? and token = ?"
        )
        with self._database.writing() as run:
            run.execute(query, (lasts_ms, self.name, token))

    def _held_by(self) -> str | None:
        """Return who holds the lease; None where it is free."""
        query = f"select holder from leases where name = ? and {self._runs}"  # noqa: S608  our words
        rows = self._database.read(lambda _: [(query, (self.name, _LEASE_MS_MAX))])[0]
        return rows[0][0] if rows else None

    def _locked(self, holder: str) -> Locked:
        return Locked(
            f"{holder} has held the {self.name} lease of `{self._database.label}` for {self._wait_s:g} s",
            "wait for it to finish and try again",
        )
