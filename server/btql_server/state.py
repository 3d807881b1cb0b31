"""What the handlers of one process share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from btql.database import Database
from btql_server.access.keys import Keys
from btql_server.http.pools import Pools
from btql_server.registry.store import Registry
from btql_server.settings import Settings
from btql_storage.store import Storage


@dataclass(slots=True)
class State:
    """An open database, its registry, and the threads that work on them."""

    settings: Settings
    database: Database
    registry: Registry
    keys: Keys
    pools: Pools
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set once the server is asked to stop: no new work is taken, streams end."""

    @property
    def storage(self) -> Storage:
        """The storage under the database."""
        return self.database.storage

    @classmethod
    def open(cls, settings: Settings) -> State:
        """Open the database of a server, made where there is none."""
        storage = Storage.open(settings.data, create=True)
        registry = Registry(settings.data)
        registry.default_organization()
        return cls(settings, Database(storage), registry, Keys(registry), Pools())

    def close(self) -> None:
        """Let go of everything, once the last request was answered."""
        self.stopping.set()
        self.pools.close()
        self.registry.close()
        self.storage.close()
