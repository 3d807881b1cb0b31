"""Reads everything that a snapshot shows, checking on the way what always holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from btql_storage.row import Row
    from btql_storage.snapshot import Snapshot
    from btql_storage.store import ObjectInfo, Storage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def snapshot_rows(snapshot: Snapshot) -> list[Row]:
    """Return all current rows of a snapshot."""
    rows: list[Row] = []
    for entry in snapshot.parts:
        assert np.array_equal(entry.superseded, np.unique(entry.superseded))
        current = np.setdiff1d(np.arange(entry.part.stats.rows), entry.superseded)
        rows += entry.part.rows(current.astype(np.int64))
    for chunk in snapshot.tail:
        assert chunk.part_id >= 1 << 30
        assert np.array_equal(chunk.superseded, np.unique(chunk.superseded))
        everything = chunk.rows(np.arange(chunk.stats.rows, dtype=np.int64))
        assert chunk.column("id").to_pylist() == [row.id for row in everything]
        gone = set(chunk.superseded.tolist())
        rows += [row for number, row in enumerate(everything) if number not in gone]
    return rows


def rows_of(storage: Storage, target: ObjectInfo) -> dict[str, Row]:
    """Return the current rows of an object by id; no id may be there twice."""
    with storage.snapshot(target) as snapshot:
        rows = snapshot_rows(snapshot)
    by_id = {row.id: row for row in rows}
    assert len(by_id) == len(rows), "an id is current twice"
    return by_id


def documents_of(storage: Storage, target: ObjectInfo) -> dict[str, dict[str, Any]]:
    """Return the current documents of an object by id, as a client would write them."""
    return {row_id: to_document(row) for row_id, row in rows_of(storage, target).items()}


def to_document(row: Row) -> dict[str, Any]:
    """Return a row as a document; times as clients of the tests write them."""
    fields = {name: json.loads(text) for name, text in row.fields.items()}
    created = (_EPOCH + timedelta(microseconds=row.created_us)).isoformat().replace("+00:00", "Z")
    return {
        "id": row.id,
        "span_id": row.span_id,
        "root_span_id": row.root_span_id,
        "created": created,
        **fields,
    }
