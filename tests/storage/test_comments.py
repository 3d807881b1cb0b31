"""Comments and audit entries, by example; random histories are in `test_model`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from storage_support.reading import documents_of

from btql_storage.errors import BadEvent
from btql_storage.folder import Settings
from btql_storage.ingest.accept import accept
from btql_storage.store import ObjectInfo, Storage

DAY = "2026-01-01T00:00:00Z"


@pytest.fixture
def storage(tmp_path):
    with Storage.open(tmp_path / "db", create=True, settings=Settings(grace_s=0)) as opened:
        yield opened


@pytest.fixture
def target(storage: Storage) -> ObjectInfo:
    return storage.create_object("project_logs", "p")


def comment(comment_id: str, about: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": comment_id, "created": DAY, "origin": {"id": about}, "comment": {"text": comment_id}, **more}


def comments_of(document: dict[str, Any]) -> list[str]:
    return [one["id"] for one in document["comments"]]


@pytest.mark.parametrize("compacted", [False, True])
def test_a_comment_is_added_to_its_row(storage: Storage, target: ObjectInfo, compacted: bool):
    storage.ingest(target, [{"id": "a", "created": DAY, "input": {"x": [1]}}])
    if compacted:
        storage.compact()
    its_own: dict[str, Any] = {"input": 9, "_array_delete": [{"path": ["input", "x"], "delete": [1]}]}
    receipt = storage.ingest(
        target, [comment("c1", user={"id": "u"}, _audit_source="external", _audit_metadata={"by": "me"}, **its_own)]
    )
    if compacted:
        storage.compact()
    xact_id = str(receipt.xact_id)

    assert receipt.ids == ("c1",)
    assert documents_of(storage, target) == {
        "a": {
            "id": "a",
            "span_id": "a",
            "root_span_id": "a",
            "created": DAY,
            "input": {"x": [1]},
            "comments": [
                {
                    "id": "c1",
                    "_xact_id": xact_id,
                    "created": "2026-01-01T00:00:00.000Z",
                    "comment": {"text": "c1"},
                    "user": {"id": "u"},
                }
            ],
            "audit_data": [
                {
                    "_xact_id": xact_id,
                    "audit_data": {"action": "comment"},
                    "metadata": {"by": "me"},
                    "source": "external",
                }
            ],
        }
    }


@pytest.mark.parametrize("compacted", [False, True])
def test_comments_survive_a_replacement_but_not_a_deletion(storage: Storage, target: ObjectInfo, compacted: bool):
    def settle():
        if compacted:
            storage.compact()

    storage.ingest(target, [{"id": "a", "input": 1, "_audit_source": "app"}, comment("c1")])
    settle()
    storage.ingest(target, [{"id": "a", "output": 2}])
    settle()
    (document,) = documents_of(storage, target).values()
    assert document["output"] == 2
    assert "input" not in document
    assert comments_of(document) == ["c1"]
    assert [one["audit_data"]["action"] for one in document["audit_data"]] == ["upsert", "comment"]

    storage.ingest(target, [{"id": "a", "comments": []}])
    settle()
    assert documents_of(storage, target)["a"]["comments"] == []
    storage.ingest(target, [comment("c2"), {"id": "a", "_object_delete": True}, {"id": "a", "input": 3}])
    settle()
    assert not {"comments", "audit_data"} & documents_of(storage, target)["a"].keys()


@pytest.mark.parametrize("compacted", [False, True])
def test_a_comment_may_come_before_its_row(storage: Storage, target: ObjectInfo, compacted: bool):
    storage.ingest(target, [comment("c1", about="late")])
    if compacted:
        storage.compact()
    storage.ingest(target, [{"id": "late", "root_span_id": "t", "span_id": "s", "input": 1, "created": DAY}])
    if compacted:
        storage.compact()

    (document,) = documents_of(storage, target).values()
    assert (document["span_id"], document["root_span_id"], document["input"]) == ("s", "t", 1)
    assert comments_of(document) == ["c1"]


@pytest.mark.parametrize("compacted", [False, True])
def test_taking_away_a_comment_makes_no_row(storage: Storage, target: ObjectInfo, compacted: bool):
    storage.ingest(target, [comment("c1", about="nobody", _object_delete=True), {"id": "a"}])
    if compacted:
        storage.compact()

    assert documents_of(storage, target).keys() == {"a"}


def test_a_comment_is_changed_by_its_id_where_it_stands(storage: Storage, target: ObjectInfo):
    storage.ingest(target, [{"id": "a"}, comment("c1"), comment("c2"), comment("c1", comment={"text": "better"})])

    (document,) = documents_of(storage, target).values()
    assert [(one["id"], one["comment"]["text"]) for one in document["comments"]] == [("c1", "better"), ("c2", "c2")]


def test_comments_are_added_to_whatever_a_document_has_there(storage: Storage, target: ObjectInfo):
    storage.ingest(target, [{"id": "a", "comments": [1, {"id": 5}, None]}, comment("c1")])
    storage.ingest(target, [{"id": "b", "comments": "text", "audit_data": {"x": 1}}, comment("c1", about="b")])

    documents = documents_of(storage, target)
    assert [one if not isinstance(one, dict) else one["id"] for one in documents["a"]["comments"]] == [1, 5, None, "c1"]
    assert comments_of(documents["b"]) == ["c1"]
    assert len(documents["b"]["audit_data"]) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"comment": "x"},
        {"comment": None, "origin": {"id": "a"}},
        {"comment": "x", "origin": None},
        {"comment": "x", "origin": {"object_id": "a"}},
        {"comment": "x", "origin": {"id": None}},
        {"comment": "x", "origin": {"id": 5}},
        {"comment": "x", "origin": "a"},
    ],
)
def test_without_both_it_is_a_row_with_a_field(storage: Storage, target: ObjectInfo, fields: dict[str, Any]):
    storage.ingest(target, [{"id": "r", **fields}])

    (document,) = documents_of(storage, target).values()
    assert {key: document.get(key) for key in fields} == fields


def test_a_comment_without_an_id_draws_one(storage: Storage, target: ObjectInfo):
    event = {"origin": {"id": "a"}, "comment": "x"}
    first, second = storage.ingest(target, [event, event]).ids

    assert first != second
    assert comments_of(documents_of(storage, target)["a"]) == [first, second]


@pytest.mark.parametrize(
    ("event", "actions"),
    [
        ({"_audit_source": "api"}, ["upsert"]),
        ({"_audit_metadata": {"a": 1}}, ["upsert"]),
        ({"_audit_source": "app", "_is_merge": True}, ["merge"]),
        ({"_audit_source": None, "_audit_metadata": None}, None),
        ({}, None),
    ],
)
def test_what_is_noted(storage: Storage, target: ObjectInfo, event: dict[str, Any], actions: list[str] | None):
    storage.ingest(target, [{"id": "a"}])
    storage.ingest(target, [{"id": "a", **event}])
    entries = documents_of(storage, target)["a"].get("audit_data")

    assert (entries and [one["audit_data"]["action"] for one in entries]) == actions
    if entries:
        assert entries[0]["source"] == event.get("_audit_source", "api")
        assert entries[0]["metadata"] == event.get("_audit_metadata", {})


def test_a_merge_that_makes_its_row_is_an_upsert(storage: Storage, target: ObjectInfo):
    storage.ingest(target, [{"id": "a", "_is_merge": True, "_audit_source": "app"}])

    assert documents_of(storage, target)["a"]["audit_data"][0]["audit_data"] == {"action": "upsert"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"_audit_source": "me"}, "`_audit_source` is not one of app, api, external"),
        ({"_audit_source": 1}, "`_audit_source` has the wrong shape"),
        ({"_audit_metadata": []}, "`_audit_metadata` is not an object"),
        (comment("c", _object_delete="yes"), "`_object_delete` is not true or false"),
        (comment("c") | {"id": 5}, "`id` is not a text"),
        (comment("c", about=""), "`id` is an empty text"),
        (comment("c", created="soon"), "`created` is not a time"),
    ],
)
def test_a_bad_one_is_named(event: dict[str, Any], reason: str):
    with pytest.raises(BadEvent, match=reason) as raised:
        accept([b"{}", json.dumps(event).encode()])
    assert raised.value.index == 1
