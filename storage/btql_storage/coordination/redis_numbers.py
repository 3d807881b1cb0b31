"""The numbers of a database whose writers share a Redis."""

from __future__ import annotations

from collections.abc import Callable

from btql_storage.coordination.redis_register import RedisRegister
from btql_storage.coordination.shared import LEASE_S, SharedNumbers
from btql_storage.format import WAL, wal_numbers
from btql_storage.stores.interface import Store


class RedisNumbers(SharedNumbers):
    """Numbers of a database whose writers share a Redis."""

    def __init__(
        self,
        url: str,
        database: str,
        store: Store,
        processed_upto: Callable[[], int],
        *,
        read_only: bool = False,
        lease_s: float = LEASE_S,
    ) -> None:
        """Connect when first asked. ``database`` is its id; ``processed_upto`` asks its catalog."""

        def last_known() -> int:
            return max([*wal_numbers(store.list(WAL)), processed_upto()])

        super().__init__(RedisRegister(url, database, last_known), store, lease_s=lease_s, read_only=read_only)
