"""What a process counts of its Flight SQL calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from btql_server.operating.buckets import SECONDS

if TYPE_CHECKING:
    from btql_server.flight.callers import FlightCall
    from btql_server.operating.metrics import Metrics


class FlightMetrics:
    """Counts calls that are over."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        registry = metrics.registry
        names = ("method", "command")
        self._calls = Counter(
            "btql_flight_calls", "Calls of Flight, by their status.", (*names, "status"), registry=registry
        )
        self._seconds = Histogram(
            "btql_flight_call_seconds",
            "From a call's headers to the end of its answer.",
            names,
            buckets=SECONDS,
            registry=registry,
        )
        self._rows = Counter("btql_flight_sent_rows", "Rows that were sent.", names, registry=registry)
        self._bytes = Counter("btql_flight_sent_bytes", "Arrow data that was sent.", names, registry=registry)

    def watch(self, call: FlightCall, seconds: float) -> None:
        """Count a call that is over."""
        names = (call.method, call.command)
        self._calls.labels(*names, call.status).inc()
        self._seconds.labels(*names).observe(seconds)
        self._rows.labels(*names).inc(call.rows)
        self._bytes.labels(*names).inc(call.bytes)
        if call.asker.stored_events:
            self._metrics.watch_stored("flight", call.method, call.asker.stored_events, call.asker.stored_bytes)
