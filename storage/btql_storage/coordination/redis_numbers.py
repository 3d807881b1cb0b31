"""The numbers of a database whose writers share a Redis."""

from __future__ import annotations

from collections.abc import Callable

from btql_storage.addresses import shown
from btql_storage.coordination.redis_register import RedisRegister
from btql_storage.coordination.shared import LEASE_S, SharedNumbers
from btql_storage.errors import OtherDatabase
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

        self._label = f"Redis at `{shown(url)}`"
        super().__init__(RedisRegister(url, database, last_known), store, lease_s=lease_s, read_only=read_only)

    def check_known(self, newest: int) -> None:
        """Raise OtherDatabase where a file has a number that this Redis has not handed out.

        Then writers elsewhere have been given another Redis, and neither knows what is on its way to the other's.
        """
        if newest > self._register.flying(self._lease_ms).last:
            raise OtherDatabase(
                f"{self._label} has not handed out all numbers of this database: some writers use another Redis",
                "give all of them the same one",
            )
