"""OTLP in JSON to spans.

The JSON of protobuf with two exceptions: ids are hexadecimal, and enumerations are numbers (names are taken, too).
Whole numbers of 64 bits may be texts. Unknown keys are left out and told, null is as if the key were missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple, TypeVar

import msgspec

from btql_server.http.errors import HttpError
from btql_server.otlp.json_by_hand import name_of, take_apart
from btql_server.otlp.json_keys import Unknown, decode_known
from btql_server.otlp.json_messages import (
    ExportTraceServiceRequest,
    OtlpAnyValue,
    OtlpArrayValue,
    OtlpEvent,
    OtlpKeyValue,
    OtlpKeyValues,
    OtlpLink,
    OtlpResource,
    OtlpScope,
    OtlpScopeSpans,
    OtlpSpan,
    OtlpStatus,
    RawRequest,
    RawScopeSpans,
    Whole,
)
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
    fault_of,
    named,
    not_shared,
    plain,
    too_large,
    unreadable,
)
from btql_storage.json_text import JsonValue
from btql_storage.limits import DEFAULT, Limits, check_events

T = TypeVar("T", bound=msgspec.Struct)
_INTEGERS = (-(1 << 63), (1 << 63) - 1)
_TIMES = (0, (1 << 64) - 1)
_COUNTS = (0, (1 << 32) - 1)
_DIGITS_MAX = 20


class Decoded(NamedTuple):
    """What a request has."""

    spans: Iterable[Span]
    unknown: Unknown | None = None

    @property
    def left_out(self) -> str:
        """What of it was left out, in words; known when all spans have been looked at."""
        return "" if self.unknown is None else self.unknown.message


def spans_of_json(body: bytes, limits: Limits = DEFAULT) -> Decoded:
    """Return the spans of an ExportTraceServiceRequest; 400 where it is none, TooManyEvents where it has too many."""
    unknown = Unknown()
    if len(body) > WHOLE_BYTES_MAX:
        with suppress(HttpError):
            raw = decode_known(body, RawRequest, unknown)
            count = _count_of(raw)
            check_events(count, limits)
            if count:
                return Decoded(_decoded_spans(raw, unknown, limits), unknown)
        unknown = Unknown()
    try:
        request = decode_known(body, ExportTraceServiceRequest, unknown)
    except HttpError as error:
        unknown = Unknown()
        found = _one_by_one(body, error, unknown, limits)
    else:
        check_events(_count_of(request), limits)
        found = [
            span
            for of_resource in request.resource_spans or ()
            for resource in (_shared(of_resource.resource or OtlpResource()),)
            for of_scope in of_resource.scope_spans or ()
            for span in _spans(of_scope, resource)
        ]
    if unknown.instead is not None and not found:
        # They are ignored, but whoever sends no spans should know.
        raise HttpError(400, unknown.instead)
    return Decoded(found, unknown)


def _count_of(request: ExportTraceServiceRequest | RawRequest) -> int:
    return sum(
        len(of_scope.spans or ())
        for of_resource in request.resource_spans or ()
        for of_scope in of_resource.scope_spans or ()
    )


def _one_by_one(body: bytes, error: HttpError, unknown: Unknown, limits: Limits) -> Sequence[Span]:
    """Return the spans of a request that cannot be decoded as a whole, or raise why, where that is no single span."""
    try:
        request = _with_raw_spans(body, unknown)
    except ValueError:
        raise error from None
    check_events(_count_of(request), limits)
    found = list(_decoded_spans(request, unknown, limits))
    if not any(span.fault for span in found):
        raise error
    return found


def _decoded_spans(request: RawRequest, unknown: Unknown, limits: Limits) -> Iterator[Span]:
    for of_resource in request.resource_spans or ():
        resource = _decoded_resource(of_resource.resource, unknown)
        for of_scope in of_resource.scope_spans or ():
            yield from _decoded(of_scope, resource, unknown, limits)


def _with_raw_spans(body: bytes, unknown: Unknown) -> RawRequest:
    try:
        return decode_known(body, RawRequest, unknown)
    except HttpError:
        return take_apart(body)


def _decoded_resource(text: msgspec.Raw, unknown: Unknown) -> Shared:
    try:
        return _shared(_decoded_part(text, OtlpResource, unknown))
    except HttpError as error:
        return not_shared(error.message)


def _decoded(of_scope: RawScopeSpans, resource: Shared, unknown: Unknown, limits: Limits) -> Iterator[Span]:
    try:
        library = _decoded_part(of_scope.scope, OtlpScope, unknown)
    except HttpError as error:
        resource, library = not_shared(error.message), None
    scope, fault = _scope(library, resource)
    for text in map(bytes, of_scope.spans or ()):
        try:
            span = None if too_large(text, limits) else decode_known(text, OtlpSpan, unknown)
        except HttpError as error:
            yield unreadable(name_of(text), error.message.replace("the body is", "it is"))
        else:
            yield unreadable("", too_large(text, limits)) if span is None else _read(span, resource, scope, fault)


def _decoded_part(text: msgspec.Raw, shape: type[T], unknown: Unknown) -> T:
    return shape() if bytes(text) == b"null" else decode_known(bytes(text), shape, unknown)


def _shared(message: OtlpResource | OtlpScope) -> Shared:
    try:
        return Shared(_attributes(message.attributes), _count(message.dropped_attributes_count))
    except (RecursionError, ValueError) as error:
        return not_shared(fault_of(error))


def _scope(library: OtlpScope | None, resource: Shared) -> tuple[Scope, str]:
    """Return a library, and why its spans cannot be read, if so."""
    library = library or OtlpScope()
    shared = _shared(library)
    scope = Scope(library.name or "", library.version or "", shared.attributes, shared.dropped)
    return scope, resource.fault or shared.fault


def _spans(of_scope: OtlpScopeSpans, resource: Shared) -> Iterator[Span]:
    scope, fault = _scope(of_scope.scope, resource)
    return (_read(span, resource, scope, fault) for span in of_scope.spans or ())


def _read(span: OtlpSpan, resource: Shared, scope: Scope, fault: str) -> Span:
    """Return a span; one that cannot be converted says so."""
    try:
        return unreadable(span.name or "", fault) if fault else _span(span, resource, scope)
    except (RecursionError, ValueError) as error:
        return unreadable(span.name or "", fault_of(error))


def _span(span: OtlpSpan, resource: Shared, scope: Scope) -> Span:
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
        events=[_event(one) for one in span.events or ()],
        links=[_link(one) for one in span.links or ()],
        status=_named(STATUSES, status.code, "STATUS_CODE_"),
        status_message=status.message or "",
        trace_state=span.trace_state or "",
        resource=resource,
        scope=scope,
        dropped=Dropped(
            _count(span.dropped_attributes_count), _count(span.dropped_events_count), _count(span.dropped_links_count)
        ),
    )


def _event(event: OtlpEvent) -> SpanEvent:
    time_ns = _whole(event.time_unix_nano, _TIMES)
    return SpanEvent(event.name or "", time_ns, _attributes(event.attributes), _count(event.dropped_attributes_count))


def _link(link: OtlpLink) -> Link:
    ids = _id(link.trace_id), _id(link.span_id)
    return Link(*ids, _attributes(link.attributes), link.trace_state or "", _count(link.dropped_attributes_count))


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
        case OtlpAnyValue(int_value=int() | float() | str() as number):
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


def _count(number: Whole | None) -> int:
    return _whole(number, _COUNTS)


def _whole(number: Whole | None, bounds: tuple[int, int]) -> int:
    """Return a whole number of as many bits as it has in protobuf."""
    try:
        found = int(number or 0) if not isinstance(number, float) else _integral(number)
    except ValueError:
        found = _integral(str(number))
    if not bounds[0] <= found <= bounds[1]:
        raise ValueError(f"`{str(number)[:40]}` is not a whole number from {bounds[0]} to {bounds[1]}")
    return found


def _integral(number: float | str) -> int:
    """Return a whole number that is written as a fraction, or with an exponent."""
    with suppress(ArithmeticError, ValueError):
        exact = Decimal(number)
        # One with more digits than any bounds is not written out, which may take all memory.
        if exact.is_finite() and exact.adjusted() < _DIGITS_MAX and exact == exact.to_integral_value():
            return int(exact)
    raise ValueError(f"`{str(number)[:40]}` is not a whole number of 64 bits")


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
