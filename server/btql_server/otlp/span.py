"""A span as OpenTelemetry has it, decoded, whatever it was encoded in."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from btql_storage.json_text import JsonValue
from btql_storage.limits import Limits

Attributes: TypeAlias = dict[str, JsonValue]

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""Kinds of span, by their numbers."""
STATUSES = ("unset", "ok", "error")
"""Codes of a status, by their numbers."""
WHOLE_BYTES_MAX = 1 << 20
"""Larger bodies are decoded span by span, each when it becomes an event: decoded, small spans are 90 times as large."""
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")


class Dropped(NamedTuple):
    """How many of what a span had were left out before it was sent."""

    attributes: int = 0
    events: int = 0
    links: int = 0


_NOTHING = Dropped()


class Shared(NamedTuple):
    """The attributes of a resource or a scope, which all of its spans share."""

    attributes: Attributes
    dropped: int = 0
    """How many were left out before they were sent; here and wherever there are attributes."""
    fault: str = ""
    """Why they could not be read, and neither can any of the spans."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The library that made a span."""

    name: str = ""
    version: str = ""
    attributes: Attributes = field(default_factory=dict[str, JsonValue])
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    name: str
    time_ns: int
    attributes: Attributes
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A span of any trace that a span has to do with."""

    trace_id: str
    span_id: str
    attributes: Attributes
    trace_state: str = ""
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """One span. Ids are lower-case hexadecimal; what is missing is empty."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    events: Sequence[SpanEvent]
    links: Sequence[Link]
    status: str
    status_message: str
    trace_state: str
    resource: Shared
    scope: Scope
    dropped: Dropped = _NOTHING
    fault: str = ""
    """Why it could not be read; everything else is then empty, but for its name where that is known."""

    @property
    def problem(self) -> str | None:
        """Why it cannot be stored; None if it can."""
        if self.fault:
            return self.fault
        if _TRACE_ID.fullmatch(self.trace_id) is None:
            return f"the trace id `{self.trace_id[:40]}` is not 32 hexadecimal digits, or all of them are zero"
        if _SPAN_ID.fullmatch(self.span_id) is None:
            return f"the span id `{self.span_id[:40]}` is not 16 hexadecimal digits, or all of them are zero"
        if self.parent_span_id and _SPAN_ID.fullmatch(self.parent_span_id) is None:
            return (
                f"the parent span id `{self.parent_span_id[:40]}` is not 16 hexadecimal digits, or all of them are zero"
            )
        if not all(0 <= time < 1 << 64 for time in (self.start_ns, self.end_ns)):
            return "its times are not nanoseconds in 64 bits"
        return None


def unreadable(name: str, fault: str) -> Span:
    """Return what stands for a span that could not be read, so that the others of its request can be stored."""
    return Span("", "", "", name, KINDS[0], 0, 0, {}, (), (), STATUSES[0], "", "", Shared({}), Scope(), fault=fault)


def too_large(encoded: bytes | memoryview, limits: Limits) -> str:
    """Return why a span is not even decoded; empty where it may be."""
    if len(encoded) <= limits.document_bytes_max:
        return ""
    return f"it is larger than {limits.document_bytes_max:,} bytes, the limit `document_bytes_max`"


def fault_of(error: Exception) -> str:
    """Return why a span could not be read."""
    return "it is nested too deep" if isinstance(error, RecursionError) else str(error)


def not_shared(reason: str) -> Shared:
    """Return what stands for a resource or a scope that could not be read."""
    return Shared({}, fault=f"its resource or scope cannot be read: {reason}")


def named(names: Sequence[str], number: int) -> str:
    """Return the name of a number; a number that is not known is like none given."""
    return names[number] if 0 <= number < len(names) else names[0]


def plain(number: float) -> float | str:
    """Return a number as JSON can have it: what is not finite is a text, as SDKs write it."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
