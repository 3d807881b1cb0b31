"""How many rows to hold at once, when rows may have any size.

Rows are fetched a window at a time. What a window's documents weigh is known
only once they are read, so each window's length follows from the one before.
"""

from __future__ import annotations

from collections.abc import Iterable

from btql_storage.row import Row

_ROWS_FIRST = 64
_ROWS_MAX = 2_048
_BYTES_AIM = 8 << 20


class Window:
    """The length of the next window."""

    def __init__(self) -> None:
        self.rows = _ROWS_FIRST

    def learn(self, rows: Iterable[Row]) -> None:
        """Take note of what the last window held."""
        size = sum(len(text) for row in rows for text in row.fields.values())
        if size > _BYTES_AIM:
            self.rows = max(1, self.rows * _BYTES_AIM // size)
        elif size < _BYTES_AIM // 2:
            self.rows = min(_ROWS_MAX, self.rows * 2)
