"""What waits between the call that asks for a statement and the call that reads its rows.

A ticket has the text of its statement, so it can be read again, by another connection or after the server was started
anew: then the statement runs again, with the rights of whoever shows the ticket. The answer that was made for it when
it was handed out is kept for a minute, for whoever asked for it, and saves planning the statement twice. What is
planned has its snapshots, so what is kept is bounded.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from btql_server.flight.statements import Rows

_KEPT_S = 60.0
_KEPT_MAX = 256


@dataclass(frozen=True, slots=True)
class Handle:
    """The handle of a ticket, a message of our own."""

    id: bytes = b""
    query: str = ""
    parameters: bytes = b""
    """Values, as an Arrow stream; empty where there are none."""
    schema: bytes = b""
    """What tells the schema that was promised from others."""
    is_write: bool = False
    """Whether the statement has been run: it writes."""
    count: int = 0
    """How many rows it has written."""


def digest(schema: pa.Schema) -> bytes:
    """Return what tells a schema from others."""
    return hashlib.blake2b(schema.serialize().to_pybytes(), digest_size=12).digest()


@dataclass(slots=True)
class _Kept:
    owner: str
    rows: Rows
    until: float


class Tickets:
    """Answers that were not read yet, and those that are being read."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._read: dict[bytes, tuple[str, Rows]] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def keep(self, owner: str, rows: Rows) -> bytes:
        """Keep an answer; return its id."""
        number = secrets.token_bytes(12)
        with self._lock:
            while len(self._kept) >= _KEPT_MAX:
                self._kept.popitem(last=False)
            self._kept[number] = _Kept(owner, rows, time.monotonic() + _KEPT_S)
            self._look_later()
        return number

    def take(self, number: bytes, owner: str) -> Rows | None:
        """Return an answer for whoever asked for it; the next one who asks gets none."""
        with self._lock:
            kept = self._kept.get(number)
            if kept is None or kept.owner != owner:
                return None
            del self._kept[number]
            return kept.rows

    def begin(self, number: bytes, owner: str, rows: Rows) -> None:
        """Note that an answer is being read."""
        with self._lock:
            self._read[number] = (owner, rows)

    def end(self, number: bytes, rows: Rows) -> None:
        """Note that an answer is not read any more."""
        with self._lock:
            found = self._read.get(number)
            if found is not None and found[1] is rows:
                del self._read[number]

    def cancel(self, number: bytes, owner: str) -> bool:
        """Stop an answer that waits or is being read; tell whether there was one."""
        if self.take(number, owner) is not None:
            return True
        with self._lock:
            found = self._read.get(number)
        if found is None or found[0] != owner:
            return False
        found[1].stop.cancel()
        return True

    def close(self) -> None:
        """Let go of what waits."""
        with self._lock:
            self._kept.clear()
            if self._timer is not None:
                self._timer.cancel()

    def _look_later(self) -> None:
        """Look after a while which answers nobody came for; called with the lock."""
        if self._timer is None:
            self._timer = threading.Timer(_KEPT_S, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        with self._lock:
            self._timer = None
            now = time.monotonic()
            for number in [number for number, kept in self._kept.items() if kept.until <= now]:
                del self._kept[number]
            if self._kept:
                self._look_later()
