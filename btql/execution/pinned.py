"""What the statements of one transaction share: each object as it was at one moment.

That moment is a transaction of the storage, the last one when the first statement begins. An object that is named for
the first time later is read as it was then, too, as long as no later event of it has been compacted into its parts:
parts hold what rows became. Then the statement is refused, and the transaction has to begin again.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from threading import Lock

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import VersionGone
from btql_storage.snapshot import Snapshot
from btql_storage.store import Storage


class Pinned:
    """Snapshots as of one moment; they are let go when nobody holds this any more. Safe from several threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.xact_id = storage.last_xact_id()
        """The last transaction that is seen."""
        self._taken: dict[ObjectInfo, Snapshot] = {}
        self._lock = Lock()
        # Answers that are still being read hold this, whatever became of the transaction.
        weakref.finalize(self, _close, self._taken)

    def snapshot(self, target: ObjectInfo, span: Span, check: Callable[[], None]) -> Snapshot:
        """Return an object as it was at that moment."""
        with self._lock:
            if target not in self._taken:
                try:
                    self._taken[target] = self._storage.snapshot(target, self.xact_id, check)
                except VersionGone:
                    raise BtqlError.of(
                        errors.UNREADABLE_VERSION, f"`{target.kind}:{target.name}` changed after the transaction began",
                        span, "cannot be read as it was then",
                        help="end the transaction and begin again; what it reads first stays readable",
                    ) from None  # fmt: skip
            return self._taken[target]


def _close(taken: dict[ObjectInfo, Snapshot]) -> None:
    for snapshot in taken.values():
        snapshot.close()
