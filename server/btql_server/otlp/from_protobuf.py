"""OTLP in protobuf to spans."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from btql_server.http.errors import HttpError
from btql_server.otlp.span import (
    KINDS,
    STATUSES,
    WHOLE_BYTES_MAX,
    Attributes,
    Dropped,
    Link,
    Scope,
    Shared,
    Span,
    SpanEvent,
    named,
    plain,
)
from btql_storage.json_text import JsonValue
from btql_storage.limits import DEFAULT, Limits, check_events

_NO_ID = bytes(8)


def spans_of_protobuf(body: bytes, limits: Limits = DEFAULT) -> Iterable[Span]:
    """Return the spans of an ExportTraceServiceRequest; 400 where it is none, TooManyEvents where it has too many."""
    if len(body) > WHOLE_BYTES_MAX:
        return _one_by_one(body, limits)
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError:
        return _one_by_one(body, limits)
    count = sum(len(of_scope.spans) for of_resource in request.resource_spans for of_scope in of_resource.scope_spans)
    check_events(count, limits)
    return _spans(request)


def _one_by_one(body: bytes, limits: Limits) -> Iterable[Span]:
    from btql_server.otlp.by_hand import spans_one_by_one

    try:
        return spans_one_by_one(body, limits)
    except ValueError as error:
        raise HttpError(400, f"the body is not an ExportTraceServiceRequest in protobuf: {error}") from None


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for of_resource in request.resource_spans:
        known = of_resource.resource
        resource = Shared(_attributes(known.attributes), known.dropped_attributes_count)
        for of_scope in of_resource.scope_spans:
            library = of_scope.scope
            attributes = _attributes(library.attributes)
            scope = Scope(library.name, library.version, attributes, library.dropped_attributes_count)
            for span in of_scope.spans:
                yield span_of(span, resource, scope)


def span_of(span: trace_pb2.Span, resource: Shared, scope: Scope) -> Span:
    """Return a span that the library has decoded."""
    # Eight zeros are how some libraries say that there is no parent.
    parent = span.parent_span_id
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id="" if parent == _NO_ID else parent.hex(),
        name=span.name,
        kind=named(KINDS, span.kind),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=[event_of(one, _attributes(one.attributes)) for one in span.events],
        links=[link_of(one, _attributes(one.attributes)) for one in span.links],
        status=named(STATUSES, span.status.code),
        status_message=span.status.message,
        trace_state=span.trace_state,
        resource=resource,
        scope=scope,
        dropped=Dropped(span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
    )


def event_of(event: trace_pb2.Span.Event, attributes: Attributes) -> SpanEvent:
    """Return an event that the library has decoded, with its attributes."""
    return SpanEvent(event.name, event.time_unix_nano, attributes, event.dropped_attributes_count)


def link_of(link: trace_pb2.Span.Link, attributes: Attributes) -> Link:
    """Return a link that the library has decoded, with its attributes."""
    ids = link.trace_id.hex(), link.span_id.hex()
    return Link(*ids, attributes, link.trace_state, link.dropped_attributes_count)


def _attributes(pairs: Iterable[common_pb2.KeyValue]) -> Attributes:
    return {pair.key: value_of(pair.value) for pair in pairs}


def value_of(value: common_pb2.AnyValue) -> JsonValue:
    """Return a value that the library has decoded."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return plain(value.double_value)
        case "array_value":
            return [value_of(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case _:
            return None
