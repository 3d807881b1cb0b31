"""``/v1/dataset/{id}/restore``: a dataset becomes again what it was at a version.

Nothing is taken back: what is missing or different now is written once more, what was not there is deleted, and the
versions in between stay as they are. What was said of rows that are still there, comments and audit entries, stays.

All of it is one transaction, unless it is more than one may hold. A restore of so much that breaks off has done a
part; asked again, it does the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec
from msgspec import Struct

from btql_server.access.model import Level
from btql_server.access.objects import require_object
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call, uuid_of
from btql_server.http.routes import Routes
from btql_server.http.versions import parse_version
from btql_server.registry.changes import Change
from btql_server.writing.store import write_events
from btql_storage.catalog import ObjectInfo
from btql_storage.ingest.accept import EVENTS_MAX
from btql_storage.lookup import Difference, difference, rows_by_id
from btql_storage.merge import SURVIVING_FIELDS
from btql_storage.row import Row
from btql_storage.snapshot import Snapshot

routes = Routes("Datasets")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BYTES_MAX = 64 << 20
"""Of the events of one transaction: they are held in memory."""
_READ_AT_ONCE = 512


class Restore(Struct):
    """Which version."""

    version: str


class RestorePreview(Struct):
    """What a restore would do."""

    rows_to_restore: int
    rows_to_delete: int


class Restored(Struct):
    """What a restore did, and its transaction, null where there was nothing to do."""

    xact_id: str | None
    rows_restored: int
    rows_deleted: int


@routes.post("/v1/dataset/{dataset_id}/restore/preview", answer=RestorePreview, pool="bulk")
def preview(call: Call, dataset_id: str, body: Restore) -> Answer:
    """Say what restoring a version would change."""
    target = require_object(call, Level.READ, "dataset", uuid_of(dataset_id, "dataset_id"))
    found = _difference(call, target, parse_version(body.version))
    restored = len(found.missing) + len(found.changed)
    return json_answer({"rows_to_restore": restored, "rows_to_delete": len(found.added)})


@routes.post("/v1/dataset/{dataset_id}/restore", answer=Restored, pool="bulk")
def restore(call: Call, dataset_id: str, body: Restore) -> Answer:
    """Make a dataset what it was at a version."""
    target = require_object(call, Level.WRITE, "dataset", uuid_of(dataset_id, "dataset_id"))
    version = parse_version(body.version)
    found = _difference(call, target, version)
    xact_id: str | None = None
    with call.state.storage.snapshot(target, version) as then:
        for events in _batches(_events(then, found, version)):
            xact_id = str(write_events(call, {target: events}).xact_id)
            # After each transaction: should a later one fail, this one is done all the same.
            _, name = call.touched[target.name]
            call.changes[:] = [Change("restore", target.kind, target.name, name, f"to the version {version}")]
    restored = len(found.missing) + len(found.changed)
    return json_answer({"xact_id": xact_id, "rows_restored": restored, "rows_deleted": len(found.added)})


def _difference(call: Call, target: ObjectInfo, version: int) -> Difference:
    storage = call.state.storage
    with storage.snapshot(target) as now, storage.snapshot(target, version) as then:
        return difference(now, then)


def _events(then: Snapshot, found: Difference, version: int) -> Iterator[bytes]:
    """Yield the events that lead back."""
    audit = {"_audit_source": "api", "_audit_metadata": {"restored_version": str(version)}}
    for row_id in found.added:
        yield msgspec.json.encode({"id": row_id, "_object_delete": True, **audit})
    # Of a row that is there, what was said of it stays as it is.
    for ids, left_out in ((found.missing, ()), (found.changed, SURVIVING_FIELDS)):
        rest = iter(ids)
        while some := list(islice(rest, _READ_AT_ONCE)):
            rows = rows_by_id(then, some)
            for row_id in some:
                yield msgspec.json.encode({**_document(rows[row_id], left_out), **audit})


def _document(row: Row, left_out: Collection[str]) -> dict[str, object]:
    created = _EPOCH + timedelta(microseconds=row.created_us)
    fields = {name: msgspec.Raw(text) for name, text in row.fields.items() if name not in left_out}
    return {
        "id": row.id,
        "span_id": row.span_id,
        "root_span_id": row.root_span_id,
        "created": created.isoformat(),
        **fields,
    }


def _batches(events: Iterator[bytes]) -> Iterator[Sequence[bytes]]:
    batch: list[bytes] = []
    size = 0
    for event in events:
        if batch and (len(batch) == EVENTS_MAX or size + len(event) > _BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event)
    if batch:
        yield batch
