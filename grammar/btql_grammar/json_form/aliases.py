"""The aliases that entries imply, for the JSON form, which demands one of each.

A path implies its last key, any other expression its text. Two entries of a list
that imply the same take their whole text, and so does one beside a star that implies the name of what is unpivoted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from btql_grammar import tree
from btql_grammar.printing.btql import BtqlPrinter

_Entry = TypeVar("_Entry", bound=tree.Item | tree.Star)


def with_aliases(query: tree.Query) -> tree.Query:
    """Return the query with the aliases spelled out; positions (``dimensions: 1``) keep having none."""
    has_star = any(isinstance(entry, tree.Star) for entry in query.select)
    of_star = [name for item in query.unpivot for name in item.names] if has_star else []
    return replace(
        query,
        select=_named(query.select, of_star),
        dimensions=_named(query.dimensions, positions=True),
        measures=_named(query.measures),
        pivot=replace(query.pivot, measures=_named(query.pivot.measures)) if query.pivot else None,
        final_dimensions=_named(query.final_dimensions, positions=True),
        final_measures=_named(query.final_measures),
        weighted_scores=_named(query.weighted_scores),
        custom_columns=_named(query.custom_columns),
    )


def _named(entries: tuple[_Entry, ...], of_star: Sequence[str] = (), *, positions: bool = False) -> tuple[_Entry, ...]:
    implied = [_implied(entry) for entry in entries]
    times = Counter([*implied, *of_star])

    def named(entry: _Entry, name: str) -> _Entry:
        if isinstance(entry, tree.Star) or entry.alias is not None:
            return entry
        if positions and isinstance(entry.expression, tree.Literal) and type(entry.expression.value) is int:
            return entry
        return replace(entry, alias=name if times[name] == 1 else BtqlPrinter().expression(entry.expression))

    return tuple(named(entry, name) for entry, name in zip(entries, implied, strict=True))


def _implied(entry: tree.Item | tree.Star) -> str:
    if isinstance(entry, tree.Star):
        return "*"
    if entry.alias is not None:
        return entry.alias
    expression = entry.expression
    if isinstance(expression, tree.Identifier) and isinstance(expression.path[-1], str):
        return expression.path[-1]
    return BtqlPrinter().expression(expression)
