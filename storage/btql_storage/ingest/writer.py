"""The way of a request, from events to a receipt: checked, written, durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from btql_storage.background.pressure import Pressure
from btql_storage.catalog import ObjectInfo
from btql_storage.folder import Folder
from btql_storage.ingest.accept import Event, accept
from btql_storage.ingest.parents import with_parents
from btql_storage.ingest.receipt import Receipt
from btql_storage.snapshot import Snapshot
from btql_storage.wal.format import ObjectName
from btql_storage.wal.group_commit import GroupCommit
from btql_storage.wal.writer import columns


class Writer:
    """Stores the requests of one process; safe from several threads."""

    def __init__(
        self,
        folder: Folder,
        check: Callable[[ObjectInfo], None],
        snapshot: Callable[[ObjectInfo], Snapshot],
        waiting_bytes: Callable[[], int],
    ) -> None:
        """``check`` raises where an object is not there; the others tell what is stored, and how much of it waits."""
        self._folder = folder
        self._check = check
        self._snapshot = snapshot
        self._commits = GroupCommit(folder)
        self._pressure = Pressure(folder.settings, waiting_bytes)

    def store(
        self,
        targets: Sequence[ObjectInfo],
        events: Sequence[Event],
        leave_out: frozenset[str],
        *,
        as_rows: bool,
        only_updates: bool,
    ) -> Receipt:
        """Store events in one transaction, all or none; ``targets`` has the object of each."""
        assert len(targets) == len(events)
        folder = self._folder
        folder.check_writable()
        # Mostly all of them are the very same: to hash each would take as long as to read it.
        distinct = list(dict.fromkeys({id(target): target for target in targets}.values()))
        for target in distinct:
            self._check(target)
        accepted = accept(
            events, folder.clock, leave_out, folder.settings.limits, as_rows=as_rows, only_updates=only_updates
        )
        if not accepted.rows:
            return Receipt(0, 0)
        if accepted.parents:
            accepted = with_parents(accepted, targets, self._snapshot)
        names = [ObjectName(target.id, target.kind, target.name) for target in distinct]
        of_rows = None if len(distinct) == 1 else [target.id for target in targets]
        self._pressure.admit(accepted.json_bytes)
        xact_id = self._commits.commit(columns(accepted, names, of_rows))
        return Receipt(xact_id, accepted.rows, tuple(accepted.own_ids), accepted.json_bytes)
