"""What is on record about writing, one promise at a time, wherever the rows are meanwhile.

Each history is played several times: with everything in the log, with each request assigned, and with each request
in a part before the next one comes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from storage_support.reading import documents_of, rows_of

from btql_storage.clock import Clock
from btql_storage.folder import Settings
from btql_storage.store import ObjectInfo, Storage

DAY_S = 86_400


class HandClock(Clock):
    """A clock that goes on by a second whenever it is asked, and by days when it is told."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000

    def now_us(self) -> int:
        self.seconds += 1
        return self.seconds * 1_000_000


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def storage(quick_path, clock) -> Iterator[Storage]:
    settings = Settings(segment_events=4)
    with Storage.open(quick_path / "db", create=True, settings=settings, clock=clock) as opened:
        yield opened


@pytest.fixture
def logs(storage: Storage) -> ObjectInfo:
    return storage.create_object("project_logs", "x")


@pytest.fixture(params=["in the log", "assigned", "in parts"])
def write(request, storage: Storage, logs: ObjectInfo) -> Callable[..., list[int]]:
    """Return a function that sends requests, and works on them after each."""

    def send(*requests: list[dict[str, Any]]) -> list[int]:
        numbers: list[int] = []
        for events in requests:
            numbers.append(storage.ingest(logs, events).xact_id)
            if request.param == "assigned":
                storage.process()
            elif request.param == "in parts":
                storage.compact()
        return numbers

    return send


@pytest.fixture
def rows(quick_path: Path, storage: Storage, logs: ObjectInfo) -> Callable[[], dict[str, dict[str, Any]]]:
    """Return a function that reads all rows, and reads them again after a compaction: nothing may change."""

    def read() -> dict[str, dict[str, Any]]:
        before = documents_of(storage, logs)
        with Storage.open(quick_path / "db", read_only=True) as other:
            assert documents_of(other, logs) == before, "another process sees the same"
        storage.compact()
        assert documents_of(storage, logs) == before
        return before

    return read


def test_a_deleted_row_comes_back_as_a_new_one(write, rows, storage, logs):
    write([{"id": "a", "input": 1, "tags": ["t"]}, {"id": "b"}])
    first = rows_of(storage, logs)["a"]
    write([{"id": "a", "_object_delete": True}])
    assert list(rows()) == ["b"]

    write([{"id": "a", "output": 2, "_is_merge": True}])
    again = rows_of(storage, logs)["a"]
    assert again.fields == {"output": b"2"}
    assert again.pagination_key > first.pagination_key
    assert again.created_us > first.created_us
    assert set(rows()) == {"a", "b"}


def test_a_delete_of_what_is_not_there_does_nothing(write, rows):
    write([{"id": "a", "_object_delete": True}], [{"id": "b"}], [{"id": "a", "_object_delete": True, "input": 5}])
    assert list(rows()) == ["b"]


@pytest.mark.parametrize(
    "request_",
    [
        [{"id": "a", "input": {"x": 1}, "tags": ["t"]}, {"id": "b", "root_span_id": "a", "span_parents": ["a"]}],
        [{"id": "a", "input": {"y": 2}, "tags": ["u"], "_is_merge": True}, {"id": "c"}],
        [{"id": "a", "_array_delete": [{"path": ["tags"], "delete": ["t"]}], "_is_merge": True}],
        [{"id": "b", "_object_delete": True}],
        [{"id": "k", "comment": "well", "origin": {"id": "a"}}],
    ],
    ids=["rows", "merges", "array delete", "delete", "comment"],
)
def test_the_same_request_twice_changes_nothing(write, rows, storage, logs, request_):
    write([{"id": "a", "input": {"z": 3}, "tags": ["t", "s"]}, {"id": "b"}])
    write(request_)
    before, keys = documents_of(storage, logs), {row.id: row.pagination_key for row in rows_of(storage, logs).values()}
    write(request_)

    assert {row.id: row.pagination_key for row in rows_of(storage, logs).values()} == keys
    after = rows()
    for row in (*before.values(), *after.values()):
        # Who changed something, and when, is noted each time.
        row.pop("audit_data", None)
        for comment in row.get("comments", []):
            del comment["_xact_id"], comment["created"]
    assert after == before


