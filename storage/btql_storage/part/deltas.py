"""Inputs as deltas: what a call of a model repeats of an earlier one is stored once.

The input of each call of a conversation is the conversation so far and a message or two. So in ``rows.arrow`` a row
may have, instead of its ``input``, what that adds to the ``input`` of an earlier row of its trace, its *base*, which
may be a delta itself. The text of a row is

- that of its base without the brackets at its end, and then the delta, ``,{"role":"user",...}]``: the array goes on,
  be it all of the input or the last that there is in ``{"model":...,"messages":[...]}``;
- that of its base, where the delta is empty: the same was said twice.

An array goes on only after a whole element, so a row has all texts of its base, and then its own: that is what lets
the text index, too, know where words stand once for all rows that repeat them (:mod:`btql_storage.text.query`).

Which row is whose base is in ``rows.arrow`` and, to be found without reading that, in ``keys.arrow``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import orjson

from btql_storage.later import np
from btql_storage.row_numbers import ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from btql_storage.arrow import Array
    from btql_storage.row import Row

Pieces: TypeAlias = tuple[bytes, ...]
"""A text: in one piece, or cut where a row goes on from another, and before the brackets at its end."""

DELTA_FIELD = "input"
"""The field that has deltas; the conversation is nowhere else."""
DELTA_BYTES_MIN = 4096
"""Of a shorter beginning, what compressing a block leaves is no more than what a delta takes."""
CHAIN_MAX = 64
"""A row is read with its base, and that with its own, so many rows at most."""
_CANDIDATES_MAX = 8
"""Conversations that go on side by side in one trace, as those of agents do that work for each other."""
_CANDIDATE_BYTES_MAX = 32 << 20


@dataclass(frozen=True, slots=True)
class Delta:
    """What a row adds to its base."""

    base: int
    """The number of the row."""
    text: bytes
    closing: bytes = b""
    """The brackets that the base does without for it."""

    def added(self) -> bytes:
        """Return a JSON array with the same elements: all that is new in the row."""
        objects = self.closing.count(b"}")
        arrays = len(self.closing) - objects
        return b"[" * arrays + self.text[1 : len(self.text) - objects] if self.text else b"[]"


@dataclass(frozen=True, slots=True)
class _Link:
    """A row of a chain. Whatever goes on from one goes on from all before it."""

    row: int
    opened_bytes: int
    """Of its text without the brackets at its end."""
    closing: bytes
    """These."""
    depth: int
    """How many rows its text is made of."""
    base: _Link | None

    def cheapest(self, text_bytes: int) -> _Link | None:
        """Return which of those before it a text goes on from where the chain is full; None where a new one begins.

        It is the one for which the fewest bytes are said again for each row that there is room for after it. So
        thousands of calls take a few times the room of their messages, and not that of all since some call each.
        """
        found, least = None, text_bytes / CHAIN_MAX
        link = self.base
        while link is not None:
            cost = (text_bytes - link.opened_bytes) / (CHAIN_MAX - link.depth)
            if cost < least:
                found, least = link, cost
            link = link.base
        return found


@dataclass(frozen=True, slots=True)
class _Candidate:
    link: _Link
    opened: bytes
    """The text without the brackets at its end, where an array is the last that there is."""

    @classmethod
    def of(cls, row: int, text: bytes, base: _Link | None) -> _Candidate:
        start, depth = opened(text), 1 if base is None else base.depth + 1
        return cls(_Link(row, len(start), text[len(start) :], depth, base), start)

    def delta(self, text: bytes) -> bytes | None:
        """Return what a text adds; None where it begins with something else."""
        if not text.startswith(self.opened):
            return None
        rest = text[len(self.opened) :]
        if rest == self.link.closing:
            return b""
        if not self.link.closing or not rest.startswith(b","):
            return None
        return rest if self.link.closing.endswith(b"]") or self._goes_on(rest) else None

    def _goes_on(self, rest: bytes) -> bool:
        """Whether there are but elements of the array before its end: a key after it might stand for an earlier one."""
        if not rest.endswith(self.link.closing):
            return False
        try:
            orjson.loads(b"[0%b]" % rest[: -len(self.link.closing)])
        except orjson.JSONDecodeError:
            return False
        return True


class DeltaFinder:
    """Finds the base of each row of a new part; rows come in order."""

    def __init__(self) -> None:
        self._next = 0
        self._trace: str | None = None
        self._candidates: list[_Candidate] = []
        """Texts of the trace, of which the last used is the last."""

    def find(self, row: Row) -> Delta | None:
        """Return the next row as a delta, where it is worth it."""
        number = self._next
        self._next += 1
        if row.root_span_id != self._trace:
            self._trace = row.root_span_id
            self._candidates.clear()
        text = row.fields.get(DELTA_FIELD)
        if text is None or not DELTA_BYTES_MIN <= len(text) <= _CANDIDATE_BYTES_MAX:
            return None
        base, rest = self._longest(text)
        if rest:
            self._add(_Candidate.of(number, text, base))
        return None if base is None else Delta(base.row, rest, base.closing if rest else b"")

    def _longest(self, text: bytes) -> tuple[_Link | None, bytes]:
        """Return what a text goes on from, which is then the last used, and what it adds."""
        found: _Candidate | None = None
        rest = text
        for candidate in self._candidates:
            delta = candidate.delta(text)
            if delta is not None and len(delta) < len(rest):
                found, rest = candidate, delta
        if found is None:
            return None, text
        self._candidates.remove(found)
        self._candidates.append(found)
        if found.link.depth < CHAIN_MAX:
            return found.link, rest
        link = found.link.cheapest(len(text))
        return link, text if link is None else text[link.opened_bytes :]

    def _add(self, candidate: _Candidate) -> None:
        self._candidates.append(candidate)
        while (
            len(self._candidates) > _CANDIDATES_MAX
            or sum(len(each.opened) for each in self._candidates) > _CANDIDATE_BYTES_MAX
        ):
            del self._candidates[0]


def opened(text: bytes) -> bytes:
    """Return what a delta goes on from: a text without the brackets at its end, if the innermost are an array's."""
    inside = text.rstrip(b"}")
    without = inside.rstrip(b"]")
    return text if len(without) == len(inside) else without


