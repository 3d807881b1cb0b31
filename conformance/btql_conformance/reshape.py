"""Rows to columns and back: PIVOT and UNPIVOT (reference 1.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cmp_to_key
from typing import cast

from btql_conformance.expressions import evaluate
from btql_conformance.operators import text_of
from btql_conformance.scope import Fields, Scope, Table
from btql_conformance.values import Value, identity, sort_order
from btql_grammar import tree


def unpivoted(item: tree.UnpivotItem, scope: Scope) -> list[Scope]:
    """Return a row for each member of an object, or for each element of an array; none for anything else.

    A member that is null is as good as missing.
    """
    value = evaluate(item.expression, scope)
    rows: list[dict[str, Value]] = []
    if len(item.names) == 2 and isinstance(value, dict):
        key_name, value_name = item.names
        members = cast("dict[str, Value]", value)
        rows = [{key_name: key, value_name: inner} for key, inner in members.items() if inner is not None]
    elif len(item.names) == 1 and isinstance(value, list):
        rows = [{item.names[0]: element} for element in cast("list[Value]", value)]
    own = Fields(None, tuple(item.names))
    return [replace(scope, relations=(*_without(scope, item.names), (own, row))) for row in rows]


def _without(scope: Scope, names: Sequence[str]) -> list[tuple[Fields, Mapping[str, Value]]]:
    """Let the new names win over fields of the same name."""
    return [(replace(fields, covered=fields.covered | set(names)), row) for fields, row in scope.relations]


def pivoted(
    columns: Sequence[str],
    rows: Sequence[tuple[Value, ...]],
    spread: Sequence[Value],
    measures: Sequence[str],
    renamed: Mapping[str, str],
) -> Table:
    """Return one row for each combination of the columns that are no measures, with a column per value and measure.

    ``spread`` has the value of each row that its measures go under.
    """
    keys = [at for at, name in enumerate(columns) if name not in measures]
    values = {identity(value): value for value in spread}
    ordered = sorted((value for value in values.values() if value is not None), key=cmp_to_key(sort_order))
    ordered += [None] if ("null", None) in values else []
    names = {
        (identity(value), measure): f"{text_of(value) or 'null'}_{renamed.get(measure, measure)}"
        for value in ordered
        for measure in measures
    }
    found: dict[tuple[object, ...], dict[str, Value]] = {}
    for row, value in zip(rows, spread, strict=True):
        key = tuple(identity(row[at]) for at in keys)
        blank = {**{columns[at]: row[at] for at in keys}, **dict.fromkeys(names.values())}
        out = found.setdefault(key, blank)
        for measure in measures:
            out[names[identity(value), measure]] = row[list(columns).index(measure)]
    header = (*(columns[at] for at in keys), *names.values())
    return Table(header, [tuple(row[name] for name in header) for row in found.values()])
