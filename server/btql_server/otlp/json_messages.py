"""The messages of OTLP as they are in JSON, and those of them whose spans are not decoded yet.

They have every key that OTLP has, so that no other one goes unnoticed; those of any type become of no row.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

Whole: TypeAlias = int | float | str
"""A whole number, however it is written: protocol buffers take `1e3`, too, and a text of it."""
_NULL = msgspec.Raw(b"null")


class OtlpAnyValue(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A value of any kind: one of these, or none."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Whole | None = None
    double_value: float | str | None = None
    array_value: OtlpArrayValue | None = None
    kvlist_value: OtlpKeyValues | None = None
    bytes_value: str | None = None


class OtlpArrayValue(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """An array."""

    values: list[OtlpAnyValue | None] | None = None


class OtlpKeyValue(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """An attribute."""

    key: str = ""
    value: OtlpAnyValue | None = None


class OtlpKeyValues(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """An object."""

    values: list[OtlpKeyValue] | None = None


class OtlpEvent(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Something that happened at one moment of a span."""

    name: str | None = None
    time_unix_nano: Whole | None = None
    attributes: list[OtlpKeyValue] | None = None
    dropped_attributes_count: Whole | None = None


class OtlpLink(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A span that another one has to do with."""

    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[OtlpKeyValue] | None = None
    trace_state: str | None = None
    dropped_attributes_count: Whole | None = None
    flags: object = None


class OtlpStatus(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """How a span ended."""

    code: int | str | None = None
    message: str | None = None


class OtlpSpan(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A span; ids are hexadecimal, times are nanoseconds."""

    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    trace_state: str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: Whole | None = None
    end_time_unix_nano: Whole | None = None
    attributes: list[OtlpKeyValue] | None = None
    events: list[OtlpEvent] | None = None
    links: list[OtlpLink] | None = None
    status: OtlpStatus | None = None
    dropped_attributes_count: Whole | None = None
    dropped_events_count: Whole | None = None
    dropped_links_count: Whole | None = None
    flags: object = None


class OtlpScope(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The library that made spans."""

    name: str | None = None
    version: str | None = None
    attributes: list[OtlpKeyValue] | None = None
    dropped_attributes_count: Whole | None = None


class OtlpScopeSpans(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Spans of one library."""

    scope: OtlpScope | None = None
    spans: list[OtlpSpan] | None = None
    schema_url: object = None


class OtlpResource(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What the spans come from."""

    attributes: list[OtlpKeyValue] | None = None
    dropped_attributes_count: Whole | None = None
    entity_refs: object = None


class OtlpResourceSpans(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Spans of one resource."""

    resource: OtlpResource | None = None
    scope_spans: list[OtlpScopeSpans] | None = None
    schema_url: object = None


class ExportTraceServiceRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Spans, as exporters send them."""

    resource_spans: list[OtlpResourceSpans] | msgspec.UnsetType | None = msgspec.UNSET


class RawScopeSpans(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Spans of one library that are still JSON."""

    scope: msgspec.Raw = _NULL
    spans: list[msgspec.Raw] | None = None
    schema_url: msgspec.Raw = _NULL


class RawResourceSpans(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Spans of one resource that are still JSON."""

    resource: msgspec.Raw = _NULL
    scope_spans: list[RawScopeSpans] | None = None
    schema_url: msgspec.Raw = _NULL


class RawRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A request whose spans are still JSON."""

    resource_spans: list[RawResourceSpans] | None = None
