"""Payloads of OpenTelemetry, from spans written as plain dictionaries."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import btql
from btql_server.running import running
from btql_server.settings import Settings

START_NS = 1_790_000_000_250_000_000


def any_value(value):
    """A value as OTLP/JSON has it."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float() if math.isfinite(value):
            return {"doubleValue": value}
        case float():
            return {"doubleValue": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [any_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": key_values(value)}}
        case _:
            return {}


def key_values(attributes):
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


def span_json(span):
    """A span as OTLP/JSON has it; whatever is not said has a usual value."""
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "a span",
        "kind": 1,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + 1_500_000_000),
        **span,
        "attributes": key_values(span.get("attributes", {})),
        "events": [
            {
                "timeUnixNano": str(START_NS),
                **event,
                "attributes": key_values(event.get("attributes", {})),
            }
            for event in span.get("events", ())
        ],
        "links": [{**link, "attributes": key_values(link.get("attributes", {}))} for link in span.get("links", ())],
    }


def request_of(spans, resource=None) -> dict[str, Any]:
    """An export request of spans, as a JSON document."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": key_values({"service.name": "shop"} if resource is None else resource)},
                "scopeSpans": [
                    {"scope": {"name": "tests", "version": "1.2"}, "spans": [span_json(span) for span in spans]}
                ],
            }
        ]
    }


@pytest.fixture(scope="session")
def as_json():
    """Spans to the body of a request in JSON."""
    return lambda spans, resource=None: json.dumps(request_of(spans, resource)).encode()


@pytest.fixture(scope="session")
def as_protobuf():
    """Spans to the body of a request in protobuf."""

    def encode(spans, resource=None):
        document = request_of(spans, resource)
        for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            # The library reads ids as base64, where OTLP has hexadecimal.
            for place in (span, *span["links"]):
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in place:
                        place[key] = base64.b64encode(bytes.fromhex(place[key])).decode()
        return ParseDict(document, ExportTraceServiceRequest()).SerializeToString()

    return encode


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server without keys, and a way to read what it has stored."""
    folder = tmp_path_factory.mktemp("server") / "db"
    with running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)) as url:

        def rows(query):
            with btql.connect(folder, read_only=True) as connection:
                return connection.query(query).rows()

        yield url, rows