def test_what_a_row_keeps_when_it_is_replaced(write, rows, storage, logs):
    write([{"id": "a", "span_id": "s", "root_span_id": "r", "input": 1}])
    first = rows_of(storage, logs)["a"]
    write([{"id": "a", "output": 2}])
    second = rows_of(storage, logs)["a"]

    assert (second.created_us, second.pagination_key) == (first.created_us, first.pagination_key)
    assert second.xact_id > first.xact_id
    assert (second.span_id, second.root_span_id, second.fields) == ("a", "a", {"output": b"2"})

    write([{"id": "a", "created": "2020-01-01T00:00:00Z"}])
    assert rows()["a"]["created"] == "2020-01-01T00:00:00Z"


def test_what_a_row_keeps_when_something_is_merged_into_it(write, rows, storage, logs):
    write([{"id": "a", "span_id": "s", "root_span_id": "r", "span_parents": ["p"], "created": "2026-01-01T00:00:00Z"}])
    first = rows_of(storage, logs)["a"]
    other = {"span_id": "o", "root_span_id": "o", "span_parents": ["o"], "created": "2020-01-01T00:00:00Z"}
    write([{"id": "a", "_is_merge": True, "output": 1, **other}])
    second = rows_of(storage, logs)["a"]

    assert second.pagination_key == first.pagination_key
    found = rows()["a"]
    assert {name: found[name] for name in other} == {
        "span_id": "s",
        "root_span_id": "r",
        "span_parents": ["p"],
        "created": "2026-01-01T00:00:00Z",
    }


def test_merging_into_nothing_is_inserting(write, rows):
    event = {"id": "a", "span_id": "s", "root_span_id": "r", "span_parents": ["p"], "created": "2026-01-01T00:00:00Z"}
    write([event | {"_is_merge": True, "input": {"x": 1}, "output": None}])
    assert rows() == {"a": event | {"input": {"x": 1}}}


def test_events_of_one_id_in_one_request_count_in_their_order(write, rows):
    write(
        [
            {"id": "a", "input": 1, "metadata": {"x": 1}},
            {"id": "a", "_is_merge": True, "metadata": {"y": 2}, "tags": ["t"]},
            {"id": "a", "_object_delete": True},
            {"id": "a", "input": 2, "metadata": {"z": {"p": 1}}, "created": "2026-01-01T00:00:00Z"},
            {"id": "a", "_is_merge": True, "metadata": {"z": {"q": 2}}, "tags": ["u", "v"]},
            {"id": "a", "_is_merge": True, "tags": ["v", "w"], "_array_delete": [{"path": ["tags"], "delete": ["u"]}]},
            {"id": "a", "_is_merge": True, "metadata": {"z": {"r": 3}}, "_merge_paths": [["metadata", "z"]]},
        ]
    )
    (row,) = rows().values()

    assert (row["input"], row["metadata"], row["tags"]) == (2, {"z": {"r": 3}}, ["v", "w"])
    assert row["created"] == "2026-01-01T00:00:00Z"


def test_a_hundred_merges_of_one_row(write, rows):
    write([{"id": "a", "metadata": {}}])
    merges = [{"id": "a", "_is_merge": True, "metadata": {f"k{n}": n}, "tags": [f"t{n % 7}"]} for n in range(100)]
    write(merges[:1], merges[1:60], merges[60:])

    assert rows()["a"]["metadata"] == {f"k{n}": n for n in range(100)}
    assert rows()["a"]["tags"] == [f"t{n}" for n in range(7)]


def test_children_come_before_parents(write, rows, storage, logs):
    children = [
        {"id": f"c{n}", "span_id": f"s{n}", "root_span_id": "r", "span_parents": [f"s{n - 1}" if n else "r"]}
        for n in reversed(range(4))
    ]
    write(children[:2], [{"id": "other"}], children[2:], [{"id": "p", "span_id": "r", "root_span_id": "r"}])

    found = rows()
    assert {row_id: row.get("span_parents") for row_id, row in found.items() if row["root_span_id"] == "r"} == {
        "p": None,
        "c0": ["r"],
        **{f"c{n}": [f"s{n - 1}"] for n in range(1, 4)},
    }
    assert len(_segments(storage, logs, "r")) == 1


def test_late_spans_go_where_their_trace_is(write, rows, storage, logs, clock):
    write([{"id": f"t{n}", "root_span_id": f"trace{n}"} for n in range(3)])
    storage.compact()
    for day in range(5):
        clock.seconds += DAY_S
        write([{"id": f"d{day}-{n}"} for n in range(5)])
        storage.compact()
    clock.seconds += DAY_S
    write([{"id": "late", "root_span_id": "trace1"}], [{"id": "t1", "_is_merge": True, "output": "done"}])

    found = rows()
    assert {row_id for row_id, row in found.items() if row["root_span_id"] == "trace1"} == {"t1", "late"}
    assert found["t1"]["output"] == "done"
    assert len(_segments(storage, logs, "trace1")) == 1
    assert len(_segments(storage, logs)) > 2


