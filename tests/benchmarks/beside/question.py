"""A question without its words: what its answer looks like, and when the answers of two systems are the same.

Systems have values of different kinds for the same thing: a time is a number here and a text there, a document has its
keys in another order. So values are first brought into one form, by the kind of their column.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import orjson

from benchmarks.beside.system import Rows

Kind = Literal["text", "number", "time", "json"]
"""``json`` is a document as text: equal where it says the same, whatever the order of its keys."""

_CLOSE = 1e-6
"""How far apart, in relation to each other, two sums of floats may be."""

Plain = tuple[str | float | None, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every system."""

    name: str
    columns: dict[str, Kind]
    ordered_by: str = ""
    """The column that the rows are sorted by; rows that share a value of it may come in any order, and where the answer
    is cut in the middle of such rows, any of them are right."""
    about: str = ""
    """What it asks, in words."""

    def plain(self, rows: Rows) -> list[Plain]:
        """Return rows with values in one form."""
        makers = [_MAKERS[kind] for kind in self.columns.values()]
        for row in rows:
            if len(row) != len(makers):
                raise ValueError(f"`{self.name}` has {len(makers)} columns, and the answer {len(row)}: {row!r:.200}")
        return [tuple(make(value) for make, value in zip(makers, row, strict=True)) for row in rows]

    def difference(self, expected: Sequence[Plain], found: Sequence[Plain]) -> str:
        """Return how an answer differs from the expected one; nothing where it does not."""
        if len(expected) != len(found):
            return f"{len(found)} rows instead of {len(expected)}"
        if not self.ordered_by:
            return _difference(sorted(expected, key=_sortable), sorted(found, key=_sortable))
        place = list(self.columns).index(self.ordered_by)
        keys = [[row[place] for row in rows] for rows in (expected, found)]
        for number, (first, second) in enumerate(zip(*keys, strict=True)):
            if not _same(first, second):
                return f"row {number} has {self.ordered_by} {second!r} instead of {first!r}"
        # Whoever cuts among rows with the same key is free to choose.
        last = keys[0][-1] if keys[0] else None
        inside = [
            sorted((row for row in rows if not _same(row[place], last)), key=_sortable) for rows in (expected, found)
        ]
        return _difference(*inside)


def _difference(expected: Sequence[Plain], found: Sequence[Plain]) -> str:
    for first, second in zip(expected, found, strict=True):
        if not all(map(_same, first, second)):
            lacking = Counter(expected) - Counter(found)
            return (
                f"{lacking.total()} of {len(expected)} rows differ, such as {second!r:.300} instead of {first!r:.300}"
            )
    return ""


def _same(first: str | float | None, second: str | float | None) -> bool:
    if isinstance(first, str) or isinstance(second, str) or first is None or second is None:
        return first == second
    return math.isclose(first, second, rel_tol=_CLOSE, abs_tol=1e-9)


def _sortable(row: Plain) -> tuple[tuple[int, str, float], ...]:
    """Return what rows are sorted by: texts first, because floats may differ in their last digit."""
    texts = [(0, value, 0.0) if isinstance(value, str) else (1, "", 0.0) for value in row]
    numbers = [(2, "", float(f"{value:.5g}")) for value in row if value is not None and not isinstance(value, str)]
    return (*texts, *numbers)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> float | None:
    match value:
        case None:
            return None
        case float() if math.isnan(value):
            return None
        case bool() | int() | float() | Decimal() | str():
            return float(value)
        case _:
            raise TypeError(f"not a number: {value!r}")


def _time(value: object) -> float | None:
    """Return milliseconds since 1970."""
    match value:
        case None:
            return None
        case str():
            value = datetime.fromisoformat(value)
        case int() | float():
            return float(value)
        case _:
            pass
    if not isinstance(value, datetime):
        raise TypeError(f"not a time: {value!r}")
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return float(round(aware.timestamp() * 1000))


def _json(value: object) -> str | None:
    """Return a digest of what a document says: answers of a hundred thousand of them are compared, too."""
    if value is None:
        return None
    if isinstance(value, str | bytes):
        if value in {"", b"", "null", b"null"}:
            return None
        value = orjson.loads(value)
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=float)
    return hashlib.blake2b(text, digest_size=12).hexdigest()


_MAKERS: dict[Kind, Callable[[object], str | float | None]] = {
    "text": _text,
    "number": _number,
    "time": _time,
    "json": _json,
}
