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
from btql_storage.part.deltas import DELTA_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from btql_storage.part.deltas import Delta, DeltaFinder
    from btql_storage.row import Row

BLOCK_BYTES = 256 << 10
BLOCK_ROWS_MAX = 512
WHOLE_FACTOR = 8
"""A block has at most so many times its bytes of JSON, however little of that is not in documents before."""
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
    deltas: Sequence[Delta | None] = ()
    """What each row adds to an earlier one; none at all where no row does."""

    @classmethod
    def of(cls, rows: Sequence[Row], json_bytes: int | None = None, deltas: Sequence[Delta | None] = ()) -> Block:
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
        size = sum([row.json_bytes for row in rows]) if json_bytes is None else json_bytes
        return cls(rows, size, known, others, deltas if any(deltas) else ())


class BlockCutter:
    """Gathers rows until they are a block: about so many bytes of JSON, at most so many rows.

    A row that is larger has a block of its own, so that the size of a block tells the size of its rows. Where rows
    are deltas of others, a block has more of them.
    """

    def __init__(self, block_bytes: int = BLOCK_BYTES, deltas: DeltaFinder | None = None) -> None:
        self._block_bytes = block_bytes
        self._finder = deltas
        self._begin()

    def _begin(self) -> None:
        self._rows: list[Row] = []
        self._deltas: list[Delta | None] = []
        self._json_bytes = 0
        self._stored_bytes = 0

    def add(self, rows: Sequence[Row]) -> Iterator[Block]:
        """Take in the next rows; yield the blocks that are full."""
        for row in rows:
            size = stored = row.json_bytes
            delta = self._finder.find(row) if self._finder is not None else None
            if delta is not None:
                stored += len(delta.text) - len(row.fields[DELTA_FIELD])
            if stored >= self._block_bytes or self._json_bytes + size > WHOLE_FACTOR * self._block_bytes:
                yield from self.rest()
            self._rows.append(row)
            self._deltas.append(delta)
            self._json_bytes += size
            self._stored_bytes += stored
            if self._stored_bytes >= self._block_bytes or len(self._rows) == BLOCK_ROWS_MAX:
                yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """Yield what is left, where anything is."""
        if self._rows:
            block = Block.of(self._rows, self._json_bytes, self._deltas)
            self._begin()
            yield block
