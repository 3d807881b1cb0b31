"""Spans as instrumentations send them, and the events that they become.

Each file of ``golden`` has cases of one convention. `--update` rewrites the events from what the code gives.
"""

import json
import math
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from btql_server.otlp import adk, genai, indexed, langfuse, langsmith, logfire, mlflow, openinference, vercel
from btql_server.otlp.by_hand import spans_one_by_one
from btql_server.otlp.event import event_of
from btql_server.otlp.from_json import spans_of_json
from btql_server.otlp.from_protobuf import spans_of_protobuf
from btql_server.otlp.slug import Exported
from btql_storage import json_text

GOLDEN = Path(__file__).parent / "golden"


def _cases():
    for path in sorted(GOLDEN.glob("*.json")):
        for number, case in enumerate(json.loads(path.read_text())):
            yield pytest.param(path, number, case, id=f"{path.stem}: {case['span']['name']}")


def _event(span, above=None) -> dict[str, Any]:
    return cast("dict[str, Any]", json_text.parse(event_of(span, above)))


@pytest.mark.parametrize(("path", "number", "case"), list(_cases()))
def test_a_span_becomes_the_event_in_either_encoding(path, number, case, as_json, as_protobuf, update):
    (from_json,) = spans_of_json(as_json([case["span"]])).spans
    if update:
        whole = json.loads(path.read_text())
        whole[number]["event"] = _event(from_json)
        path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
        return
    (from_protobuf,) = spans_of_protobuf(as_protobuf([case["span"]]))
    assert _event(from_json) == case["event"]
    assert from_json == from_protobuf


def test_every_attribute_of_the_tables_is_documented():
    page = (Path(__file__).parents[3] / "docs/opentelemetry.md").read_text()
    tables = (
        (genai.METADATA, genai.METRICS, genai.FIELDS, genai.TYPES),
        (indexed.METRICS, indexed.FIELDS, indexed.TYPES, indexed.REQUEST_TYPES),
        (openinference.METADATA, openinference.METRICS, openinference.TYPES),
        (langfuse.METADATA, langfuse.METRICS, langfuse.FIELDS, langfuse.TYPES),
        (langsmith.FIELDS, langsmith.TYPES),
        (mlflow.METADATA, mlflow.METRICS, mlflow.FIELDS, mlflow.TYPES),
        (adk.FIELDS,),
        (logfire.METRICS, logfire.FIELDS, logfire.EVENTS, (logfire.MESSAGES, logfire.REQUEST, logfire.RESPONSE)),
        (vercel.METADATA, vercel.METRICS, vercel.INPUTS, vercel.OUTPUTS, vercel.MODEL_CALLS),
    )
    missing = [name for convention in tables for table in convention for name in table if f"`{name}`" not in page]
    assert missing == []


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1e3", 1000),
        ("2.0", 2),
        ('"1e3"', 1000),
        ('"2.0"', 2),
        ('"9.223372036854775807e18"', 2**63 - 1),
        ("-1e18", -(10**18)),
    ],
)
def test_a_whole_number_may_be_written_with_a_point_or_an_exponent(as_json, written, number):
    body = as_json([{"attributes": {"n": 7}}]).replace(b'"intValue": "7"', b'"intValue": ' + written.encode())
    (span,) = spans_of_json(body).spans
    assert (span.fault, span.attributes["n"], type(span.attributes["n"])) == ("", number, int)


@pytest.mark.parametrize("written", ["1.5", '"1.5"', "1e21", '"1e999999999"', '"NaN"', '"1e-999999999"'])
def test_what_is_no_whole_number_of_64_bits_is_told(as_json, written):
    body = as_json([{"attributes": {"n": 7}}]).replace(b'"intValue": "7"', b'"intValue": ' + written.encode())
    (span,) = spans_of_json(body).spans
    assert "is not a whole number of 64 bits" in span.fault


_CUT = {
    "droppedAttributesCount": 1,
    "droppedEventsCount": 2,
    "droppedLinksCount": 3,
    "events": [{"name": "e", "droppedAttributesCount": 4}],
    "links": [{"traceId": "1" * 32, "spanId": "2" * 16, "traceState": "a=b", "droppedAttributesCount": 5}],
}


def test_what_was_dropped_before_a_span_was_sent_is_told(as_json, as_protobuf):
    document = json.loads(as_json([_CUT]))
    of_resource = document["resourceSpans"][0]
    of_resource["resource"]["droppedAttributesCount"] = 6
    of_resource["scopeSpans"][0]["scope"]["droppedAttributesCount"] = "7"
    request = ExportTraceServiceRequest.FromString(as_protobuf([_CUT]))
    request.resource_spans[0].resource.dropped_attributes_count = 6
    request.resource_spans[0].scope_spans[0].scope.dropped_attributes_count = 7
    body = request.SerializeToString()
    for (span,) in (
        spans_of_json(json.dumps(document).encode()).spans,
        spans_of_protobuf(body),
        spans_one_by_one(body),
    ):
        otel = _event(span)["context"]["otel"]
        assert otel["dropped"] == {
            "attributes": 1,
            "events": 2,
            "links": 3,
            "resource_attributes": 6,
            "scope_attributes": 7,
        }
        assert otel["events"][0]["dropped_attributes"] == 4
        assert otel["links"][0] == {
            "trace_id": "1" * 32,
            "span_id": "2" * 16,
            "attributes": {},
            "trace_state": "a=b",
            "dropped_attributes": 5,
        }


