"""Numbers of transactions and the keys made from them.

A number is ``0x0DE1 << 48 | unix seconds << 16 | counter``: unique, increasing,
and it tells when. :mod:`btql_storage.coordination.numbers` hands them out.
"""

from __future__ import annotations

PREFIX = 0x0DE1 << 48
ROWS_MAX = 1 << 16
"""Events of a transaction: the pagination key has 16 bits for the row number."""


def pagination_key(xact_id: int, row_number: int) -> str:
    """Return the key of a row whose first event is this one.

    >>> pagination_key(0x0DE1 << 48 | 1 << 16, 2)
    'p00000000004294967298'
    """
    return f"p{(xact_id & 0xFFFF_FFFF_FFFF) << 16 | row_number:020d}"


def seconds_of(xact_id: int) -> int:
    """Return when a transaction was, in Unix seconds.

    >>> seconds_of(0x0DE1 << 48 | 1_700_000_000 << 16 | 7)
    1700000000
    """
    return xact_id >> 16 & 0xFFFF_FFFF
