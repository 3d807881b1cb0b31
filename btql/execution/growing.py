"""Functions that make much of little: bounded for a whole batch, as the engine counts no memory of a function's answer.

One that would make more raises :data:`TOO_MUCH`, which becomes the error of a query that needs too much memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from btql_storage.arrow_functions import compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH_BYTES_MAX = 512 << 20
"""Texts that one call may make, for a batch of 8,192 rows: as much as ``repeat`` may."""
SERIES_MAX = 10_000_000
"""Numbers or times between two ends that the data say, which are made as one list."""
TOO_MUCH = "values that do not fit into memory"


def replaced(values: pa.Array, olds: pa.Array, news: pa.Array) -> pa.Array:
    """Return texts with every occurrence of another replaced."""
    old, new = _only(olds), _only(news)
    if old and new is not None:
        count = pc.sum(pc.count_substring(values, old)).as_py() or 0
        _check((pc.sum(pc.binary_length(values)).as_py() or 0) + count * (len(new.encode()) - len(old.encode())))
        return pc.replace_substring(values, old, new)
    rows = list(zip(values.to_pylist(), olds.to_pylist(), news.to_pylist(), strict=True))
    whole = [row for row in rows if None not in row]
    _check(sum(len(value) + (value.count(old) * len(new) if old else 0) for value, old, new in whole))
    return pa.array(
        [None if None in row else row[0].replace(row[1], row[2]) if row[1] else row[0] for row in rows], pa.string()
    )


def fits(values: pa.Array, patterns: pa.Array, news: pa.Array) -> pa.Array:
    """Return true for texts in which every match of an expression may be replaced; null where there is no text."""
    longest = pc.max(pc.binary_length(news)).as_py() or 0
    size = pc.sum(pc.binary_length(values)).as_py() or 0
    # Most are far from it. A match may be empty, and what replaces it may repeat it.
    if (size + len(values)) * (longest + 1) > BATCH_BYTES_MAX:
        pattern = _only(patterns)
        counts = None if pattern is None else pc.sum(pc.count_substring_regex(values, pattern)).as_py()
        repeated = max((text.count("\\") for text in news.unique().to_pylist() if text is not None), default=0)
        _check(size * (1 + repeated) + (size + len(values) if counts is None else counts) * longest)
    return pc.and_(pc.is_valid(values), pc.is_valid(news))


def bytes_fit(sizes: pa.Array) -> pa.Array:
    """Return true for all: texts of so many bytes fit into memory together."""
    _check(pc.sum(sizes).as_py() or 0)
    return pc.is_valid(sizes)


def series_fits(firsts: pa.Array, lasts: pa.Array, steps: pa.Array) -> pa.Array:
    """Return true for series that are short enough to be lists."""
    rows: Sequence[tuple[float | None, ...]] = list(
        zip(firsts.to_pylist(), lasts.to_pylist(), steps.to_pylist(), strict=True)
    )
    for first, last, step in rows:
        if first is not None and last is not None and step and (last - first) / step > SERIES_MAX:
            raise ValueError(TOO_MUCH)
    return pa.array([None not in row for row in rows], pa.bool_())


def _only(texts: pa.Array) -> str | None:
    """Return the one text that an array has, None where it has several, or none."""
    found: list[str | None] = texts.unique().to_pylist()
    return found[0] if len(found) == 1 else None


def _check(size: int) -> None:
    if size > BATCH_BYTES_MAX:
        raise ValueError(TOO_MUCH)
