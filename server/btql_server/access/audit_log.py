"""The audit log: who changed what, as rows that one can query.

Each organization has a log, the object ``audit_log:<id of the organization>``. Its administrators, and nobody
else, read it (``select: created, actor.email, action, name | from: audit_log('<id>')``); nobody but this module writes
in it. A row is one change of what the registry holds (projects, experiments, datasets, prompts, members, keys,
grants, …), one request that gave feedback, deleted or restored rows, or one request that was refused for lack of
permission. Events of traces are not in it; they are their own record.

What is guaranteed:

1. When a client has the answer to a request, the rows about it are durable and visible. If they cannot be
   written, because the disk is full for example, the answer is that error, although the change itself is there.
2. A row is never about something that did not happen: only what was committed is reported.
3. A process that is killed right between a change and its rows loses these rows; its client then has no answer, either.

Rows of several requests that wait at the same time are written by one thread together, so a burst costs few writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias
from uuid import uuid4

from btql_server.access.model import AUDIT_LOG, Principal
from btql_server.registry.changes import Change
from btql_server.registry.store import now_text
from btql_storage.ingest.accept import EVENTS_MAX
from btql_storage.store import Storage

Row: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What made a change happen: a request, or a command."""

    actor: Row
    route: str
    status: int | None = None
    """The HTTP status of the answer."""
    trace_id: str | None = None
    client: str | None = None
    """The address that the request came from."""


def actor_of(principal: Principal) -> Row:
    """Return a principal as rows show it."""
    return {
        "id": principal.id,
        "kind": principal.kind,
        "email": principal.email,
        "name": principal.name,
        "key_id": principal.key_id,
    }


def row(occasion: Occasion, change: Change) -> Row:
    """Return the row about one change."""
    return {
        "id": str(uuid4()),
        "created": now_text(),
        "actor": occasion.actor,
        "action": change.action,
        "object_type": change.object_type,
        "object_id": change.object_id,
        "name": change.name,
        "detail": change.detail,
        "route": occasion.route,
        "status": occasion.status,
        "trace_id": occasion.trace_id,
        "client": occasion.client,
    }


def write(storage: Storage, org_id: str, rows: Sequence[Row]) -> None:
    """Write rows; they are durable when this returns."""
    log = storage.create_object(AUDIT_LOG, org_id)
    for start in range(0, len(rows), EVENTS_MAX):
        storage.ingest(log, rows[start : start + EVENTS_MAX])


class AuditLog:
    """Writes the logs of all organizations, from a thread of its own."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = Lock()
        self._waiting: list[tuple[str, Sequence[Row], Future[None]]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="btql-audit")

    def add(self, org_id: str, rows: Sequence[Row]) -> Future[None]:
        """Write rows soon; the future is done when they are durable."""
        done: Future[None] = Future()
        with self._lock:
            self._waiting.append((org_id, rows, done))
        self._thread.submit(self._write)
        return done

    def close(self) -> None:
        """Write what waits, and stop."""
        self._thread.shutdown(wait=True)

    def _write(self) -> None:
        """Write whatever waits, each organization's at once; nothing is left for those that were submitted besides."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for org_id in dict.fromkeys(org_id for org_id, _, _ in waiting):
            mine = [(rows, done) for each, rows, done in waiting if each == org_id]
            try:
                write(self._storage, org_id, [row for rows, _ in mine for row in rows])
            except Exception as error:  # noqa: BLE001  whoever waits gets it
                for done in _waited_for(mine):
                    done.set_exception(error)
            else:
                for done in _waited_for(mine):
                    done.set_result(None)


def _waited_for(group: Sequence[tuple[Sequence[Row], Future[None]]]) -> Iterator[Future[None]]:
    """Yield the futures that somebody waits for: a request that was cancelled meanwhile has cancelled its own."""
    for _, done in group:
        if done.set_running_or_notify_cancel():
            yield done
