"""Paths of inputs that go on from each other are those of the whole inputs, in whichever order rows are read."""

from __future__ import annotations

import random
from typing import Any

import pytest
from storage_support.delta_rows import said

import btql
from btql_storage.json_text import canonical

SPANS = 200


def last_content(value: Any) -> Any:
    last = value[-1] if isinstance(value, list) else None
    return last.get("content") if isinstance(last, dict) else None


def messages(value: Any) -> int | None:
    found = value.get("messages") if isinstance(value, dict) else None
    return None if found is None else len(found)


@pytest.fixture(scope="module", params=["parts", "parts and tail"])
def asked(request, tmp_path_factory):
    """A connection, and the input of each span."""
    rnd = random.Random(6)
    conversations: list[list[Any]] = []
    inputs = {f"s{place:03}": said(rnd, conversations) for place in range(SPANS)}
    events = [
        {"id": id_, "span_id": id_, "root_span_id": "r", "input": value, "metadata": {"n": rnd.random()}}
        for id_, value in inputs.items()
    ]
    with btql.connect(tmp_path_factory.mktemp("paths") / "db") as conn:
        conn.ingest("project_logs:p", events[: SPANS if request.param == "parts" else SPANS // 2])
        conn.compact()
        conn.ingest("project_logs:p", events[SPANS // 2 :])
        yield conn, inputs


@pytest.mark.parametrize("order", ["id", "metadata.n", "metadata.n DESC"])
@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("input[-1].content", last_content),
        ("array_length(input.messages)", messages),
        ("input::text", lambda value: None if value is None else canonical(value)),
        ("CASE WHEN input LIKE '%gamma delta%' THEN input[0].role END", None),
    ],
)
def test_paths_are_those_of_the_whole_input(asked, order, path, wanted):
    conn, inputs = asked
    rows = conn.query(f"SELECT id, {path} AS found FROM project_logs('p') ORDER BY {order}").rows()
    assert len(rows) == SPANS
    for row in rows:
        value = inputs[row["id"]]
        if wanted is None:
            is_said = value is not None and "gamma delta" in canonical(value)
            first = value[0] if is_said and isinstance(value, list) else None
            assert row["found"] == (first.get("role") if isinstance(first, dict) else None)
        else:
            assert row["found"] == wanted(value)


def test_a_row_that_a_join_does_not_find_has_none(asked):
    conn, inputs = asked
    rows = conn.query(
        "SELECT a.id, b.input[-1].content AS found FROM project_logs('p') a "
        "LEFT JOIN project_logs('p') b ON b.id = a.id AND b.id > 's100' ORDER BY a.metadata.n"
    ).rows()
    assert {row["id"]: row["found"] for row in rows} == {
        id_: last_content(value) if id_ > "s100" else None for id_, value in inputs.items()
    }
