"""Rows as JSON text, against the same rows as Python values."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import btql

ROWS = [
    {"id": "a", "input": {"q": 'say "hi"\n', "deep": [1, {"k": None}]}, "tags": ["x", 'y"z', ""], "scores": {"s": 1}},
    {"id": "b", "input": "line\u2028end \x01\x1f\t\\", "metadata": {"n": 12345678901234567890123, "f": 0.1}},
    {"id": "c", "created": "1969-12-31T23:59:59.999999Z", "metadata": {"n": "seven", "f": 1e300}, "tags": []},
    {"id": "d", "created": "2026-01-01T00:00:00.0005Z", "metadata": {"n": True, "f": -0.0}, "error": "é😀"},
    {"id": "e", "metadata": {"n": 7, "f": 3}, "metrics": {"start": 1.5}},
]
QUERIES = [
    "select: * | from: project_logs('p')",
    "select: metadata.n, metadata.f, metadata.missing, scores.s, tags, id | from: project_logs('p')",
    "select: created, metrics.start, metrics.start / 0 as z, interval 1 day as i, 1 = 1 as b | from: project_logs('p')",
    "select: input, error | from: project_logs('p') | preview_length: 5",
    "select: tags[0] as first, input.deep, null as nothing | from: project_logs('p') | limit: 2",
    "dimensions: metadata.n | measures: count(1) as times, avg(metadata.f) as f | from: project_logs('p') | sort: f",
    "select: id | from: project_logs('p') | filter: id = 'nobody'",
]


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("json") / "db") as conn:
        conn.ingest("project_logs:p", ROWS[:3])
        conn.compact()
        conn.ingest("project_logs:p", ROWS[3:])
        yield conn


@pytest.mark.parametrize("query", QUERIES)
def test_json_says_what_the_rows_say(conn, query):
    found = [json.loads(line) for line in b"".join(conn.query(query).json()).splitlines()]

    assert found == [{name: _plain(value) for name, value in row.items()} for row in conn.query(query)]


def _plain(value):
    if isinstance(value, datetime):
        precision = "microseconds" if value.microsecond % 1_000 else "milliseconds"
        return value.isoformat(timespec=precision).replace("+00:00", "Z")
    return value


def test_words_around_each_row(conn):
    found = b"".join(conn.query("select: id | from: project_logs('p') | sort: id | limit: 2").json("<", ">"))
    assert found == b'<{"id":"a"}><{"id":"b"}>'


def test_a_document_that_was_written_on_several_lines_is_one_line(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:p", [b'{"id": "a",\n "input": {"k":\r\n [1,\n 2]}}'])
        (line,) = b"".join(conn.query("select: input | from: project_logs('p')").json()).splitlines()

    assert json.loads(line) == {"input": {"k": [1, 2]}}


def test_a_large_batch_is_taken_in_pieces(conn, monkeypatch):
    query = "select: * | from: project_logs('p')"
    whole = b"".join(conn.query(query).json())
    monkeypatch.setattr("btql.json_rows._BYTES_MAX", 64)

    assert b"".join(conn.query(query).json()) == whole


def test_the_schema_of_the_rows(conn):
    found = conn.query(
        "select: id, created, tags, metrics.start, is_root, input, id = 'a' ? 1 : 'x' as n, nope, created < now() as b,"
        " len(tags) as l | from: project_logs('p')"
    ).json_schema
    properties = found["items"]["properties"]
    several = properties.pop("n")["anyOf"]

    assert {each["type"] for each in several} == {"integer", "string"}
    assert properties == {
        "id": {"type": "string"},
        "created": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "start": {"type": "number"},
        "is_root": {"type": "boolean"},
        "input": {},
        "nope": {"type": "null"},
        "b": {"type": "boolean"},
        "l": {"type": "integer"},
    }


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=1, max_size=5))
def test_any_text_is_quoted_right(texts):
    import pyarrow as pa

    from btql.json_rows import json_rows
    from btql_planner.engine_plan import OutputColumn
    from btql_planner.types import Kind

    output = OutputColumn("a name", {Kind.TEXT: "c"})
    lines = json_rows([output], pa.record_batch({"c": pa.array([*texts, None])}), after=",")

    assert json.loads(b"[" + lines[:-1] + b"]") == [{"a name": text} for text in [*texts, None]]
