"""One statement while it runs: who asks, what stops it, and what is noted of it for the log and the metrics."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from btql.execution.stop import Stop
    from btql_server.access.asker import Asker
    from btql_server.operating.pg_metrics import PgMetrics
    from btql_server.operating.tracing import Tracing

log = logging.getLogger("btql.pg")
VERBS = frozenset(
    [
        "SELECT",
        "WITH",
        "VALUES",
        "EXPLAIN",
        "BTQL",
        "INSERT",
        "UPDATE",
        "DELETE",
        "COPY",
        "SHOW",
        "FETCH",
        "DECLARE",
        "DESCRIBE",
        "BEGIN",
        "START",
        "COMMIT",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT",
        "RELEASE",
        "SET",
        "RESET",
        "DISCARD",
        "DEALLOCATE",
        "CLOSE",
        "MOVE",
    ]
)
"""First words that are counted each for itself; what clients make up is not worth a series."""


@dataclass(slots=True)
class Work:
    """One statement."""

    verb: str
    asker: Asker
    stop: Stop
    began: float = field(default_factory=time.perf_counter)
    rows: int = 0
    sqlstate: str = "00000"
    error: str | None = None

    def done(self, metrics: PgMetrics, session: int, tracing: Tracing | None = None) -> None:
        """Count and log it, and make a span of it where the server's own traces are wanted."""
        seconds = time.perf_counter() - self.began
        verb = self.verb if self.verb in VERBS else "OTHER"
        metrics.statement(verb, self.sqlstate, seconds, self.rows)
        if tracing is not None:
            failed = self.sqlstate if self.error is not None else None
            tracing.statement(verb, self.asker.trace_id, seconds, self.rows, failed)
        log.info(
            "%s %s",
            verb,
            self.sqlstate,
            extra={
                "trace_id": self.asker.trace_id,
                "session": session,
                "sqlstate": self.sqlstate,
                "ms": round(seconds * 1_000, 1),
                "rows": self.rows,
                "error": self.error,
            },
        )


async def count_request(asker: Asker) -> None:
    """Count a statement as a request of its key; raise where there were too many."""
    state = asker.state
    limit = state.settings.limits.requests_per_minute
    if limit is not None:
        counted = asker.principal.key_id or asker.principal.id
        take = state.rates.take
        if state.rates.is_remote:
            await asyncio.to_thread(take, "requests", counted, limit)
        else:
            take("requests", counted, limit)