def test_numbers_and_bytes_come_as_json_can_have_them(as_json, as_protobuf):
    numbers = {
        "nan": math.nan,
        "up": math.inf,
        "down": -math.inf,
        "most": 2**63 - 1,
        "least": -(2**63),
        "odd": 2**53 + 1,
        "braintrust.metrics.nan": math.nan,
    }
    for spans in (
        spans_of_json(as_json([{"attributes": numbers}])).spans,
        spans_of_protobuf(as_protobuf([{"attributes": numbers}])),
    ):
        (span,) = spans
        assert _event(span)["metadata"] == {
            **numbers,
            "nan": "NaN",
            "up": "Infinity",
            "down": "-Infinity",
            "braintrust.metrics.nan": "NaN",
        }


def test_bytes_are_base64():
    value = {"key": "raw", "value": {"bytesValue": "AAEC/w=="}}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [value]}]}]}]}
    (span,) = spans_of_json(json.dumps(body).encode()).spans
    assert span.attributes == {"raw": "AAEC/w=="}


def test_hostile_indexes_make_no_long_lists(as_json):
    attributes = {
        "gen_ai.prompt.999999999.content": "last",
        "gen_ai.prompt.7.content": "first",
        f"gen_ai.prompt.{'9' * 5_000}.content": "no number",
        "gen_ai.completion.x.content": "no number either",
        "gen_ai.prompt.8" + ".0" * 5_000: "deep",
        "braintrust.metadata" + ".x" * 5_000: "deep, too",
    }
    (span,) = spans_of_json(as_json([{"attributes": attributes}])).spans
    event = _event(span)
    assert event["input"][0] == {"content": "first"}
    assert event["input"][-1] == {"content": "last"}
    assert event["metadata"]["gen_ai.completion.x.content"] == "no number either"


def test_dotted_names_that_collide_keep_both_values(as_json):
    attributes = {"braintrust.metadata.a": 1, "braintrust.metadata.a.b": 2, "braintrust.metadata.__proto__.c": 3}
    (span,) = spans_of_json(as_json([{"attributes": attributes}])).spans
    assert _event(span)["metadata"] == {"a": 1, "a.b": 2, "__proto__": {"c": 3}}


@pytest.mark.parametrize(
    ("attributes", "metrics"),
    [
        ({"llm.request.type": "chat", "llm.usage.total_tokens": 7}, {"prompt_tokens": 3, "tokens": 7}),
        ({"openinference.span.kind": "LLM"}, {"prompt_tokens": 3}),
        ({"gen_ai.request.model": "m", "openinference.span.kind": "AGENT"}, None),
        ({"gen_ai.request.model": "m", "traceloop.span.kind": "workflow"}, None),
        ({"gen_ai.request.model": "m", "ai.operationId": "ai.generateText"}, None),
    ],
)
def test_one_convention_says_what_a_span_is_and_another_one_its_usage(as_json, attributes, metrics):
    (span,) = spans_of_json(as_json([{"attributes": {"gen_ai.usage.input_tokens": 3, **attributes}}])).spans
    event = _event(span)
    times = ("start", "end")
    assert ({name: n for name, n in event["metrics"].items() if name not in times} or None) == metrics
    assert ("gen_ai.usage.input_tokens" in event["metadata"]) == (metrics is None)


@pytest.mark.parametrize(
    ("attributes", "event_input", "left"),
    [
        (
            {"gen_ai.prompt.0": "hello", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi"},
            [{"role": "user", "content": "hi"}],
            {"gen_ai.prompt.0": "hello"},
        ),
        (
            {"gen_ai.prompt.0.content": "hi", "gen_ai.prompt.0.content.0.text": "x", "gen_ai.prompt.1.content": "ho"},
            [{"content": [{"text": "x"}]}, {"content": "ho"}],
            {"gen_ai.prompt.0.content": "hi"},
        ),
        (
            {"gen_ai.prompt.0": "hello", "gen_ai.prompt.1": "you"},
            ["hello", "you"],
            None,
        ),
        (
            {"llm.input_messages.0.message": "hello", "llm.input_messages.0.message.role": "user"},
            [{"role": "user"}],
            {"llm.input_messages.0.message": "hello"},
        ),
        (
            {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.at": 7},
            [{"at": 7, "role": "user"}],
            None,
        ),
    ],
)
def test_what_no_message_can_be_made_of_stays_under_its_name(as_json, attributes, event_input, left):
    (span,) = spans_of_json(as_json([{"attributes": attributes}])).spans
    event = _event(span)
    assert event["input"] == event_input
    assert event.get("metadata") == left


def test_a_span_below_an_exported_one_joins_its_trace(as_json):
    inherited: dict[str, object] = {"metadata": {"user": "u1", "tier": "gold"}, "id": "never taken over", "tags": ["a"]}
    above = Exported("project_logs", "p", {}, "0123456789abcdef", "f" * 32, inherited)
    root, child = spans_of_json(
        as_json(
            [
                {"attributes": {"braintrust.metadata.user": "u2"}},
                {"spanId": "00f067aa0ba902b7", "parentSpanId": "eee19b7ec3c1b174"},
            ]
        )
    ).spans
    event = _event(root, above)
    assert (event["id"], event["span_parents"], event["root_span_id"]) == (root.span_id, ["0123456789abcdef"], "f" * 32)
    assert event["metadata"] == {"user": "u2", "tier": "gold"}
    assert event["tags"] == ["a"]
    assert event["context"]["otel"]["trace_id"] == root.trace_id
    assert _event(child, above)["span_parents"] == [root.span_id]
    assert _event(child, above)["root_span_id"] == "f" * 32
