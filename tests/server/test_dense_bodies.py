"""Bodies of very many tiny values are refused before they are built: each would take many times the body's size."""

from __future__ import annotations

import json
import tracemalloc
from typing import TypeVar

import pytest
from msgspec import inspect

from btql_server.app import MODULES
from btql_server.http.body import decode
from btql_server.http.errors import HttpError
from btql_server.http.many import VALUES_MAX, is_dense, rows_of
from btql_server.otlp.from_json import spans_of_json
from btql_server.otlp.json_messages import ExportTraceServiceRequest, RawRequest
from btql_server.reading.embedding import IngestRequest
from btql_server.reading.request import QueryRequest
from btql_server.writing.insert import Events, Everything, Feedbacks
from btql_server.writing.logs3 import Batch, Uploaded
from btql_storage.errors import TooManyEvents

E = TypeVar("E", bound=Exception)
COUNTED_BYTES = 16 << 20
ROWS = [
    (Batch, '{"rows":[%s]}', "{}"),
    (Events, '{"events":[%s]}', "{}"),
    (IngestRequest, '{"target":"project_logs:a","events":[%s]}', "{}"),
    (Everything, '{"dataset":{"a":{"events":[%s]}}}', "{}"),
    (Everything, '{"dataset":{%s}}', '"a":{}'),
    (Feedbacks, '{"feedback":[%s]}', '{"id":""}'),
    (RawRequest, '{"resourceSpans":[%s]}', "{}"),
    (RawRequest, '{"resourceSpans":[{"scopeSpans":[%s]}]}', "{}"),
    (RawRequest, '{"resourceSpans":[{"scopeSpans":[{"spans":[%s]}]}]}', "{}"),
]


def _many(frame: str, one: str, count: int) -> bytes:
    return frame.replace("%s", ",".join([one] * count)).encode()


def _refused(body: bytes, shape: type, kind: type[E]) -> E:
    """Return why a body is refused, for which no more was needed than what is counted of it and its own size."""
    tracemalloc.start()
    try:
        with pytest.raises(kind) as caught:
            decode(body, shape)
        assert tracemalloc.get_traced_memory()[1] < COUNTED_BYTES + 2 * len(body)
    finally:
        tracemalloc.stop()
    return caught.value


@pytest.mark.parametrize(("shape", "frame", "one"), ROWS)
def test_too_many_rows_are_counted_and_not_built(shape, frame, one):
    refusal = _refused(_many(frame, one, 1_000_000), shape, TooManyEvents)
    assert "send at most 65,536 events at a time" in str(refusal)


@pytest.mark.parametrize("one", ["1", "[]", "null", '""'])
def test_very_many_rows_that_are_no_objects_are_refused_at_the_first(one):
    refusal = _refused(_many('{"rows":[%s]}', one, 600_000), Batch, HttpError)
    assert "Expected `object`" in refusal.message
    assert "`rows[0]`" in refusal.message


@pytest.mark.parametrize(
    ("shape", "frame", "one"),
    [
        (QueryRequest, '{"query":{"a":[%s]}}', "[]"),
        (QueryRequest, '{"query":"select 1","parameters":[%s]}', "1"),
        (QueryRequest, '{"query":"select 1","parameter_sets":[%s]}', "{}"),
        (ExportTraceServiceRequest, '{"resourceSpans":[%s]}', "{}"),
    ],
)
def test_too_many_values_are_counted_and_not_built(shape, frame, one):
    refusal = _refused(_many(frame, one, VALUES_MAX + 1), shape, HttpError)
    assert (refusal.status, "may have 2,000,000: send fewer" in refusal.message) == (413, True)


def test_what_a_row_or_a_text_has_is_not_counted():
    row = _many('{"input":[%s],"x":"', "1", VALUES_MAX) + b"," * 1_000 + b'"}'
    rows = decode(b'{"rows":[' + row + b"]}", Batch).rows
    assert isinstance(rows, list)
    assert [bytes(each) for each in rows] == [row]
    text = json.dumps({"query": "SELECT [{," + "1,[{" * VALUES_MAX + '"\\'}).encode()
    assert is_dense(text)
    assert decode(text, QueryRequest).query == json.loads(text)["query"]


def test_rows_and_uploads_of_a_dense_body_are_decoded_as_ever():
    body = _many('{"api_version":2,"rows":[%s]}', '{"a":1}', 65_536 * 4 - 1)
    assert is_dense(body)
    rows = decode(body, Batch).rows
    assert isinstance(rows, list)
    assert len(rows) == 65_536 * 4 - 1
    upload = _many('{"x":[%s],"rows":{"type":"logs3_overflow","key":"k"}}', "1", 1_000_000)
    assert decode(upload, Batch).rows == Uploaded("logs3_overflow", "k")
    feedback = _many('{"feedback":[{"id":"a","scores":null,"tags":["a"],"metadata":[%s]}]}', "1", 1_000_000)
    assert decode(feedback, Feedbacks).feedback[0].id == "a"


def test_spans_of_too_many_values_are_refused_by_themselves():
    dense = _many('{"name":"dense","attributes":[%s]}', "{}", VALUES_MAX)
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + dense + b',{"name":"other"}]}]}]}'
    first, second = spans_of_json(body).spans
    assert "values, and may have 2,000,000" in first.fault
    assert (second.name, second.fault) == ("other", "")


def test_an_unknown_key_of_very_many_values_is_not_built_to_be_left_out():
    body = _many('{"resourceSpans":[{"x":[%s],"scopeSpans":[{"spans":[{}]}]}]}', "1", VALUES_MAX)
    with pytest.raises(HttpError, match="may have 2,000,000"):
        spans_of_json(body)


def test_shapes_with_rows_have_nothing_else_that_may_be_many():
    shapes = {route.body for module in MODULES for route in module.routes.all} | {RawRequest}
    with_rows = {shape for shape in shapes if "RawType" in repr(inspect.type_info(shape or type(None)))}
    assert with_rows == {shape for shape, _, _ in ROWS}
    for shape in with_rows:
        assert rows_of(shape) is not None
        assert "AnyType" not in repr(inspect.type_info(shape))
        assert "CustomType" not in repr(inspect.type_info(shape))
