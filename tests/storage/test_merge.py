"""What events do to their rows, compared with the model and by example."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from storage_support.model import Model
from storage_support.reading import to_document

from btql_storage.ingest.accept import accept
from btql_storage.merge import apply, apply_all, needs_row
from btql_storage.row import Row
from btql_storage.wal.control import Control
from btql_storage.wal.event import WalEvent
from btql_storage.wal.format import ObjectName
from btql_storage.wal.reader import WalFile
from btql_storage.wal.writer import columns, encode

XACT = 0x0DE1 << 48 | 1_700_000_000 << 16


@pytest.fixture(scope="module")
def as_events(tmp_path_factory):
    """Return a function that sends documents through accept and a WAL file."""
    path = tmp_path_factory.mktemp("wal") / "file.arrow"

    def convert(*documents: dict[str, Any], xact_id: int = XACT) -> list[WalEvent]:
        path.unlink(missing_ok=True)
        lines = [json.dumps({"id": "a", "created": "2026-01-01T00:00:00Z", **one}).encode() for one in documents]
        path.write_bytes(bytes(encode(columns(accept(lines), [ObjectName(1, "project_logs", "x")]), xact_id)))
        file = WalFile(path, xact_id)
        return list(file.events(file.rows_of(1)))

    return convert


def test_an_event_without_merge_replaces_all_but_the_key(as_events):
    first, second = as_events(
        {"input": 1, "k": 2, "root_span_id": "r"}, {"output": 3, "created": "2026-02-02T00:00:00Z"}
    )
    row = apply(apply(None, first), second)

    assert row is not None
    assert row.fields == {"output": b"3"}
    assert row.root_span_id == "a"
    assert row.pagination_key == first.pagination_key
    assert row.created_us == second.created_us


def test_a_merge_keeps_what_identifies_the_row(as_events):
    first, second = as_events(
        {"span_id": "s", "root_span_id": "r", "span_parents": ["p"], "input": {"a": {"x": 1}}},
        {
            "_is_merge": True,
            "span_id": "other",
            "root_span_id": "other",
            "span_parents": ["other"],
            "created": "2026-02-02T00:00:00Z",
            "input": {"a": {"y": 2}},
        },
    )
    before = apply(None, first)
    assert before is not None
    row = apply(before, second)

    assert row is not None
    assert (row.span_id, row.root_span_id, row.created_us) == ("s", "r", before.created_us)
    assert row.fields == {"span_parents": b'["p"]', "input": b'{"a":{"x":1,"y":2}}'}
    assert before.fields["input"] == b'{"a": {"x": 1}}', "the old row is not changed"


def test_a_merge_keeps_that_a_row_has_no_parents(as_events):
    first, second = as_events({"input": 1}, {"_is_merge": True, "span_parents": ["p"]})
    row = apply_all(None, [first, second])

    assert row is not None
    assert row.fields == {"input": b"1"}


def test_numbers_keep_their_spelling_through_merges(as_events):
    first, second = as_events({"metadata": {"keep": 0}}, {"_is_merge": True, "metadata": {"new": 1}})
    first.given = {"metadata": b'{"keep":1e999,"big":123456789012345678901234567890,"deep":{"x":1.50}}'}
    row = apply_all(None, [first, second])

    assert row is not None
    assert row.fields["metadata"] == b'{"keep":1e999,"big":123456789012345678901234567890,"deep":{"x":1.50},"new":1}'


@pytest.mark.parametrize(
    ("old", "event", "expected"),
    [
        ({"tags": ["a", "b"]}, {"tags": ["c", "b"]}, {"tags": ["a", "b", "c"]}),
        ({"tags": ["a"]}, {"tags": ["c"], "_merge_paths": [["tags"]]}, {"tags": ["c"]}),
        ({"tags": ["a"]}, {"tags": None}, {}),
        ({}, {"tags": ["c", "c"]}, {"tags": ["c", "c"]}),
        ({"metadata": {"l": [1, 2]}}, {"metadata": {"l": [3]}}, {"metadata": {"l": [3]}}),
        ({"metadata": {"a": {"x": 1}}}, {"metadata": {"a": None}}, {"metadata": {"a": None}}),
        ({"metadata": {"a": 1}}, {"metadata": None}, {}),
        (
            {"metadata": {"a": 1, "b": 1}},
            {"metadata": {"c": 1}, "_merge_paths": [["metadata"]]},
            {"metadata": {"c": 1}},
        ),
        (
            {"metadata": {"a": {"x": 1}, "b": {"x": 1}}},
            {"metadata": {"a": {"y": 2}, "b": {"y": 2}}, "_merge_paths": [["metadata", "a"]]},
            {"metadata": {"a": {"y": 2}, "b": {"x": 1, "y": 2}}},
        ),
        ({"k": {"x": 1}}, {"k": {"y": 1}}, {"k": {"x": 1, "y": 1}}),
        ({"k": {"x": 1}}, {"k": {"y": 1}, "_merge_paths": [["k"]]}, {"k": {"y": 1}}),
        ({"input": [{"a": 1}]}, {"input": {"b": 1}}, {"input": {"b": 1}}),
        ({"tags": ["a", "b"]}, {"_array_delete": [{"path": ["tags"], "delete": ["a"]}]}, {"tags": ["b"]}),
        ({"tags": ["a"]}, {"tags": ["b"], "_array_delete": [{"path": ["tags"], "delete": ["a"]}]}, {"tags": ["b"]}),
        (
            {"metadata": {"l": [1, 1.0, True, "1", None, [1], {"a": 1}]}},
            {"_array_delete": [{"path": ["metadata", "l"], "delete": [1, [1.0], {"a": 1.0}]}]},
            {"metadata": {"l": [True, "1", None]}},
        ),
        (
            {"metadata": {"l": 1}},
            {"_array_delete": [{"path": ["metadata", "l"], "delete": [1]}]},
            {"metadata": {"l": 1}},
        ),
        ({"input": [1]}, {"_array_delete": [{"path": ["nowhere"], "delete": [1]}]}, {"input": [1]}),
        ({"input": [1]}, {"_array_delete": [{"path": [], "delete": [1]}]}, {"input": [1]}),
        ({"k": [1, 2]}, {"_array_delete": [{"path": ["k"], "delete": [1]}]}, {"k": [2]}),
    ],
)
def test_merging(as_events, old, event, expected):
    row = apply_all(None, as_events(old, {"_is_merge": True, **event}))

    assert row is not None
    assert {name: json.loads(text) for name, text in row.fields.items()} == expected


def test_a_delete_removes_the_row_and_a_later_event_begins_a_new_one(as_events):
    first, delete, merge = as_events({"input": 1}, {"_object_delete": True}, {"_is_merge": True, "output": 2})

    assert apply_all(None, [first, delete]) is None
    row = apply_all(None, [first, delete, merge])
    assert row is not None
    assert row.fields == {"output": b"2"}
    assert row.pagination_key == merge.pagination_key


def test_only_a_merge_needs_the_documents_of_its_row(as_events):
    merge, replace, delete = as_events({"_is_merge": True}, {}, {"_is_merge": True, "_object_delete": True})

    assert needs_row([merge, replace])
    assert not needs_row([replace, merge])
    assert not needs_row([delete, merge])


names = st.sampled_from(["input", "metadata", "odd", "tags", "span_parents"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from([1.0, 0.5]) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
paths = st.lists(st.sampled_from(["input", "metadata", "odd", "tags", "a", "b", "c"]), max_size=3)
texts = st.lists(st.sampled_from("abc"), max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name in draw(st.sets(names)):
        if name in ("tags", "span_parents"):
            document[name] = draw(st.none() | texts)
        elif name == "metadata":
            document[name] = draw(st.none() | st.dictionaries(st.sampled_from("abc"), values, max_size=3))
        else:
            document[name] = draw(values)
    if draw(st.integers(0, 3)):
        document["_is_merge"] = True
    if not draw(st.integers(0, 3)):
        document["_merge_paths"] = draw(st.lists(paths, max_size=2))
    if not draw(st.integers(0, 3)):
        deletions = st.fixed_dictionaries({"path": paths, "delete": st.lists(values, max_size=3)})
        document["_array_delete"] = draw(st.lists(deletions, max_size=2))
    if not draw(st.integers(0, 7)):
        document["_object_delete"] = True
    return document


@given(st.lists(documents(), min_size=1, max_size=6))
def test_any_sequence_of_events_gives_what_the_model_gives(as_events, events: list[dict[str, Any]]):
    row: Row | None = apply_all(None, as_events(*events))
    model = Model()
    model.apply([{"id": "a", "created": "2026-01-01T00:00:00Z", **event} for event in events])

    assert (None if row is None else to_document(row)) == model.rows.get("a")


def test_an_event_that_only_updates_makes_no_row(as_events):
    first, update, delete = as_events(
        {"input": {"k": 1}}, {"_is_merge": True, "input": {"k": 2}}, {"_object_delete": True}
    )
    update = replace(update, control=Control(only_updates=True))

    assert apply(None, update) is None
    assert apply_all(None, [first, delete, update]) is None
    row = apply_all(None, [update, first, update])
    assert row is not None
    assert row.fields == {"input": b'{"k":2}'}


def test_no_document_asks_to_only_update(as_events):
    (event,) = as_events({"_is_merge": True, "_merge_paths": [], "only_updates": True, "_only_updates": True})
    row = apply(None, event)

    assert row is not None
    assert not event.makes_no_row
