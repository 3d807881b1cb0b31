"""The server's own traces: an OpenTelemetry span for each request, off unless the environment asks for them.

Statements of the Postgres wire are spans, too. They are sent where ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or
``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``) says, which may be a btql server, too; the other variables of OpenTelemetry's
SDK hold as well. Without any of the two nothing is sent, and nothing of OpenTelemetry's SDK is imported. Its packages
come with ``pip install btql[tracing]``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from btql_server.http.seen import Seen

log = logging.getLogger("btql.tracing")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ONLY_PROTOCOL = "http/protobuf"


class Tracing(Protocol):
    """Whoever is told of every request and statement, on the thread of the event loop."""

    def watch(self, seen: Seen) -> None:
        """Make a span of a request that is over."""
        ...

    def statement(self, name: str, trace_id: str, seconds: float, rows: int, error: str | None) -> None:
        """Make a span of a statement of the Postgres wire that is over; ``error`` is its SQLSTATE where it failed."""
        ...

    def close(self) -> None:
        """Send what was not sent yet."""
        ...


def tracing_of(environment: Mapping[str, str]) -> Tracing | None:
    """Return what an environment asks for; None, and a line in the log, where that cannot be."""
    if not _wanted(environment):
        return None
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _ONLY_PROTOCOL)
    if protocol != _ONLY_PROTOCOL:
        log.error("no traces are sent: the protocol is not %s", _ONLY_PROTOCOL, extra={"protocol": protocol})
        return None
    try:
        from btql_server.operating.request_spans import RequestSpans
    except ImportError as error:
        log.error("no traces are sent: run `pip install btql[tracing]`", extra={"error": str(error)})  # noqa: TRY400
        return None
    return RequestSpans()


def _wanted(environment: Mapping[str, str]) -> bool:
    return (
        any(environment.get(name) for name in _ENDPOINTS)
        and environment.get("OTEL_SDK_DISABLED", "").lower() != "true"
        and environment.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"
    )
