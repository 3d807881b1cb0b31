"""``/metrics``: what the server does and has, in the text format of Prometheus.

Each process of ``btql serve`` counts for itself, in files of a folder that all share (``shared_counts``); whichever
worker is asked adds up what all have counted. Without that folder, the one process there is counts in memory.
What storage has is looked at when somebody asks.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector

from btql_server.access.model import Level
from btql_server.http.answer import Answer
from btql_server.http.call import Call
from btql_server.http.pools import PoolName, PoolState
from btql_server.http.routes import Routes
from btql_server.operating.buckets import SECONDS
from btql_server.operating.pg_metrics import PgMetrics
from btql_server.operating.shared_counts import FOLDER
from btql_server.operating.storage_metrics import StorageCollector
from btql_server.operating.usage_metrics import UsageMetrics
from btql_storage.store import Storage

if TYPE_CHECKING:
    from btql_server.http.seen import Seen

routes = Routes("Operations")

M = TypeVar("M", bound=MetricWrapperBase)
_NO_ROUTE = "none"
_NO_STATUS = "gone"
"""The client went away before there was an answer."""
_PUBLISH_AFTER_S = 1.0


class Metrics:
    """What one process counts."""

    def __init__(self, storage: Storage) -> None:
        self._publishing = False
        """Whether what storage and queries did is counted soon."""
        self._known: dict[tuple[object, ...], Any] = {}
        """Series, by their metric and labels: as many as there are routes and statuses."""
        self._storage = StorageCollector(storage)
        # When a series began is of no use to anybody here, and would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it without types
        self._registry = CollectorRegistry()
        route = ("method", "route")
        self._requests = Counter(
            "btql_http_requests", "Requests, by their answers.", (*route, "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "btql_http_request_seconds",
            "From a request's head to the end of its answer.",
            route,
            buckets=SECONDS,
            registry=self._registry,
        )
        self._received = Counter(
            "btql_http_received_bytes", "Bodies of requests, as they were sent.", route, registry=self._registry
        )
        self._sent = Counter(
            "btql_http_sent_bytes", "Bodies of answers, as they were sent.", route, registry=self._registry
        )
        self._broken = Counter(
            "btql_http_broken_answers", "Answers that ended before they were complete.", route, registry=self._registry
        )
        self._events = Counter("btql_ingested_events", "Events that were stored.", route, registry=self._registry)
        self._bytes = Counter(
            "btql_ingested_bytes", "JSON of the events that were stored.", route, registry=self._registry
        )
        self._usage = UsageMetrics(storage, self._registry)
        self.pg = PgMetrics(self._registry)
        """Of the Postgres wire."""
        self._pools = Gauge(
            "btql_pool_requests",
            "Requests that have a thread, or wait for one, by class of work.",
            ("pool", "state"),
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def watch(self, seen: Seen) -> None:
        """Count a request that is over; called by the thread of the event loop."""
        if not self._publishing:
            self._publishing = True
            asyncio.get_running_loop().call_later(_PUBLISH_AFTER_S, self._publish)
        # A method can be any text: without a route it is not worth a series.
        names = ("any", _NO_ROUTE) if seen.route is None else (seen.route.method, seen.route.path)
        self._series(self._requests, *names, str(seen.status or _NO_STATUS)).inc()
        self._series(self._seconds, *names).observe(seen.seconds)
        self._series(self._received, *names).inc(seen.received_bytes)
        self._series(self._sent, *names).inc(seen.sent_bytes)
        if seen.broken:
            self._series(self._broken, *names).inc()
        if seen.call is not None and seen.call.stored_events:
            self.watch_stored(*names, seen.call.stored_events, seen.call.stored_bytes)

    @property
    def registry(self) -> CollectorRegistry:
        """Where the other doors register what they count."""
        return self._registry

    def watch_stored(self, method: str, route: str, events: int, size_bytes: int) -> None:
        """Count events that were stored, by what they came through."""
        self._series(self._events, method, route).inc(events)
        self._series(self._bytes, method, route).inc(size_bytes)

    def watch_pool(self, pool: PoolName, state: PoolState, change: int) -> None:
        """Count requests of a class of work."""
        self._series(self._pools, pool, state).inc(change)

    def _series(self, metric: M, *labels: str) -> M:
        """Return a series; to ask the library for it each time takes longer than to count in it."""
        found = self._known.get((metric, *labels))
        if found is None:
            found = self._known[metric, *labels] = metric.labels(*labels)
        return cast("M", found)

    def _publish(self) -> None:
        self._publishing = False
        self._usage.publish()

    def text(self) -> bytes:
        """Return what all processes have counted, and what storage has.

        What storage and queries did in other processes is a second old at most.
        """
        self._usage.publish()
        whole = CollectorRegistry()
        if os.environ.get(FOLDER):
            MultiProcessCollector(whole)  # type: ignore[no-untyped-call]  # as above
        else:
            whole.register(self._registry)
        whole.register(self._storage)
        return generate_latest(whole)


@routes.get("/metrics", answer="text/plain", pool="small")
def metrics(call: Call) -> Answer:
    """Return metrics of the whole server in the text format of Prometheus."""
    call.require_organization(Level.READ)
    return Answer(call.state.metrics.text(), CONTENT_TYPE_PLAIN_0_0_4)
