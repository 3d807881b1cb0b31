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


class OtlpAnyValue(msgspec.Struct, rename="camel"):
    """A value of any kind: one of these, or none."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: OtlpArrayValue | None = None
    kvlist_value: OtlpKeyValues | None = None
    bytes_value: str | None = None


class OtlpArrayValue(msgspec.Struct, rename="camel"):
    """An array."""

    values: list[OtlpAnyValue | None] | None = None


class OtlpKeyValue(msgspec.Struct, rename="camel"):
    """An attribute."""

    key: str = ""
    value: OtlpAnyValue | None = None


class OtlpKeyValues(msgspec.Struct, rename="camel"):
    """An object."""

    values: list[OtlpKeyValue] | None = None


class OtlpEvent(msgspec.Struct, rename="camel"):
    """Something that happened at one moment of a span."""

    name: str | None = None
    time_unix_nano: int | str | None = None
    attributes: list[OtlpKeyValue] | None = None


class OtlpLink(msgspec.Struct, rename="camel"):
    """A span that another one has to do with."""

    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[OtlpKeyValue] | None = None


class OtlpStatus(msgspec.Struct, rename="camel"):
    """How a span ended."""

    code: int | str | None = None
    message: str | None = None


class OtlpSpan(msgspec.Struct, rename="camel"):
    """A span; ids are hexadecimal, times are nanoseconds."""

    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    trace_state: str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: list[OtlpKeyValue] | None = None
    events: list[OtlpEvent] | None = None
    links: list[OtlpLink] | None = None
    status: OtlpStatus | None = None


class OtlpScope(msgspec.Struct, rename="camel"):
    """The library that made spans."""

    name: str | None = None
    version: str | None = None
    attributes: list[OtlpKeyValue] | None = None


class OtlpScopeSpans(msgspec.Struct, rename="camel"):
    """Spans of one library."""

    scope: OtlpScope | None = None
    spans: list[OtlpSpan] | None = None


class OtlpResource(msgspec.Struct, rename="camel"):
    """What the spans come from."""

    attributes: list[OtlpKeyValue] | None = None


class OtlpResourceSpans(msgspec.Struct, rename="camel"):
    """Spans of one resource."""

    resource: OtlpResource | None = None
    scope_spans: list[OtlpScopeSpans] | None = None


class ExportTraceServiceRequest(msgspec.Struct, rename="camel"):
    """Spans, as exporters send them."""

    resource_spans: list[OtlpResourceSpans] | msgspec.UnsetType | None = msgspec.UNSET


def spans_of_json(body: bytes) -> Sequence[Span]:
    """Return the spans of an ExportTraceServiceRequest; 400 where it is none."""
    request = decode(body, ExportTraceServiceRequest)
    if request.resource_spans is msgspec.UNSET and (keys := decode(body, dict[str, object])):
        # Unknown keys are ignored, but whoever sends nothing else has sent no spans, and should know.
        raise HttpError(400, f"there are no `resourceSpans`, only `{next(iter(keys))[:80]}`")
    try:
        return list(_spans(request))
    except RecursionError:
        raise HttpError(400, "the body is nested too deep") from None


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for of_resource in request.resource_spans or ():
        resource = _attributes(of_resource.resource.attributes) if of_resource.resource else {}
        for of_scope in of_resource.scope_spans or ():
            library = of_scope.scope or OtlpScope()
            scope = Scope(library.name or "", library.version or "", _attributes(library.attributes))
            for span in of_scope.spans or ():
                yield _span(span, resource, scope)


def _span(span: OtlpSpan, resource: Attributes, scope: Scope) -> Span:
    status = span.status or OtlpStatus()
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


def _attributes(pairs: Iterable[OtlpKeyValue] | None) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs or ()}


def _value(value: OtlpAnyValue | None) -> JsonValue:
    match value:
        case OtlpAnyValue(string_value=str() as text):
            return text
        case OtlpAnyValue(bool_value=bool() as truth):
            return truth
        case OtlpAnyValue(int_value=int() | str() as number):
            return _whole(number)
        case OtlpAnyValue(double_value=float() | str() as number):
            return plain(_number(number))
        case OtlpAnyValue(array_value=OtlpArrayValue(values)):
            return [_value(item) for item in values or ()]
        case OtlpAnyValue(kvlist_value=OtlpKeyValues(pairs)):
            return _attributes(pairs)
        case OtlpAnyValue(bytes_value=str() as base64):
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
