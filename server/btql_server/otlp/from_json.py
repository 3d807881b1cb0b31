"""OTLP in JSON to spans.

The JSON of protobuf with two exceptions: ids are hexadecimal, and enumerations are numbers (names are taken, too).
Whole numbers of 64 bits may be texts. Unknown keys are ignored, null is as if the key were missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from btql_server.http.body import decode
from btql_server.http.errors import HttpError
from btql_server.otlp.span import KINDS, STATUSES, Attributes, Link, Scope, Span, SpanEvent, named, plain
from btql_storage.json_text import JsonValue


class _AnyValue(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: _ArrayValue | None = None
    kvlist_value: _KeyValues | None = None
    bytes_value: str | None = None


class _ArrayValue(msgspec.Struct, rename="camel"):
    values: list[_AnyValue | None] | None = None


class _KeyValue(msgspec.Struct, rename="camel"):
    key: str = ""
    value: _AnyValue | None = None


class _KeyValues(msgspec.Struct, rename="camel"):
    values: list[_KeyValue] | None = None


class _Event(msgspec.Struct, rename="camel"):
    name: str | None = None
    time_unix_nano: int | str | None = None
    attributes: list[_KeyValue] | None = None


class _Link(msgspec.Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[_KeyValue] | None = None


class _Status(msgspec.Struct, rename="camel"):
    code: int | str | None = None
    message: str | None = None


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    trace_state: str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: list[_KeyValue] | None = None
    events: list[_Event] | None = None
    links: list[_Link] | None = None
    status: _Status | None = None


class _Scope(msgspec.Struct, rename="camel"):
    name: str | None = None
    version: str | None = None
    attributes: list[_KeyValue] | None = None


class _ScopeSpans(msgspec.Struct, rename="camel"):
    scope: _Scope | None = None
    spans: list[_Span] | None = None


class _Resource(msgspec.Struct, rename="camel"):
    attributes: list[_KeyValue] | None = None


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _Request(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] | None = None


def spans_of_json(body: bytes) -> Sequence[Span]:
    """Return the spans of an ExportTraceServiceRequest; 400 where it is none."""
    request = decode(body, _Request)
    try:
        return list(_spans(request))
    except RecursionError:
        raise HttpError(400, "the body is nested too deep") from None


def _spans(request: _Request) -> Iterator[Span]:
    for of_resource in request.resource_spans or ():
        resource = _attributes(of_resource.resource.attributes) if of_resource.resource else {}
        for of_scope in of_resource.scope_spans or ():
            library = of_scope.scope or _Scope()
            scope = Scope(library.name or "", library.version or "", _attributes(library.attributes))
            for span in of_scope.spans or ():
                yield _span(span, resource, scope)


def _span(span: _Span, resource: Attributes, scope: Scope) -> Span:
    status = span.status or _Status()
    parent = _id(span.parent_span_id)
    return Span(
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        parent_span_id=parent.strip("0") and parent,
        name=span.name or "",
        kind=_named(KINDS, span.kind, "SPAN_KIND_"),
        start_ns=_whole(span.start_time_unix_nano),
        end_ns=_whole(span.end_time_unix_nano),
        attributes=_attributes(span.attributes),
        events=[
            SpanEvent(one.name or "", _whole(one.time_unix_nano), _attributes(one.attributes))
            for one in span.events or ()
        ],
        links=[Link(_id(one.trace_id), _id(one.span_id), _attributes(one.attributes)) for one in span.links or ()],
        status=_named(STATUSES, status.code, "STATUS_CODE_"),
        status_message=status.message or "",
        trace_state=span.trace_state or "",
        resource=resource,
        scope=scope,
    )


def _id(text: str | None) -> str:
    return (text or "").lower()


def _attributes(pairs: Iterable[_KeyValue] | None) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs or ()}


def _value(value: _AnyValue | None) -> JsonValue:
    match value:
        case _AnyValue(string_value=str() as text):
            return text
        case _AnyValue(bool_value=bool() as truth):
            return truth
        case _AnyValue(int_value=int() | str() as number):
            return _whole(number)
        case _AnyValue(double_value=float() | str() as number):
            return plain(_number(number))
        case _AnyValue(array_value=_ArrayValue(values)):
            return [_value(item) for item in values or ()]
        case _AnyValue(kvlist_value=_KeyValues(pairs)):
            return _attributes(pairs)
        case _AnyValue(bytes_value=str() as base64):
            return base64
        case _:
            return None


def _whole(number: int | str | None) -> int:
    try:
        return int(number or 0)
    except ValueError:
        raise HttpError(400, f"`{str(number)[:40]}` is not a whole number") from None


def _number(number: float | str) -> float:
    try:
        return float(number)
    except ValueError:
        raise HttpError(400, f"`{str(number)[:40]}` is not a number") from None


def _named(names: Sequence[str], given: int | str | None, prefix: str) -> str:
    if not isinstance(given, str):
        return named(names, given or 0)
    name = given.removeprefix(prefix).lower()
    return name if name in names else names[0]
