"""Which relations a plan's rows have columns of, and which ones an expression looks at."""

from __future__ import annotations

from collections.abc import Iterable

from btql_planner.expression_traversal import walk
from btql_planner.expressions import Column, Expression, PathValue, Reference, split_engine_name
from btql_planner.plan import Aggregate, Alias, Nothing, Plan, Project, TraceSummary, Unnest
from btql_planner.plan_relations import (
    Join,
    Numbered,
    Recursion,
    RecursiveTable,
    Series,
    SetOperation,
    ValuesTable,
    Window,
)
from btql_planner.plan_traversal import inputs


def sources(plan: Plan) -> frozenset[str]:
    """Return the names of the relations that the columns of a plan belong to; plain columns belong to none, ``""``."""
    match plan:
        case Alias() | Project():
            return frozenset({plan.source})
        case Aggregate():
            return _of(named.name for named in (*plan.keys, *plan.measures))
        case Window():
            return sources(plan.input) | _of(item.name for item in plan.items)
        case Numbered() | Series():
            return sources(plan.input) | _of([plan.name])
        case Unnest():
            return sources(plan.input) | _of([plan.value.name])
        case SetOperation() | ValuesTable() | RecursiveTable():
            return _of(plan.names)
        case Recursion():
            return _of(column.name for column in plan.columns)
        case Join(kind="semi" | "anti"):
            return sources(plan.left)
        case TraceSummary():
            return frozenset({""})
        case Nothing():
            return frozenset()
        case _:
            below = inputs(plan)
            return frozenset[str]().union(*map(sources, below)) if below else frozenset({""})


def _of(names: Iterable[str]) -> frozenset[str]:
    return frozenset(split_engine_name(name)[0] for name in names)


def sources_of(expression: Expression) -> frozenset[str]:
    """Return the relations that an expression looks at."""
    found: set[str] = set()
    for node in walk(expression):
        if isinstance(node, Column | PathValue):
            found.add(node.source)
        elif isinstance(node, Reference):
            found.add(split_engine_name(node.name)[0])
    return frozenset(found)
