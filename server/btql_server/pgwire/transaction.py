"""Transactions, as far as there are any: reads see one moment, and whatever is written is written at once.

Inside of BEGIN and COMMIT all statements read the objects as of the first one (:mod:`btql.execution.pinned`). A
statement that writes is a transaction of its own: it is durable when it is answered, and ROLLBACK does not undo it.
The client is told so, by a warning with the first such statement and with ROLLBACK. What the session itself wrote it
sees: after a write the moment moves on.

After an error nothing runs until the end of the transaction, or until a savepoint that was set before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql.execution.pinned import Pinned
from btql_server.pgwire.failure import Failure

if TYPE_CHECKING:
    from btql_server.pgwire.variables import Settings
    from btql_storage.store import Storage

SAVEPOINTS_MAX = 1_000


class Transaction:
    """The transaction of one session, if one is open."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._pinned: Pinned | None = None
        self._savepoints: list[tuple[str, bool | None, Settings]] = []
        """By name, with whether the transaction only read when each was set, and the settings of the session."""
        self.is_open = False
        """Whether BEGIN has opened it."""
        self.is_failed = False
        self.read_only: bool | None = None
        """None where it goes by the session's default, for nothing has begun."""
        self.writes = 0
        """Statements that have written."""
        self._together = False
        """Whether several statements came in one message: they are one transaction without a BEGIN."""

    @property
    def status(self) -> bytes:
        """How ReadyForQuery tells it."""
        if not self.is_open:
            return b"I"
        return b"E" if self.is_failed else b"T"

    def begin(self, *, read_only: bool) -> None:
        """Open it."""
        self.is_open, self.read_only = True, read_only
        self.is_failed, self.writes = False, 0
        if not self._together:
            self._pinned = None

    def set_read_only(self, read_only: bool) -> None:  # noqa: FBT001  it is a setting, and the only argument
        """Change whether the transaction only reads; a statement that stands alone has ended before that matters."""
        if not self.is_open and not self._together:
            return
        if self.read_only and not read_only:
            if self._savepoints and self._savepoints[-1][1]:
                raise Failure("25001", "cannot set transaction read-write mode inside a read-only transaction")
            if self._pinned is not None:
                raise Failure("25001", "transaction read-write mode must be set before any query")
        self.read_only = read_only

    def end(self) -> None:
        """Close it."""
        self.is_open = self.is_failed = False
        self.read_only = None
        self.writes = 0
        self._savepoints.clear()
        self._pinned = None

    def fail(self) -> None:
        """Note an error."""
        if self.is_open:
            self.is_failed = True

    def begin_together(self, *, read_only: bool) -> None:
        """Begin what several statements in one message share."""
        if not self.is_open:
            self.read_only = read_only
        self._together, self.writes = True, 0 if not self.is_open else self.writes

    def end_together(self) -> None:
        """End it, unless a BEGIN among them goes on."""
        self._together = False
        if not self.is_open:
            self._pinned = self.read_only = None

    def pinned(self) -> Pinned | None:
        """Return the moment that is read; None where a statement stands alone. May look at files."""
        if not self.is_open and not self._together:
            return None
        if self._pinned is None:
            self._pinned = Pinned(self._storage)
        return self._pinned

    def wrote(self) -> None:
        """Note a write: what is read afterwards has it."""
        self.writes += 1
        self._pinned = None

    def savepoint(self, name: str, settings: Settings) -> None:
        """Set a savepoint."""
        self._check_open("SAVEPOINT")
        if len(self._savepoints) >= SAVEPOINTS_MAX:
            raise Failure("53400", f"a transaction has at most {SAVEPOINTS_MAX:,} savepoints")
        self._savepoints.append((name, self.read_only, settings))

    def release(self, name: str) -> None:
        """Forget a savepoint, and those that were set later."""
        self._check_open("RELEASE SAVEPOINT")
        del self._savepoints[self._place(name) :]

    def back_to(self, name: str) -> Settings:
        """Go on after an error, from a savepoint; return the settings as they were."""
        self._check_open("ROLLBACK TO SAVEPOINT")
        place = self._place(name)
        del self._savepoints[place + 1 :]
        _, self.read_only, settings = self._savepoints[place]
        self.is_failed = False
        return settings

    def _place(self, name: str) -> int:
        for place in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[place][0] == name:
                return place
        raise Failure("3B001", f'savepoint "{name[:80]}" does not exist')

    def _check_open(self, what: str) -> None:
        if not self.is_open:
            raise Failure("25P01", f"{what} can only be used in transaction blocks")
