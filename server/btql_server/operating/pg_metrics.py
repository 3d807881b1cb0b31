"""What the Postgres wire does, as metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from btql_server.operating.buckets import SECONDS


class PgMetrics:
    """Counts sessions and statements; used by the thread of the event loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sessions = Gauge(
            "btql_pg_sessions",
            "Connections of the Postgres wire that are open.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._refused = Counter(
            "btql_pg_refused_connections",
            "Connections that became no session, by why.",
            ("sqlstate",),
            registry=registry,
        )
        self._statements = Counter(
            "btql_pg_statements",
            "Statements, by their first word and the SQLSTATE of their answer.",
            ("verb", "sqlstate"),
            registry=registry,
        )
        self._seconds = Histogram(
            "btql_pg_statement_seconds",
            "From a statement to the end of its answer.",
            ("verb",),
            buckets=SECONDS,
            registry=registry,
        )
        self._received = Counter("btql_pg_received_bytes", "Messages of clients.", registry=registry)
        self._sent = Counter("btql_pg_sent_bytes", "Messages to clients.", registry=registry)
        self._rows = Counter("btql_pg_rows", "Rows that were sent to clients.", registry=registry)

    def opened(self) -> None:
        """Count a session that begins."""
        self._sessions.inc()

    def closed(self, received_bytes: int, sent_bytes: int) -> None:
        """Count a session that ended."""
        self._sessions.dec()
        self._received.inc(received_bytes)
        self._sent.inc(sent_bytes)

    def refused(self, sqlstate: str) -> None:
        """Count a connection that became no session."""
        self._refused.labels(sqlstate).inc()

    def statement(self, verb: str, sqlstate: str, seconds: float, rows: int) -> None:
        """Count a statement."""
        self._statements.labels(verb, sqlstate).inc()
        self._seconds.labels(verb).observe(seconds)
        self._rows.inc(rows)
