"""Sorting rows by the values of their sort keys. Nulls come last in both directions, unless the key says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cmp_to_key
from typing import TypeVar

from btql_conformance.values import Value, sort_order
from btql_grammar import tree

Keys = Sequence[Value]
T = TypeVar("T")


def by_keys(one: Keys, other: Keys, order: Sequence[tree.SortItem]) -> int:
    """Return -1, 0 or 1 for two rows, given the values of their sort keys."""
    for left, right, key in zip(one, other, order, strict=True):
        if left is None or right is None:
            sign = ((left is None) - (right is None)) * (-1 if key.nulls == "first" else 1)
        else:
            sign = sort_order(left, right) * (-1 if key.direction == "desc" else 1)
        if sign:
            return sign
    return 0


def sorted_by(keyed: Iterable[tuple[Keys, T]], order: Sequence[tree.SortItem]) -> list[tuple[Keys, T]]:
    """Return rows, each behind its keys, in order; rows with the same keys stay as they are."""

    def compare(one: tuple[Keys, T], other: tuple[Keys, T]) -> int:
        return by_keys(one[0], other[0], order)

    return sorted(keyed, key=cmp_to_key(compare))
