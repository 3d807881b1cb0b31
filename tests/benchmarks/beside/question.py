"""A question without its words: what its answer looks like, and when the answers of two systems are the same.

Systems have values of different kinds for the same thing: a time is a number here and a text there, a document has its
keys in another order. So values are first brought into one form, by the kind of their column.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, cast

import orjson
from benchmarks.beside.system import Rows

Kind = Literal["text", "number", "time", "json", "paths"]
"""``json`` is a document as text: equal where it says the same, whatever the order of its keys. ``paths`` is one in the
form in which stores keep it that know paths and scalars only: ``{"a.b": 1}`` is ``{"a": {"b": 1}}``, and what has no
value, or an empty one, is not there."""

_CLOSE = 1e-5
"""How far apart, in relation to each other, two numbers may be: sums of floats, and percentiles between two values."""

_LARGE_DIGITS = 19
"""A number of so many may not fit 64 bits."""

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
        columns = list(self.columns)
        if not self.ordered_by:
            return _difference(columns, sorted(expected, key=_sortable), sorted(found, key=_sortable))
        place = columns.index(self.ordered_by)
        keys = [[row[place] for row in rows] for rows in (expected, found)]
        for number, (first, second) in enumerate(zip(*keys, strict=True)):
            if not _same(first, second):
                return f"row {number} has {self.ordered_by} {second!r} instead of {first!r}"
        # Whoever cuts among rows with the same key is free to choose.
        last = keys[0][-1] if keys[0] else None
        inside = [
            sorted((row for row in rows if not _same(row[place], last)), key=_sortable) for rows in (expected, found)
        ]
        return _difference(columns, *inside)


def _difference(columns: Sequence[str], expected: Sequence[Plain], found: Sequence[Plain]) -> str:
    for first, second in zip(expected, found, strict=True):
        if not all(map(_same, first, second)):
            lacking = Counter(expected) - Counter(found)
            # Of long answers there are only digests.
            names = columns if len(columns) == len(first) else ("row",)
            pairs = [
                f"{name} {theirs!r:.80} instead of {ours!r:.80}"
                for name, ours, theirs in zip(names, first, second, strict=True)
                if not _same(ours, theirs)
            ]
            return f"{lacking.total()} of {len(expected)} rows differ, the first in {', '.join(pairs[:3])}"
    return ""


def _same(first: str | float | None, second: str | float | None) -> bool:
    if isinstance(first, str) or isinstance(second, str) or first is None or second is None:
        return first == second
    return math.isclose(first, second, rel_tol=_CLOSE, abs_tol=1e-9)


def _sortable(row: Plain) -> tuple[tuple[int, str, float], ...]:
    """Return what rows are sorted by: texts first, because floats may differ in their last digit."""
    texts = [(0, value, 0.0) if isinstance(value, str) else (1, "", 0.0) for value in row]
    numbers = [(2, "", float(f"{value:.9g}")) for value in row if value is not None and not isinstance(value, str)]
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


def _time(value: object) -> str | None:
    """Return milliseconds since 1970, as a text: times are the same or not, however large the number is."""
    match value:
        case None:
            return None
        case str():
            value = datetime.fromisoformat(value)
        case int() | float():
            return str(round(value))
        case _:
            pass
    if not isinstance(value, datetime):
        raise TypeError(f"not a time: {value!r}")
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return str(round(aware.timestamp() * 1000))


def _json(value: object) -> str | None:
    """Return a digest of what a document says: answers of a hundred thousand of them are compared, too."""
    value = _read(value)
    # Some systems make no difference between an empty list and none.
    return None if value in (None, [], {}) else _digest(_with_floats(value))


def _paths(value: object) -> str | None:
    leaves: dict[str, object] = {}
    for path, leaf in sorted(_leaves((), _read(value)), key=repr):
        # Of a path that is there twice, as in {"a.b": 1, "a": {"b": 2}}, such stores keep one.
        leaves.setdefault(path, leaf)
    return _digest(leaves) if leaves else None


def _read(value: object) -> object:
    """Return what a JSON text says. Some systems keep strings as they are and others as JSON: both end as the same."""
    while isinstance(value, str | bytes):
        if value in {"", b""}:
            return None
        try:
            inside: object = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
        if not isinstance(inside, str | list | dict) and inside is not None:
            return str(inside)
        value = inside
    return value


def _with_floats(value: object) -> object:
    match value:
        case bool():
            return value
        case int() | float():
            return f"{float(value):.12g}"
        case list():
            return [_with_floats(each) for each in cast("list[object]", value)]
        case dict():
            return {name: _with_floats(each) for name, each in cast("dict[str, object]", value).items()}
        case _:
            return value


def _leaves(above: tuple[str, ...], value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inside in cast("dict[str, object]", value).items():
            yield from _leaves((*above, name), inside)
    elif value not in (None, [], ""):
        yield ".".join(above), _flat(value)


def _flat(value: object) -> object:
    """Return numbers and booleans as texts, and the texts that some stores make of large numbers as those numbers."""
    if isinstance(value, list):
        return [_flat(each) for each in cast("list[object]", value)]
    if isinstance(value, str) and len(value) >= _LARGE_DIGITS and value.isdecimal():
        value = float(value)
    return f"{float(value):.12g}" if isinstance(value, int | float) else value


def _digest(value: object) -> str:
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=12).hexdigest()


_MAKERS: dict[Kind, Callable[[object], str | float | None]] = {
    "text": _text,
    "number": _number,
    "time": _time,
    "json": _json,
    "paths": _paths,
}
