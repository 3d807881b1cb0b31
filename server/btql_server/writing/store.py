"""The one way from a request to the storage.

Events stay the JSON bytes that the client sent: the storage takes them apart without decoding what is in their
fields. Who calls this has checked that the principal may write the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from btql_server.http.call import Call
from btql_server.http.errors import invalid
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import BadEvent
from btql_storage.store import Receipt

ADDRESS_KEYS = frozenset({"org_id", "project_id", "experiment_id", "dataset_id", "prompt_session_id", "log_id"})
"""Keys of a row that say which object it belongs to; they are the same for all rows of it and so not stored."""

Place: TypeAlias = Callable[[int], Sequence[str | int]]
"""The number of an event to the path that leads to it in the request, for errors."""


def write_events(call: Call, requests: Mapping[ObjectInfo, Sequence[bytes]]) -> Receipt:
    """Store events of several objects, all or none; durable, and seen by every query that starts afterwards."""
    targets = [target for target, events in requests.items() for _ in events]
    events = [event for events in requests.values() for event in events]
    return write(call, targets, events, lambda index: ("events", index))


def write(call: Call, targets: Sequence[ObjectInfo], events: Sequence[bytes], place: Place) -> Receipt:
    """Store events, each in the object at its place in ``targets``; an event that cannot be stored is a 400."""
    try:
        return call.state.storage.ingest_all(targets, events, ADDRESS_KEYS)
    except BadEvent as error:
        field = () if error.field is None else (error.field,)
        raise invalid(error.reason, [*place(error.index), *field]) from error
