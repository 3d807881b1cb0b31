"""Claims: who is at work in a place for backups, so that nobody removes what another counts on.

A backup appears last, so until then its files look like those that nobody needs; and one that it found there may be of
a backup that is being removed. Hence:

1. A backup claims the place before it looks at what is there, until it has appeared.
2. Whoever removes files claims the place first, and looks for others then. Where there are any, the files stay for
   the next one who removes some.
3. A backup waits for a removal that was there before it.
4. A backup whose claim somebody took for a dead one's looks at everything again before it appears.

Each claims before it looks, so of two who begin at once at least one sees the other, where lists have at once what was
put. A claim is a file whose name says what for and since when; long work renews it. One that a killed backup left
counts for a day, as clocks of machines differ; one of a removal until it has stayed the same for some minutes.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from btql_storage.errors import StorageError

if TYPE_CHECKING:
    from btql_storage.clock import Clock
    from btql_storage.stores.interface import Store

RUNNING = "running"
"""The folder of the claims."""
Work: TypeAlias = Literal["backup", "removal"]
_RENEWED_S: dict[Work, int] = {"backup": 3_600, "removal": 20}
_LASTS_S = 86_400
_DEAD_S = 180.0
"""How long a removal may take for one file."""
_POLL_S = 0.5


@contextmanager
def claimed(store: Store, clock: Clock, work: Work) -> Generator[Claim]:
    """Claim a place for backups."""
    store.make_folder(RUNNING)
    claim = Claim(store, clock, work)
    claim.put()
    try:
        yield claim
    finally:
        # Where it cannot be removed it ends by itself.
        with suppress(StorageError):
            claim.remove()


class Claim:
    """One claim."""

    def __init__(self, store: Store, clock: Clock, work: Work) -> None:
        self._store = store
        self._clock = clock
        self._work: Work = work
        self._id = clock.new_id()
        self._since = 0
        self._name = ""

    def put(self) -> None:
        """Claim the place from now on."""
        self._since = self._clock.now_s()
        self._name = f"{RUNNING}/{self._work}-{self._since}-{self._id}"
        self._store.put(self._name, b"at work\n")

    def remove(self) -> None:
        """Let the place go."""
        self._store.delete(self._name)

    def renew(self) -> None:
        """Move the claim on, where it is time for that and nobody has removed it."""
        if abs(self._clock.now_s() - self._since) >= _RENEWED_S[self._work] and self.is_there():
            before = self._name
            self.put()
            self._store.delete(before)

    def is_there(self) -> bool:
        """Return whether nobody took it for a dead one's."""
        return self._store.size(self._name) > 0

    def others(self) -> list[str]:
        """Return the claims of others; those that are too old are removed."""
        now_s = self._clock.now_s()
        found: list[str] = []
        for name in self._store.list(RUNNING):
            since = name.split("-", 2)[1:2]
            if name.endswith(self._id) or not since or not since[0].isdigit():
                continue
            # A clock that was ahead leaves claims of the future.
            if abs(now_s - int(since[0])) < _LASTS_S:
                found.append(name)
            else:
                self._store.delete(f"{RUNNING}/{name}")
        return found

    def wait_for_removals(self) -> None:
        """Wait until nobody is removing files who has not seen this claim."""
        seen: list[str] = []
        since = time.monotonic()
        while removals := [name for name in self.others() if name.startswith("removal-")]:
            if removals != seen:
                seen, since = removals, time.monotonic()
            elif time.monotonic() - since > _DEAD_S:
                for name in removals:
                    self._store.delete(f"{RUNNING}/{name}")
                return
            time.sleep(_POLL_S)
