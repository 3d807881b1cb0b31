"""Queries whose columns are counted and not called by their names: two that are called alike are fine there.

So it is with the later sides of UNION, with IN and EXISTS, and where a list behind the query gives other names:
``WITH t (a, b) AS (SELECT 0, 0)``.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from btql_grammar import tree
from btql_planner.names import implicit_alias


def with_any_names(node: tree.Statement, count: int | None = None) -> tree.Statement:
    """Return a query with an alias for each of its first ``count`` columns that is called like one before it."""
    match node:
        case tree.SetOperation():
            left, right = with_any_names(node.left, count), with_any_names(node.right, count)
            return replace(node, left=left, right=right)
        case tree.Query() if node.select and node.pivot is None:
            return replace(node, select=_named(node.select, len(node.select) if count is None else count))
        case _:
            return node


def _named(items: tuple[tree.Item | tree.Star, ...], count: int) -> tuple[tree.Item | tree.Star, ...]:
    if any(isinstance(item, tree.Star) for item in items):
        return items
    seen: set[Hashable] = set()
    named: list[tree.Item | tree.Star] = []
    for number, item in enumerate(items, 1):
        assert isinstance(item, tree.Item)
        called = _called(item)
        # A name that nobody writes by chance.
        named.append(replace(item, alias=f"column {number}") if called in seen and number <= count else item)
        seen.add(called)
    return tuple(named)


def _called(item: tree.Item) -> Hashable:
    """Return what a column is called, or its expression where that is its name."""
    if item.alias is not None:
        return item.alias
    short = implicit_alias(item.expression.path) if isinstance(item.expression, tree.Identifier) else None
    return short or item.expression
