"""OTLP in JSON to spans.

The JSON of protobuf with two exceptions: ids are hexadecimal, and enumerations are numbers (names are taken, too).
Whole numbers of 64 bits may be texts. Unknown keys are ignored, null is as if the key were missing.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from btql_server.http.body import decode
from btql_server.http.errors import HttpError
from btql_server.otlp.json_by_hand import member, take_apart
from btql_server.otlp.json_messages import (
    ExportTraceServiceRequest,
    OtlpAnyValue,
    OtlpArrayValue,
    OtlpKeyValue,
    OtlpKeyValues,
    OtlpResource,
    OtlpScope,
    OtlpSpan,
    OtlpStatus,
    RawRequest,
)
from btql_server.otlp.span import (
    KINDS,
    STATUSES,
    Attributes,
    Link,
    Scope,
    Shared,
    Span,
    SpanEvent,
    fault_of,
    named,
    not_shared,
    plain,
    unreadable,
)
from btql_storage.json_text import JsonValue

T = TypeVar("T")
_INTEGERS = (-(1 << 63), (1 << 63) - 1)
_TIMES = (0, (1 << 64) - 1)
_BESIDE = ("resource", "schemaUrl")
"""Keys of a resource that hold no spans."""


def spans_of_json(body: bytes) -> Sequence[Span]:
    """Return the spans of an ExportTraceServiceRequest; 400 where it is none."""
    try:
        request = decode(body, ExportTraceServiceRequest)
    except HttpError as error:
        return _one_by_one(body, error)
    if request.resource_spans is msgspec.UNSET:
        _refuse_other_keys(decode(body, dict[str, object]), "resourceSpans")
    found = [
        span
        for of_resource in request.resource_spans or ()
        for resource in (_shared(of_resource.resource.attributes if of_resource.resource else None),)
        for of_scope in of_resource.scope_spans or ()
        for span in _spans(of_scope.spans or (), resource, of_scope.scope)
    ]
    if request.resource_spans and not found:
        for keys in decode(body, _Resources).resource_spans:
            _refuse_other_keys(keys, "scopeSpans", beside=_BESIDE)
    return found


class _Resources(msgspec.Struct, rename="camel"):
    """The keys that each resource has."""

    resource_spans: list[dict[str, object]]


def _refuse_other_keys(keys: Mapping[str, object], wanted: str, beside: Container[str] = ()) -> None:
    """Raise where there are unknown keys alone: they are ignored, but whoever sends no spans should know."""
    others = [key for key in keys if key not in beside]
    if wanted not in keys and others:
        raise HttpError(400, f"there are no `{wanted}`, only `{others[0][:80]}`")


def _one_by_one(body: bytes, error: HttpError) -> Sequence[Span]:
    """Return the spans of a request that cannot be decoded as a whole, or raise why, where that is no single span."""
    try:
        request = _with_raw_spans(body)
    except ValueError:
        raise error from None
    found = [
        span
        for of_resource in request.resource_spans or ()
        for resource in (_decoded_resource(of_resource.resource),)
        for of_scope in of_resource.scope_spans or ()
        for span in _decoded(of_scope.spans or (), resource, of_scope.scope)
    ]
    if not any(span.fault for span in found):
        raise error
    return found


def _with_raw_spans(body: bytes) -> RawRequest:
    try:
        return decode(body, RawRequest)
    except HttpError:
        return take_apart(body)


def _decoded_resource(text: msgspec.Raw) -> Shared:
    try:
        return _shared(_decoded_part(text, OtlpResource).attributes)
    except HttpError as error:
        return not_shared(error.message)


def _decoded(texts: Iterable[msgspec.Raw], resource: Shared, scope: msgspec.Raw) -> Iterator[Span]:
    good: list[OtlpSpan] = []
    for text in map(bytes, texts):
        try:
            good.append(decode(text, OtlpSpan))
        except HttpError as error:
            yield unreadable(_name_of(text), error.message.replace("the body is", "it is"))
    try:
        library = _decoded_part(scope, OtlpScope)
    except HttpError as error:
        resource, library = not_shared(error.message), None
    yield from _spans(good, resource, library)


def _decoded_part(text: msgspec.Raw, shape: type[T]) -> T:
    return shape() if bytes(text) == b"null" else decode(bytes(text), shape)


def _name_of(text: bytes) -> str:
    """Return what a span is called, whatever else it is."""
    try:
        return decode(member(text, "name"), str)
    except (HttpError, ValueError):
        return ""


def _shared(pairs: Iterable[OtlpKeyValue] | None) -> Shared:
    try:
        return Shared(_attributes(pairs))
    except (RecursionError, ValueError) as error:
        return not_shared(fault_of(error))


def _spans(spans: Iterable[OtlpSpan], resource: Shared, library: OtlpScope | None) -> Iterator[Span]:
    """Yield the spans of one library; those that cannot be converted say so."""
    library = library or OtlpScope()
    of_scope = _shared(library.attributes)
    fault = resource.fault or of_scope.fault
    scope = Scope(library.name or "", library.version or "", of_scope.attributes)
    for span in spans:
        try:
            yield unreadable(span.name or "", fault) if fault else _span(span, resource.attributes, scope)
        except (RecursionError, ValueError) as error:
            yield unreadable(span.name or "", fault_of(error))


def _span(span: OtlpSpan, resource: Attributes, scope: Scope) -> Span:
    status = span.status or OtlpStatus()
    parent = _id(span.parent_span_id)
    return Span(
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        parent_span_id=parent.strip("0") and parent,
        name=span.name or "",
        kind=_named(KINDS, span.kind, "SPAN_KIND_"),
        start_ns=_whole(span.start_time_unix_nano, _TIMES),
        end_ns=_whole(span.end_time_unix_nano, _TIMES),
        attributes=_attributes(span.attributes),
        events=[
            SpanEvent(one.name or "", _whole(one.time_unix_nano, _TIMES), _attributes(one.attributes))
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
            return _whole(number, _INTEGERS)
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


def _whole(number: int | str | None, bounds: tuple[int, int]) -> int:
    """Return a whole number of the 64 bits that it has in protobuf."""
    try:
        found = int(number or 0)
    except ValueError:
        raise ValueError(f"`{str(number)[:40]}` is not a whole number") from None
    if not bounds[0] <= found <= bounds[1]:
        raise ValueError(f"`{str(number)[:40]}` is not a whole number from {bounds[0]} to {bounds[1]}")
    return found


def _number(number: float | str) -> float:
    try:
        return float(number)
    except ValueError:
        raise ValueError(f"`{str(number)[:40]}` is not a number") from None


def _named(names: Sequence[str], given: int | str | None, prefix: str) -> str:
    if not isinstance(given, str):
        return named(names, given or 0)
    name = given.removeprefix(prefix).lower()
    return name if name in names else names[0]
