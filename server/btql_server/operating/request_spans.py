"""One OpenTelemetry span for each request that was answered, and for each statement of the Postgres wire.

A span belongs to the trace of the caller's ``traceparent``. Without one it is the root of a trace, whose id is the
one in the answer's ``x-bt-internal-trace-id`` and in the server's log.
"""

from __future__ import annotations

import os
import threading
import time
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from btql_server.http.seen import Seen

_NAME = "btql"
_RECEIVER = "/v1/traces"
_OWN_FAULTS = ("53", "58", "XX")
"""Classes of SQLSTATE: too little of something, the disk, a bug."""
_CLOSING_S = 3.0
"""How long a receiver that does not answer may delay the end of the server."""


class _Ids(RandomIdGenerator):
    """Gives a root the id that the request has already; used by one thread."""

    trace_id: str

    def generate_trace_id(self) -> int:
        return int(self.trace_id, 16)


class RequestSpans:
    """Makes spans of requests and sends them in the background."""

    def __init__(self) -> None:
        self._ids = _Ids()
        name = os.environ.get("OTEL_SERVICE_NAME") or _NAME
        resource = Resource.create({"service.name": name, "service.version": version("btql")})
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("btql_server", version("btql"))
        self._context = TraceContextTextMapPropagator()

    def watch(self, seen: Seen) -> None:
        """Make a span of a request that is over."""
        route = None if seen.route is None else seen.route.path
        if route is not None and route.endswith(_RECEIVER):
            # Whoever sends its traces to itself would have more to send after each time, for ever.
            return
        self._ids.trace_id = seen.trace_id
        end_ns = time.time_ns()
        span = self._tracer.start_span(
            seen.method if route is None else f"{seen.method} {route}",
            context=self._context.extract(seen.headers, Context()),
            kind=SpanKind.SERVER,
            attributes=_attributes(seen, route),
            start_time=end_ns - round(seen.seconds * 1e9),
        )
        if seen.status >= 500 or seen.broken:
            span.set_status(Status(StatusCode.ERROR, seen.error))
        span.end(end_ns)

    def statement(self, name: str, trace_id: str, seconds: float, rows: int, error: str | None) -> None:
        """Make a span of a statement that is over; it is a root, as the protocol has no place for a caller's trace."""
        self._ids.trace_id = trace_id
        end_ns = time.time_ns()
        attributes: dict[str, AttributeValue] = {
            "db.system.name": "postgresql",
            "db.operation.name": name,
            "db.response.returned_rows": rows,
            "btql.trace_id": trace_id,
        }
        if error is not None:
            attributes |= {"db.response.status_code": error, "error.type": error}
        span = self._tracer.start_span(
            f"postgres {name}",
            context=Context(),
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=end_ns - round(seconds * 1e9),
        )
        # As over HTTP, what the client did wrong is no error of the server.
        if error is not None and error.startswith(_OWN_FAULTS):
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(end_ns)

    def close(self) -> None:
        """Send what was not sent yet; a receiver that does not answer is not waited for."""
        closing = threading.Thread(target=self._provider.shutdown, name="btql-tracing", daemon=True)
        closing.start()
        closing.join(_CLOSING_S)


def _attributes(seen: Seen, route: str | None) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue | None] = {
        "http.request.method": seen.method,
        "http.route": route,
        "url.path": seen.public_path,
        "http.response.status_code": seen.status or None,
        "http.request.body.size": seen.received_bytes,
        "http.response.body.size": seen.sent_bytes,
        "user_agent.original": seen.headers.get("user-agent"),
        "error.type": _error_type(seen),
        "btql.trace_id": seen.trace_id,
    }
    return {name: value for name, value in found.items() if value is not None}


def _error_type(seen: Seen) -> str | None:
    if seen.status >= 400:
        return str(seen.status)
    return "broken" if seen.broken or not seen.status else None
