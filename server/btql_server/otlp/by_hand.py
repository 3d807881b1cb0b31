"""Spans in protobuf that the library cannot decode as part of their request, or should not, one by one.

The library decodes a request as a whole or not at all, and no deeper than 100 messages. A value in a list takes two
messages, one in an object three, so 50 levels of a document are too many already, where a row may have 200. And a
large request that is decoded as a whole may take all memory. Here:

1. The request is taken apart, down to the bytes of each span. What cannot be is no request.
2. The library decodes each span. Where that is too much for it, the attributes are taken out of the span, which is
   decoded without, and are decoded by themselves: level by level, with the library for what has no more levels.
3. A span that cannot be decoded like this, either, is rejected by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from btql.wire import contents, fields, without
from btql_server.otlp import from_protobuf
from btql_server.otlp.span import (
    Attributes,
    Link,
    Scope,
    Shared,
    Span,
    SpanEvent,
    fault_of,
    not_shared,
    too_large,
    unreadable,
)
from btql_storage.json_text import JsonValue
from btql_storage.limits import DEFAULT, Limits, check_events

# Numbers of fields. The attributes of each message have another one.
_RESOURCE_SPANS, _RESOURCE, _SCOPE_SPANS, _SCOPE, _SPANS, _NAME = 1, 1, 2, 1, 2, 5
_OF_RESOURCE, _OF_SCOPE, _OF_SPAN, _OF_EVENT, _OF_LINK = 1, 3, 9, 3, 4
_EVENTS, _LINKS = 11, 13
_VALUE, _ARRAY, _OBJECT, _ITEMS = 2, 5, 6, 1
_BAD = (DecodeError, RecursionError, ValueError)


def spans_one_by_one(body: bytes, limits: Limits = DEFAULT) -> Iterator[Span]:
    """Return the spans of a request; ValueError where it is none, TooManyEvents where it has too many.

    A span is decoded when it is asked for, so that no more than one of them is in memory.
    """
    spans = (
        span
        for of_resource in contents(memoryview(body), _RESOURCE_SPANS)
        for of_scope in contents(of_resource, _SCOPE_SPANS)
        for span in contents(of_scope, _SPANS)
    )
    # There may be one for each two bytes: they are counted no further than it takes to refuse them.
    check_events(sum(1 for _ in islice(spans, limits.request_events_max + 1)), limits)
    return (
        span
        for of_resource in contents(memoryview(body), _RESOURCE_SPANS)
        for resource in (_resource(of_resource),)
        for of_scope in contents(of_resource, _SCOPE_SPANS)
        for span in _spans(of_scope, resource, limits)
    )


def _resource(message: memoryview) -> Shared:
    try:
        attributes: Attributes = {}
        dropped = 0
        for resource in contents(message, _RESOURCE):
            attributes |= _attributes(resource, _OF_RESOURCE)
            dropped = resource_pb2.Resource.FromString(without(resource, _OF_RESOURCE)).dropped_attributes_count
        return Shared(attributes, dropped)
    except _BAD as error:
        return not_shared(fault_of(error))


def _spans(message: memoryview, resource: Shared, limits: Limits) -> Iterator[Span]:
    """Yield the spans of one library; those that cannot be decoded say so."""
    scope = Scope()
    try:
        for library in contents(message, _SCOPE):
            known = common_pb2.InstrumentationScope.FromString(without(library, _OF_SCOPE))
            attributes = _attributes(library, _OF_SCOPE)
            scope = Scope(known.name, known.version, attributes, known.dropped_attributes_count)
    except _BAD as error:
        resource = not_shared(fault_of(error))
    for data in contents(message, _SPANS):
        try:
            fault = resource.fault or too_large(data, limits)
            yield unreadable(_name(data), fault) if fault else _span(data, resource, scope)
        except _BAD as error:
            yield unreadable(_name(data), fault_of(error))


def _span(data: memoryview, resource: Shared, scope: Scope) -> Span:
    try:
        return from_protobuf.span_of(trace_pb2.Span.FromString(bytes(data)), resource, scope)
    except DecodeError:
        shell = trace_pb2.Span.FromString(without(data, _OF_SPAN, _EVENTS, _LINKS))
    return replace(
        from_protobuf.span_of(shell, resource, scope),
        attributes=_attributes(data, _OF_SPAN),
        events=[_event(event) for event in contents(data, _EVENTS)],
        links=[_link(link) for link in contents(data, _LINKS)],
    )


def _name(data: memoryview) -> str:
    try:
        return "".join(bytes(name).decode() for name in contents(data, _NAME))
    except ValueError:
        return ""


def _event(data: memoryview) -> SpanEvent:
    event = trace_pb2.Span.Event.FromString(without(data, _OF_EVENT))
    return from_protobuf.event_of(event, _attributes(data, _OF_EVENT))


def _link(data: memoryview) -> Link:
    link = trace_pb2.Span.Link.FromString(without(data, _OF_LINK))
    return from_protobuf.link_of(link, _attributes(data, _OF_LINK))


def _attributes(message: memoryview, number: int) -> Attributes:
    return {_key(pair): _value(_value_of(pair)) for pair in contents(message, number)}


def _key(pair: memoryview) -> str:
    return common_pb2.KeyValue.FromString(without(pair, _VALUE)).key


def _value_of(pair: memoryview) -> memoryview:
    return next(contents(pair, _VALUE), memoryview(b""))


def _value(data: memoryview) -> JsonValue:
    """Return a value. The stack has two frames for each level, as 200 levels must fit into its 1,000."""
    for field in fields(data):
        if field.content is None:
            continue
        if field.number == _ARRAY:
            return [_value(item) for item in contents(field.content, _ITEMS)]
        if field.number == _OBJECT:
            return {_key(pair): _value(_value_of(pair)) for pair in contents(field.content, _ITEMS)}
    return from_protobuf.value_of(common_pb2.AnyValue.FromString(bytes(data)))
