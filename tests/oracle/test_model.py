"""The model's own rules, one example each."""

from __future__ import annotations

from datetime import UTC, datetime

from oracle.model import Model

BASE = {"id": "a", "created": "2026-11-01T00:00:00.000Z", "span_id": "s", "root_span_id": "r"}


def after(*events):
    model = Model()
    for event in events:
        model.apply({"id": "a", **event})
    return model.documents.get("a")


def test_an_event_without_merge_replaces():
    document = after({**BASE, "input": 1, "output": 2}, {**BASE, "input": 3})

    assert document == {**BASE, "input": 3}


def test_identity_is_filled_in():
    assert after({}) == {"id": "a", "span_id": "a", "root_span_id": "a"}


def test_objects_merge_deeply_and_arrays_are_replaced():
    document = after(
        {**BASE, "metadata": {"a": {"x": 1, "y": [1, 2]}, "b": 1}},
        {"_is_merge": True, "metadata": {"a": {"y": [3], "z": None}}},
    )

    assert document == {**BASE, "metadata": {"a": {"x": 1, "y": [3], "z": None}, "b": 1}}


def test_tags_are_united():
    document = after({**BASE, "tags": ["x", "y"]}, {"_is_merge": True, "tags": ["y", "z"]})

    assert document is not None
    assert document["tags"] == ["x", "y", "z"]


def test_merge_paths_replace():
    document = after(
        {**BASE, "metadata": {"a": {"x": 1}}, "tags": ["x"]},
        {"_is_merge": True, "_merge_paths": [["metadata", "a"], ["tags"]], "metadata": {"a": {"y": 2}}, "tags": ["y"]},
    )

    assert document == {**BASE, "metadata": {"a": {"y": 2}}, "tags": ["y"]}


def test_a_merge_keeps_who_the_span_is():
    document = after(
        BASE, {"_is_merge": True, "created": "x", "span_id": "x", "root_span_id": "x", "span_parents": ["x"]}
    )

    assert document == BASE


def test_array_delete():
    document = after(
        {**BASE, "tags": ["x", "y"], "metadata": {"list": [1, 2]}},
        {
            "_is_merge": True,
            "_array_delete": [{"path": ["tags"], "delete": ["x"]}, {"path": ["metadata", "list"], "delete": [2]}],
        },
    )

    assert document == {**BASE, "tags": ["y"], "metadata": {"list": [1]}}


def test_a_deleted_document_is_gone():
    assert after(BASE, {"_object_delete": True}) is None


def test_the_place_is_that_of_the_first_insertion():
    model = Model()
    for identifier in ("a", "b", "a"):
        model.apply({**BASE, "id": identifier})

    assert [document["id"] for document in model.newest_first()] == ["b", "a"]
    assert model.newest_first()[0]["created"] == datetime(2026, 11, 1, tzinfo=UTC)
