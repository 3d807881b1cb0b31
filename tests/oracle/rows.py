"""Filtering, projecting, grouping and sorting documents, and comparing answers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cmp_to_key
from typing import cast

from oracle.expressions import Value, eq, holds, identity, is_number, lt
from oracle.model import Document

Row = dict[str, Value]
Columns = Mapping[str, Callable[[Document], Value]]
Measures = Mapping[str, Callable[[Sequence[Document]], Value]]
TOLERANCE = 1e-9
"""Relative: sums of fractions depend on their order."""


def where(documents: Iterable[Document], condition: Callable[[Document], Value]) -> list[Document]:
    """Return the documents for which the condition is true."""
    return [document for document in documents if holds(condition(document))]


def select(documents: Iterable[Document], columns: Columns) -> list[Row]:
    """Return a row with these columns for each document."""
    return [{name: value(document) for name, value in columns.items()} for document in documents]


def ids(documents: Iterable[Document], condition: Callable[[Document], Value] = lambda _: True) -> list[Row]:
    """Return the ids of the documents for which the condition is true."""
    return [{"id": document["id"]} for document in where(documents, condition)]


def grouped(documents: Sequence[Document], dimensions: Columns, measures: Measures) -> list[Row]:
    """Return a row for each group; without dimensions exactly one."""
    groups: dict[tuple[tuple[str, Value], ...], tuple[Row, list[Document]]] = {}
    if not dimensions:
        groups[()] = ({}, [])
    for document in documents:
        row = {name: value(document) for name, value in dimensions.items()}
        groups.setdefault(tuple(map(identity, row.values())), (row, []))[1].append(document)
    return [
        {**row, **{name: measure(members) for name, measure in measures.items()}} for row, members in groups.values()
    ]


def ordered(rows: Iterable[Row], *keys: str) -> list[Row]:
    """Sort by columns, ``-name`` descending; nulls come last in both directions."""

    def compare(left: Row, right: Row) -> int:
        for key in keys:
            name = key.removeprefix("-")
            one, other = left[name], right[name]
            if one is None or other is None:
                sign = (one is None) - (other is None)
            else:
                sign = 0 if eq(one, other) else -1 if lt(one, other) else 1
                sign = -sign if key != name else sign
            if sign:
                return sign
        return 0

    return sorted(rows, key=cmp_to_key(compare))


def whole_traces(documents: Sequence[Document], condition: Callable[[Document], Value]) -> list[Document]:
    """Return all spans of the traces in which one span satisfies the condition."""
    chosen = {document["root_span_id"] for document in where(documents, condition)}
    return [document for document in documents if document["root_span_id"] in chosen]


@dataclass(frozen=True)
class Difference:
    """Where two answers differ."""

    what: str


def difference(
    found: Sequence[Row], expected: Sequence[Row], *, in_order: bool, tolerance: float = TOLERANCE
) -> Difference | None:
    """Return the first difference between two answers, None where there is none."""
    if len(found) != len(expected):
        return Difference(f"{len(found)} rows instead of {len(expected)}: {_sample(found, expected)}")
    if not in_order:
        found, expected = sorted(found, key=_place), sorted(expected, key=_place)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if list(one) != list(other):
            return Difference(f"columns {list(one)} instead of {list(other)}")
        for name in other:
            if not same(one[name], other[name], tolerance):
                return Difference(f"row {number}, {name}: {one[name]!r} instead of {other[name]!r}\n{one}\n{other}")
    return None


def same(found: Value, expected: Value, tolerance: float = TOLERANCE) -> bool:
    """Whether two values are the same; fractions within a tolerance."""
    if is_number(found) and is_number(expected):
        one, other = cast("tuple[int | float, int | float]", (found, expected))
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=1e-12)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in expected)
    return identity(found) == identity(expected)


def _place(row: Row) -> str:
    return json.dumps([_sortable(value) for value in row.values()], sort_keys=True)


def _sortable(value: Value) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float | datetime | list | dict):
        return value
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, list):
        return [_sortable(element) for element in value]
    if isinstance(value, dict):
        return {key: _sortable(element) for key, element in value.items()}
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else f"{value:.12g}"


def _sample(found: Sequence[Row], expected: Sequence[Row]) -> str:
    one, other = {_place(row) for row in found}, {_place(row) for row in expected}
    missing, extra = sorted(other - one), sorted(one - other)
    return f"{len(missing)} missing, such as {missing[:3]}; {len(extra)} too many, such as {extra[:3]}"
