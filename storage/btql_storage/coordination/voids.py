"""Void numbers: transactions that never happened, and never will.

A number is made void by a WAL file without events under its name. Names are put only where they are free
(guarantee 1 of :mod:`btql_storage.stores.interface`), so either the writer's file is there or the void is, and whoever
comes second knows it. A void is processed like any file and removed like any file.
"""

from __future__ import annotations

from btql_storage.format import WAL, wal_name
from btql_storage.stores.interface import AlreadyThere, Store


def make_void(store: Store, number: int) -> bool:
    """Keep a number from being used unless its file is there already; return whether it is void now.

    The answer is final, and may be asked for any number of times as long as the number is flying.
    """
    from btql_storage.wal.empty_request import nothing
    from btql_storage.wal.reader import WalFile
    from btql_storage.wal.writer import encode

    name = f"{WAL}/{wal_name(number)}"
    try:
        store.put(name, encode(nothing(), number))
    except AlreadyThere:
        return WalFile(store.file(name), number).rows == 0
    return True
