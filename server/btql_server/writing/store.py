"""The one way from a request to the storage.

Events are the JSON bytes that the client sent, with what was read of them: what is in their fields is not decoded.
Who calls this has checked that the principal may write the objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from btql_server.access.asker import Asker
from btql_server.http.errors import HttpError, invalid, spelled
from btql_server.registry.changes import Change
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import BadEvent, LimitExceeded
from btql_storage.ingest.envelope import Read
from btql_storage.ingest.receipt import Receipt

ADDRESS_KEYS = frozenset({"org_id", "project_id", "experiment_id", "dataset_id", "prompt_session_id", "log_id"})
"""Keys of a row that say which object it belongs to; they are the same for all rows of it and so not stored."""

Path: TypeAlias = Sequence[str | int]
"""Leads to a place in a request, for errors."""


class Writes:
    """The events of one request, and where in it each of them is."""

    def __init__(self) -> None:
        self._targets: list[ObjectInfo] = []
        self._events: list[bytes | Read] = []
        self._paths: list[Path] = []
        self._changes = Counter[tuple[str, ObjectInfo]]()

    def add(self, target: ObjectInfo, event: bytes | Read, path: Path, change: str | None = None) -> None:
        """Take in the next event. ``change`` is what the audit log calls it, if it is to be in there."""
        if change is not None:
            self._changes[change, target] += 1
        self._targets.append(target)
        self._events.append(event)
        self._paths.append(path)

    def store(self, call: Asker) -> Receipt:
        """Store all events or none; they are durable when this returns, and seen by every later query.

        An event that cannot be stored is a 400 that names its place in the request.
        """
        try:
            receipt = call.state.storage.ingest_all(self._targets, self._events, ADDRESS_KEYS)
        except LimitExceeded as error:
            raise beyond_limit(error, self._paths[error.index]) from error
        except BadEvent as error:
            field = () if error.field is None else (error.field,)
            raise invalid(error.reason, [*self._paths[error.index], *field]) from error
        call.stored_events += len(self._events)
        call.stored_bytes += receipt.json_bytes
        for (action, target), rows in self._changes.items():
            _, name = call.touched.get(target.name, ("", None))
            call.changes.append(Change(action, target.kind, target.name, name, detail=f"rows: {rows}"))
        return receipt


def beyond_limit(error: LimitExceeded, path: Path) -> HttpError:
    """Return the answer to a row that is beyond a limit."""
    message = f"`{spelled(path)}`: {error.reason}; {error.help}"
    return HttpError(413, message, details={"errors": [{"code": error.code, "path": list(path)}]})


def write_events(call: Asker, requests: Mapping[ObjectInfo, Sequence[bytes]]) -> Receipt:
    """Store events of several objects, in one transaction."""
    writes = Writes()
    for target, events in requests.items():
        for index, event in enumerate(events):
            writes.add(target, event, (f"{target.kind}:{target.name}", index))
    return writes.store(call)
