"""Numbers for transactions and the keys made from them.

A number is ``0x0DE1 << 48 | unix seconds << 16 | counter``: unique, increasing,
and it tells when. Whoever takes one holds the write lock until the
transaction's WAL file is there, so files appear in the order of their
numbers; :mod:`btql_storage.process` relies on it.

The last number is kept in a small file beside the data, so that taking the
next one needs no listing. That file is never synced: the processes of one
machine see each other's writes without, and after a power failure no process
is left that has not looked at the WAL and the catalog first.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

from btql_storage.clock import Clock
from btql_storage.errors import from_os_error
from btql_storage.objects import LocalStore

PREFIX = 0x0DE1 << 48
ROWS_MAX = 1 << 16
"""Events of a transaction: the pagination key has 16 bits for the row number."""
_DIGITS = 19


def pagination_key(xact_id: int, row_number: int) -> str:
    """Return the key of a row whose first event is this one.

    >>> pagination_key(0x0DE1 << 48 | 1 << 16, 2)
    'p00000000004294967298'
    """
    return f"p{(xact_id & 0xFFFF_FFFF_FFFF) << 16 | row_number:020d}"


def seconds_of(xact_id: int) -> int:
    """Return when a transaction was, in Unix seconds.

    >>> seconds_of(0x0DE1 << 48 | 1_700_000_000 << 16 | 7)
    1700000000
    """
    return xact_id >> 16 & 0xFFFF_FFFF


class Transactions:
    """Hands out numbers; every call needs the write lock."""

    def __init__(self, store: LocalStore, name: str, clock: Clock) -> None:
        self._store = store
        self._path: Path = store.path(name)
        self._clock = clock
        self._last = 0
        self._threads = Lock()

    def seen(self, xact_id: int) -> None:
        """Take note of a number that is in use."""
        with self._threads:
            self._last = max(self._last, xact_id)

    def next(self) -> int:
        """Take the next number."""
        with self._threads:
            now = PREFIX | self._clock.now_s() << 16
            number = max(self._last + 1, self._read() + 1, now)
            self._write(number)
            self._last = number
            return number

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
