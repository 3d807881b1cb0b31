"""Who hands out the numbers of transactions, and how it is known that no older one will appear.

:mod:`btql_storage.process` takes WAL files in the order of their numbers and never looks back, so it must know up
to which number all files are there. :class:`Numbers` is what it and the writers ask; there is one implementation
for each way to coordinate them.

:class:`LocalNumbers` is for the processes of one machine: whoever takes a number holds the write lock until the
transaction's file is there. The last number is kept in a small file beside the data, so that taking the next one
needs no listing. That file is never synced: the processes of one machine see each other's writes without, and after
a power failure no process is left that has not looked at the WAL and the catalog first. It has no checksum either, so
it is held against the clock: where it cannot be right, WAL and catalog are asked again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Protocol

from btql_storage.clock import Clock
from btql_storage.errors import from_os_error
from btql_storage.format import LOCKS, FolderLock
from btql_storage.stores.local import LocalStore
from btql_storage.transactions import PREFIX

NEVER_LAST = (1 << 63) - 1
"""No transaction has this number."""
_DIGITS = 19
_AHEAD_MAX = 86_400 << 16
"""A number is no further ahead of the clock, nor of the last one that is known: clocks are set back by less."""
COUNTER = f"{LOCKS}/last_xact"
"""The file with the last number."""


class Settled(NamedTuple):
    """Up to where files are known to be there, all of them."""

    upto: int
    """The last number up to which no file will appear any more."""
    landed: Sequence[int] = ()
    """Numbers whose files are there, although they may be missing in a list."""


class Numbers(Protocol):
    """Hands out the numbers of transactions; safe from several threads."""

    def turn(self) -> AbstractContextManager[None]:
        """Wait for the turn to number transactions and write their files, where writers take turns at all."""
        ...

    def next(self) -> int:
        """Take the next number, larger than all before; within the turn."""
        ...

    def confirm(self, xact_id: int) -> bool:
        """Return whether the file of a number that was taken will be read, now that it is durable.

        False where it came too late: then it is as if it had not been written. Acknowledge only after true.
        """
        ...

    def withdraw(self, xact_id: int) -> bool:
        """Give up a number whose file could not be written, as far as is known; return whether it will never be read.

        False where it was written after all: the answer was lost, not the file.
        """
        ...

    def settling(self) -> AbstractContextManager[Settled]:
        """Return up to which number no file will appear any more that does not appear meanwhile."""
        ...

    def check_known(self, newest: int) -> None:
        """Raise OtherDatabase where a file has a number that these have not handed out: somebody else numbers, too."""
        ...

    def settle(self, upto: int) -> Sequence[int]:
        """Wait until no file with a number up to this one will appear any more, where any has one as large.

        Return numbers whose files are there, although they may be missing in a list.
        """
        ...

    def seen(self, xact_id: int) -> None:
        """Take note of a number that is in use: all that are handed out from now on are larger."""
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...


class LocalNumbers:
    """Numbers for the processes of one machine, which take turns through a lock of the folder."""

    def __init__(
        self, store: LocalStore, clock: Clock, wait_s: float, last_known: Callable[[], int] = lambda: 0
    ) -> None:
        self._store = store
        self._path: Path = store.path(COUNTER)
        self._clock = clock
        self._last_known = last_known
        """Asks WAL and catalog for the last number that is in use."""
        self.lock = FolderLock(store, "write", wait_s)
        self._last = 0
        self._threads = Lock()

    def turn(self) -> AbstractContextManager[None]:
        """Hold the lock, so that files appear in the order of their numbers."""
        return self.lock.held()

    @contextmanager
    def settling(self) -> Generator[Settled]:
        """Hold the lock: no file is being written then, and those to come have later numbers."""
        with self.lock.held():
            yield Settled(NEVER_LAST)

    def check_known(self, newest: int) -> None:
        """Do nothing: whoever has the folder has the lock."""

    def settle(self, upto: int) -> Sequence[int]:
        """Return at once: files appear in the order of their numbers, and are listed."""
        del upto
        return ()

    def confirm(self, xact_id: int) -> bool:
        """Return true: nobody was overtaken who holds the lock."""
        del xact_id
        return True

    def withdraw(self, xact_id: int) -> bool:
        """Return true: a folder says what it has done, and takes back what it could not finish."""
        del xact_id
        return True

    def close(self) -> None:
        """Do nothing: no call leaves anything open."""

    def seen(self, xact_id: int) -> None:
        """Take note of a number that is in use."""
        with self._threads:
            self._last = max(self._last, xact_id)

    def next(self) -> int:
        """Take the next number."""
        with self._threads:
            read = self._read()
            if read < self._last or self._is_too_far_ahead(read, self._last):
                self._last = max(self._last, self._last_known())
                if self._is_too_far_ahead(read, self._last):
                    read = 0
            number = max(self._last + 1, read + 1, self._now())
            self._write(number)
            self._last = number
            return number

    def problem(self) -> str | None:
        """Return why the number in the file cannot be right; None where it can."""
        read = self._read()
        # What a power failure has left is less, and does no harm.
        if not self._is_too_far_ahead(read, self._last_known()):
            return None
        return f"it says that the last transaction was {read}, which is too far ahead, so it is not used"

    def forget(self) -> None:
        """Remove the file; the next number is told from WAL and catalog."""
        with self.turn():
            self._store.delete(COUNTER)

    def _now(self) -> int:
        return PREFIX | self._clock.now_s() << 16

    def _is_too_far_ahead(self, number: int, last: int) -> bool:
        return number > max(self._now(), last) + _AHEAD_MAX

    def _read(self) -> int:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise from_os_error(error, "read", self._path) from error
        # Anything else was left by a power failure: what was seen counts.
        return int(text) if len(text) == _DIGITS and text.isdigit() else 0

    def _write(self, number: int) -> None:
        try:
            self._store.step("write counter", self._path)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o666)
            try:
                # One write of 19 bytes in place: a killed process leaves the old or the new number.
                os.pwrite(descriptor, b"%019d" % number, 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise from_os_error(error, "write", self._path) from error
