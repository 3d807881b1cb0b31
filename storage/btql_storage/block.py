"""Some consecutive rows, turned into columns of JSON texts.

Everything that is made of rows is made field by field: columns, documents, the
text index. To go through a field of many rows at once takes a fraction of the
time of going through the fields of one row after the other, so rows are turned
once, a block at a time, and all work on that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql_storage.fields import KNOWN_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from btql_storage.row import Row

BLOCK_BYTES = 256 << 10
BLOCK_ROWS_MAX = 512
_KNOWN = frozenset(KNOWN_FIELDS)


@dataclass(frozen=True, slots=True)
class Block:
    """Rows, and their fields as columns."""

    rows: Sequence[Row]
    json_bytes: int
    known: Mapping[str, list[bytes | None]]
    """The known fields that any row has, with a text or None for each row."""
    others: Mapping[str, tuple[list[int], list[bytes]]]
    """All other fields, with the places of the rows that have one and their texts."""

    @classmethod
    def of(cls, rows: Sequence[Row], json_bytes: int | None = None) -> Block:
        """Turn some rows; who knows how much JSON they have says so."""
        names = set[str]().union(*[row.fields for row in rows])
        known = {name: [row.fields.get(name) for row in rows] for name in KNOWN_FIELDS if name in names}
        others: dict[str, tuple[list[int], list[bytes]]] = {}
        if not names <= _KNOWN:
            for place, row in enumerate(rows):
                for name, text in row.fields.items():
                    if name not in _KNOWN:
                        places, texts = others.setdefault(name, ([], []))
                        places.append(place)
                        texts.append(text)
        return cls(rows, sum(map(_json_bytes, rows)) if json_bytes is None else json_bytes, known, others)


class BlockCutter:
    """Gathers rows until they are a block: about so many bytes of JSON, at most so many rows.

    A row that is larger has a block of its own, so that the size of a block tells the size of its rows.
    """

    def __init__(self, block_bytes: int = BLOCK_BYTES) -> None:
        self._block_bytes = block_bytes
        self._rows: list[Row] = []
        self._json_bytes = 0

    def add(self, rows: Sequence[Row]) -> Iterator[Block]:
        """Take in the next rows; yield the blocks that are full."""
        for row in rows:
            size = _json_bytes(row)
            if size >= self._block_bytes:
                yield from self.rest()
            self._rows.append(row)
            self._json_bytes += size
            if self._json_bytes >= self._block_bytes or len(self._rows) == BLOCK_ROWS_MAX:
                yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """Yield what is left, where anything is."""
        if self._rows:
            rows, json_bytes = self._rows, self._json_bytes
            self._rows, self._json_bytes = [], 0
            yield Block.of(rows, json_bytes)


def cut(rows: Sequence[Row]) -> Iterator[Block]:
    """Yield rows as blocks."""
    cutter = BlockCutter()
    yield from cutter.add(rows)
    yield from cutter.rest()


def _json_bytes(row: Row) -> int:
    return sum(map(len, row.fields.values()))
