"""Groups: the keys of an aggregate query, and the rows behind each combination of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import cast

from btql_conformance.aggregates import AGGREGATES
from btql_conformance.expressions import evaluate
from btql_conformance.scope import Group, Scope
from btql_conformance.select_list import SelectList
from btql_conformance.values import Value, identity
from btql_grammar import tree
from btql_grammar.span import Span


class Grouping:
    """What a query says of groups."""

    def __init__(self, query: tree.Query, select: SelectList, template: Scope) -> None:
        self._query = query
        self._select = select
        self._template = template

    def is_grouped(self) -> bool:
        """Whether the query has groups at all."""
        query = self._query
        if query.dimensions or query.measures or query.grouping_sets is not None:
            return True
        nodes = [item.expression for item in self._select.items] + [item.expression for item in query.sort]
        return any(has_aggregate(node) for node in (*nodes, query.final_filter))

    def groups(self, scopes: list[Scope]) -> list[Scope]:
        """Return a scope for each group of each set of keys."""
        keys = [self._key(item.expression, scopes) for item in self._query.dimensions]
        if self._query.pivot is not None and self._query.pivot.column is not None:
            keys.append(self._query.pivot.column)
        sets = self._sets(keys)
        groups: list[Scope] = []
        for chosen in sets:
            groups += self._groups_of(scopes, keys, frozenset(chosen))
        return groups

    def _sets(self, keys: Sequence[tree.Expression]) -> Sequence[Sequence[int]]:
        """Return the sets of keys; those that are one column of the answer are in the same sets."""
        sets = self._query.grouping_sets
        if sets is None:
            return (tuple(range(len(keys))),)
        places = self.places(keys)
        return [[n for n, place in enumerate(places) if place in {places[m] for m in chosen}] for chosen in sets]

    def places(self, keys: Sequence[tree.Expression]) -> list[object]:
        """Return which column of the answer each key is: the one that its position names, or the first that says it."""
        columns = [item.expression for item in self._select.items]
        return [
            dimension.expression.value
            if isinstance(dimension.expression, tree.Literal)
            else (columns.index(key) + 1 if key in columns else (number, "no column"))
            for number, (dimension, key) in enumerate(zip(self._query.dimensions, keys, strict=False))
        ]

    def _key(self, node: tree.Expression, scopes: Sequence[Scope]) -> tree.Expression:
        node = self._select.by_position(node)
        if isinstance(node, tree.Identifier) and scopes:
            return scopes[0].alias(node.path) or node
        return node

    def _groups_of(self, scopes: Sequence[Scope], keys: list[tree.Expression], chosen: frozenset[int]) -> list[Scope]:
        found: dict[tuple[object, ...], tuple[list[Value], list[Scope]]] = {}
        if not chosen:
            found[()] = ([None] * len(keys), [])
        for scope in scopes:
            plain = scope.plain()
            values = [evaluate(key, plain) if number in chosen else None for number, key in enumerate(keys)]
            same = tuple(identity(value) for number, value in enumerate(values) if number in chosen)
            found.setdefault(same, (values, []))[1].append(plain)
        return [
            replace(self._template, group=Group(members, list(zip(keys, values, strict=True)), chosen))
            for values, members in found.values()
        ]


def has_aggregate(node: object) -> bool:
    """Whether an expression has an aggregate in it that is not a window's, nor a subquery's."""
    if isinstance(node, tree.Call):
        if node.name in AGGREGATES and node.window is None:
            return True
        return any(has_aggregate(part) for part in (node.arguments, node.window))
    if isinstance(node, tree.Subquery | tree.Exists | tree.InQuery):
        return isinstance(node, tree.InQuery) and has_aggregate(node.expression)
    if isinstance(node, tuple):
        return any(has_aggregate(part) for part in cast("tuple[object, ...]", node))
    if not is_dataclass(node) or isinstance(node, Span | type):
        return False
    return any(has_aggregate(getattr(node, each.name)) for each in fields(node))
