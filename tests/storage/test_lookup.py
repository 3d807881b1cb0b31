"""Rows by id, and what differs between two snapshots, whether rows wait in the tail, are in parts or in history."""

from __future__ import annotations

from pathlib import Path

import pytest

from btql_storage.folder import Settings
from btql_storage.lookup import Difference, difference, rows_by_id
from btql_storage.store import ObjectInfo, Storage
from btql_storage.transactions import PREFIX

DAY = "2026-01-01T00:00:00Z"


@pytest.fixture
def storage(quick_path: Path):
    with Storage.open(quick_path, create=True, settings=Settings(grace_s=0)) as opened:
        yield opened


@pytest.fixture
def target(storage: Storage) -> ObjectInfo:
    return storage.create_object("dataset", "x")


def put(storage: Storage, target: ObjectInfo, *events: dict[str, object]) -> int:
    return storage.ingest(target, [{"created": DAY, **event} for event in events]).xact_id


@pytest.mark.parametrize("where", ["tail", "parts", "both"])
def test_rows_by_id(storage: Storage, target: ObjectInfo, where: str):
    put(storage, target, {"id": "a", "input": 1}, {"id": "b", "input": 1}, {"id": "c", "input": 1})
    first = put(storage, target, {"id": "b", "input": {"x": 2}})
    if where != "tail":
        storage.compact()
    put(storage, target, {"id": "c", "_object_delete": True}, {"id": "a", "metadata": {"y": 1}, "_is_merge": True})
    if where == "parts":
        storage.compact()

    with storage.snapshot(target) as now, storage.snapshot(target, first) as then:
        assert {key: row.fields for key, row in rows_by_id(now, ["a", "b", "c", "d"]).items()} == {
            "a": {"input": b"1", "metadata": b'{"y":1}'},
            "b": {"input": b'{"x":2}'},
        }
        assert {key: row.fields for key, row in rows_by_id(then, ["a", "c"]).items()} == {
            "a": {"input": b"1"},
            "c": {"input": b"1"},
        }
        assert rows_by_id(now, []) == {}


@pytest.mark.parametrize("compacted", [False, True])
def test_difference(storage: Storage, target: ObjectInfo, compacted: bool):
    rows: list[dict[str, object]] = [
        {"id": row_id, "input": 1} for row_id in ("same", "changed", "back", "deleted", "judged")
    ]
    first = put(storage, target, *rows)
    put(storage, target, {"id": "changed", "input": 2}, {"id": "back", "input": 2}, {"id": "new", "input": 1})
    put(storage, target, {"id": "back", "input": 1}, {"id": "deleted", "_object_delete": True})
    put(storage, target, {"id": "c1", "origin": {"id": "judged"}, "comment": {"text": "fine"}})
    if compacted:
        storage.compact()

    with storage.snapshot(target) as now, storage.snapshot(target, first) as then:
        found = difference(now, then)
        assert found == Difference(["deleted"], ["changed"], ["new"])
        assert difference(now, now) == Difference([], [], [])


def test_the_last_transaction(storage: Storage, target: ObjectInfo):
    assert storage.last_xact_id() == PREFIX

    for number in range(3):
        xact_id = put(storage, target, {"id": f"a{number}"})
        assert storage.last_xact_id() == xact_id
        storage.compact()
        assert storage.last_xact_id() == xact_id
