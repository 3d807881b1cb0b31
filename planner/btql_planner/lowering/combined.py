"""Lower what a query with more than one relation is made of: joins, set operations, windows, tables of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from btql_planner.lowering import joins, set_operations, tables, windows
from btql_planner.plan_relations import (
    Join,
    Lateral,
    Numbered,
    Recursion,
    RecursiveTable,
    Series,
    SetOperation,
    Shared,
    ValuesTable,
    Window,
)
from btql_planner.select import Select

if TYPE_CHECKING:
    from btql_planner.lowering.relation import RelationLowering

Combined = (
    Join | Lateral | SetOperation | Window | Series | Shared | Numbered | ValuesTable | Recursion | RecursiveTable
)


def combined(lowering: RelationLowering, plan: Combined) -> Select:
    """Return the statement for a node; what is above may add to it."""
    match plan:
        case Join():
            return joins.join(lowering, plan)
        case SetOperation():
            return set_operations.set_operation(lowering, plan)
        case Window():
            return windows.window(lowering, plan)
        case Series():
            return tables.series(lowering, plan)
        case Shared():
            return joins.shared(lowering, plan)
        case Numbered():
            return windows.numbered(lowering, plan)
        case ValuesTable():
            return tables.values_table(lowering, plan)
        case Recursion():
            return tables.recursion(lowering, plan)
        case RecursiveTable():
            return tables.recursive_table(lowering, plan)
        case Lateral():
            message = "a rule turns Lateral into joins"
            raise AssertionError(message)
        case _:
            assert_never(plan)