def test_a_row_that_moves_to_another_trace_is_there_once(write, rows, storage, logs):
    write([{"id": "a", "root_span_id": "one"}, {"id": "b", "root_span_id": "two"}])
    write([{"id": f"n{n}"} for n in range(8)])
    write([{"id": "a", "root_span_id": "two"}])

    found = rows()
    assert {row_id for row_id, row in found.items() if row["root_span_id"] == "two"} == {"a", "b"}
    assert not [row for row in found.values() if row["root_span_id"] == "one"]


def test_null_takes_a_field_away_in_a_merge_only(write, rows):
    write([{"id": "a", "input": {"x": 1, "y": None}, "output": 1, "odd": 2}, {"id": "b", "input": None}])
    write([{"id": "a", "_is_merge": True, "output": None, "odd": None, "input": {"x": None}}])

    found = rows()
    assert found["a"]["input"] == {"x": None, "y": None}
    assert "output" not in found["a"]
    assert "odd" not in found["a"]
    assert "input" not in found["b"]


def test_tags_are_a_set_unless_they_are_not_to_be(write, rows):
    write([{"id": "a", "tags": ["x", "y"]}, {"id": "b"}, {"id": "c", "tags": ["x"]}])
    write(
        [
            {"id": "a", "_is_merge": True, "tags": ["y", "z"]},
            {"id": "b", "_is_merge": True, "tags": ["x"]},
            {"id": "c", "_is_merge": True, "tags": ["z"], "_merge_paths": [["tags"]]},
        ]
    )
    assert {row_id: row["tags"] for row_id, row in rows().items()} == {"a": ["x", "y", "z"], "b": ["x"], "c": ["z"]}


def test_feedback_is_a_merge_and_a_comment(write, rows):
    write([{"id": "a", "scores": {"s": 0.5}, "expected": {"x": 1}, "tags": ["t"]}])
    audit = {"_audit_source": "external", "_audit_metadata": {"by": "u"}}
    feedback = {"scores": {"q": 1}, "expected": "y", "tags": ["u"]}
    write(
        [
            {"id": "a", "_is_merge": True, **feedback, **audit, "_merge_paths": [["expected"]]},
            {"id": "k", "comment": {"text": "good"}, "origin": {"id": "a"}, **audit},
        ]
    )
    row = rows()["a"]

    assert (row["scores"], row["expected"], row["tags"]) == ({"s": 0.5, "q": 1}, "y", ["t", "u"])
    assert [one["comment"] for one in row["comments"]] == [{"text": "good"}]
    noted = [(one["audit_data"]["action"], one["source"], one["metadata"]) for one in row["audit_data"]]
    assert noted == [("merge", "external", {"by": "u"}), ("comment", "external", {"by": "u"})]
    assert "by" not in json.dumps({key: value for key, value in row.items() if key != "audit_data"})


def test_a_parent_id_is_left_alone_in_a_merge(write, rows):
    write([{"id": "p", "span_id": "ps", "root_span_id": "r"}])
    write([{"id": "c", "_parent_id": "p"}], [{"id": "c", "_parent_id": "none", "_is_merge": True, "output": 1}])
    row = rows()["c"]

    assert (row["root_span_id"], row["span_parents"], row["output"]) == ("r", ["ps"], 1)


def test_time_is_kept_to_the_microsecond(write, rows):
    times = ["2026-01-01T00:00:00.123456Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z"]
    write([{"id": str(n), "created": time} for n, time in enumerate(times)])

    assert [row["created"] for _, row in sorted(rows().items())] == times
    assert datetime.fromisoformat(times[0]) + timedelta(0) == datetime.fromisoformat(rows()["0"]["created"])


def _segments(storage: Storage, logs: ObjectInfo, trace: str | None = None) -> set[int]:
    """Return the segments that have rows, or those of a trace."""
    storage.compact()
    folder = storage._folder
    parts = folder.catalog.view(logs.id).parts
    if trace is None:
        return {part.segment_id for part in parts}
    found: set[int] = set()
    for info in parts:
        part = folder.parts.get(info)
        candidates = part.lookup("root_span_id", [trace])
        current = [number for number in candidates.tolist() if number not in set(info.superseded)]
        if current and any(row.root_span_id == trace for row in part.rows(candidates)):
            found.add(info.segment_id)
    return found
