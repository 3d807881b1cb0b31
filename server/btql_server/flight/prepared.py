"""Statements that were prepared: their text, and the values that were given for their parameters.

They are kept in the memory of the process, each for whoever prepared it, until they are closed. Clients that vanish
close nothing, so what is used longest ago goes where there are too many, or where their values are too large.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

import pyarrow as pa

from btql_server.flight.refusals import FlightRefusal

_COUNT_MAX = 1_000
_BYTES_MAX = 256 << 20


@dataclass(slots=True)
class Prepared:
    """One statement."""

    owner: str
    query: str
    values: pa.Table | None = None
    """A row for each time that it is to be run; a column for each parameter."""

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, roughly."""
        return len(self.query) + (0 if self.values is None else self.values.nbytes)


class PreparedStatements:
    """All of one process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Prepared] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, owner: str, query: str) -> bytes:
        """Keep a statement; return its handle."""
        handle = secrets.token_bytes(16)
        with self._lock:
            self._kept[handle] = one = Prepared(owner, query)
            self._bytes += one.size_bytes
            self._make_room()
        return handle

    def get(self, handle: bytes, owner: str) -> Prepared:
        """Return a statement of whoever asks."""
        with self._lock:
            found = self._kept.get(handle)
            if found is None or found.owner != owner:
                raise FlightRefusal("NOT_FOUND", "there is no such prepared statement any more", "prepare it again")
            self._kept.move_to_end(handle)
            return found

    def bind(self, handle: bytes, owner: str, values: pa.Table) -> None:
        """Take the values for a statement; those of before are forgotten."""
        one = self.get(handle, owner)
        with self._lock:
            if self._kept.get(handle) is one:
                self._bytes -= one.size_bytes
                one.values = values
                self._bytes += one.size_bytes
                self._make_room()

    def close(self, handle: bytes, owner: str) -> None:
        """Forget a statement."""
        with self._lock:
            found = self._kept.get(handle)
            if found is not None and found.owner == owner:
                self._drop(handle)

    def _make_room(self) -> None:
        while len(self._kept) > 1 and (len(self._kept) > _COUNT_MAX or self._bytes > _BYTES_MAX):
            self._drop(next(iter(self._kept)))

    def _drop(self, handle: bytes) -> None:
        self._bytes -= self._kept.pop(handle).size_bytes