class DeltaBases:
    """The base of each row of a part that has one."""

    def __init__(self, rows: NDArray[np.uint32], bases: NDArray[np.uint32]) -> None:
        """``rows`` are in order, and each has a base that comes before it."""
        self.rows = rows
        self.bases = bases

    @classmethod
    def of(cls, bases: Sequence[int | None]) -> DeltaBases:
        """Return them as columns; None where a row has no base."""
        rows = [row for row, base in enumerate(bases) if base is not None]
        return cls(np.array(rows, np.uint32), np.array([bases[row] for row in rows], np.uint32))

    def __len__(self) -> int:
        """Return how many rows have a base."""
        return len(self.rows)

    def are_of(self, count: int) -> bool:
        """Whether they are in order, and may be of a part with so many rows."""
        if len(self.rows) != len(self.bases) or not (self.rows[1:] > self.rows[:-1]).all():
            return False
        return bool((self.bases < self.rows).all()) and bool((self.rows[-1:] < count).all())

    def are_told(self, rows: NDArray[np.int64], told: Array) -> bool:
        """Whether ``rows.arrow`` says the same of some rows."""
        if not len(self):
            return bool(told.null_count == len(told))
        return [-1 if base is None else base for base in told.to_pylist()] == [*map(self.base, rows.tolist())]

    def base(self, row: int) -> int:
        """Return the base of a row, -1 where it has none."""
        return self._base_of.item(row) if row < len(self._base_of) else -1

    def first(self, row: int) -> int:
        """Return the row that a chain begins with."""
        while (base := self.base(row)) >= 0:
            row = base
        return row

    def last_dependent(self, row: int) -> int:
        """Return the last row that has a row as its base, -1 where none has."""
        return self._last_of.item(row) if row < len(self._last_of) else -1

    def any_of(self, rows: NDArray[np.int64]) -> bool:
        """Whether any of the rows, which are in order, has a base."""
        first = int(np.searchsorted(self.rows, rows[0])) if len(rows) else len(self.rows)
        if first == len(self.rows) or self.rows.item(first) > rows.item(-1):
            return False
        return any(self.base(row) >= 0 for row in rows.tolist())

    def with_dependents(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return rows, which are in order, with all whose texts they are part of, in order, too."""
        if not (len(rows) and len(self)):
            return rows
        bases, dependents = self._by_base
        found = np.zeros(int(max(rows[-1], self.rows[-1])) + 1, np.bool_)
        found[rows] = True
        while len(rows):
            first = np.searchsorted(bases, rows)
            rows = dependents[ranges(first, np.searchsorted(bases, rows, "right") - first)].astype(np.int64)
            # From those that are found anyway, what goes on is found, too: each row is come by just once.
            rows = rows[~found[rows]]
            found[rows] = True
        return np.flatnonzero(found)

    @cached_property
    def _base_of(self) -> NDArray[np.int32]:
        return self._by_row(self.rows, self.bases)

    @cached_property
    def _last_of(self) -> NDArray[np.int32]:
        # Of the rows that have the same base the last one is assigned last.
        return self._by_row(self.bases, self.rows)

    def _by_row(self, rows: NDArray[np.uint32], values: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Return values by row number, so that one is found without looking for it."""
        found = np.full(int(rows.max()) + 1 if len(rows) else 0, -1, np.int32)
        found[rows] = values
        return found

    @cached_property
    def _by_base(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        order = np.argsort(self.bases, kind="stable")
        return self.bases[order], self.rows[order]
