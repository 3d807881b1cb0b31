"""What the handlers of one process share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from btql.database import Database
from btql_server.access.audit_log import AuditLog
from btql_server.access.keys import Keys
from btql_server.access.model import AUDIT_LOG
from btql_server.http.held import Bodies
from btql_server.http.pools import Pools
from btql_server.http.rates import Rates
from btql_server.http.upload import INCOMING
from btql_server.operating.metrics import Metrics
from btql_server.operating.tracing import Tracing, tracing_of
from btql_server.reading.jobs import Jobs
from btql_server.registry.opening import open_registry
from btql_server.registry.store import Registry
from btql_server.settings import Settings
from btql_server.writing.files import Files, Uploads
from btql_server.writing.signing import Signer, secret_at, secret_in
from btql_server.writing.stored_files import StoredFiles
from btql_storage.folder import Settings as StorageSettings
from btql_storage.machine import machine_memory, shared
from btql_storage.part.layout import layout_of
from btql_storage.store import Storage

if TYPE_CHECKING:
    from btql_server.http.call import Call

P = ParamSpec("P")
T = TypeVar("T")
_BODIES_SHARE = 8
"""Bodies of requests may have one part in so many of the memory."""
_LARGEST_AT_ONCE = 2
"""The largest body, as it is sent and decompressed, must find room in any case."""


@dataclass(slots=True)
class State:
    """An open database, its registry, and the threads that work on them."""

    settings: Settings
    database: Database
    registry: Registry
    keys: Keys
    audit: AuditLog
    pools: Pools
    bodies: Bodies
    metrics: Metrics
    rates: Rates
    files: Uploads
    signer: Signer
    jobs: Jobs
    tracing: Tracing | None
    """Where the server's own traces are made, if the environment asks for them."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set once the server is asked to stop: no new work is taken, streams end."""
    running: set[Call] = field(default_factory=set["Call"])
    """The requests that are being answered; used by the thread of the event loop alone."""

    @property
    def storage(self) -> Storage:
        """The storage under the database."""
        return self.database.storage

    @classmethod
    def open(cls, settings: Settings) -> State:
        """Open the database of a server, made where there is none."""
        limits = shared(settings.limits, settings.workers)
        largest = _LARGEST_AT_ONCE * settings.limits.request_bytes_max
        location = settings.location
        bounds = StorageSettings(
            compact_to_read=not settings.maintained, limits=limits, layout=layout_of(location.layout)
        )
        if settings.maintained:
            most = settings.waiting_bytes_max
            bounds = replace(bounds, waiting_bytes_max=most, waiting_bytes_slow=most // 2)
        storage = Storage.open(location, create=True, settings=bounds)
        registry = open_registry(location)
        storage.create_object(AUDIT_LOG, registry.default_organization().id)
        metrics = Metrics(storage)
        return cls(
            settings,
            Database(storage),
            registry,
            Keys(registry),
            AuditLog(storage),
            Pools(metrics.watch_pool, limits.bulk_queries_max),
            Bodies(max(machine_memory() // settings.workers // _BODIES_SHARE, largest)),
            metrics,
            Rates(settings.redis or location.redis, settings.workers),
            Files(settings.data) if location.is_alone else StoredFiles(storage.store, settings.data / INCOMING),
            Signer(secret_in(settings.data) if location.is_alone else secret_at(storage.store)),
            Jobs(settings),
            tracing_of(os.environ),
        )

    async def look_up(self, find: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call what asks :attr:`keys`, from the event loop: on a thread where that is a round trip.

        A database that does not answer keeps only those waiting who ask it. With SQLite it takes some microseconds,
        and less than a thread would.
        """
        if self.keys.is_remote:
            return await self.pools["lookup"].run(find, *args, **kwargs)
        return find(*args, **kwargs)

    def close(self) -> None:
        """Let go of everything, once the last request was answered."""
        self.stopping.set()
        self.pools.close()
        self.jobs.close()
        if self.tracing is not None:
            self.tracing.close()
        self.audit.close()
        self.keys.close()
        self.registry.close()
        self.storage.close()
