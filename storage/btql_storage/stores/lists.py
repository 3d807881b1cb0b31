"""Lists of a store that may be older than what is asked by name, by a bounded time."""

from __future__ import annotations

import time

from btql_storage.stores.interface import LISTS_LAG_S, Store
from btql_storage.stores.local import LocalStore


def lag(store: Store) -> bool:
    """Return whether lists may lag: those of a folder of this machine do not."""
    return not isinstance(store, LocalStore)


def wait_for_lists(store: Store) -> None:
    """Wait until lists have what was there when this was called, where they may lag."""
    if lag(store):
        time.sleep(LISTS_LAG_S)
