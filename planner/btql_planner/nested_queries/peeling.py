"""Take queries apart that stand inside of others, and put values in for what they look at outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from btql_planner.expression_traversal import conjuncts, transform, walk
from btql_planner.expressions import AggregateCall, Expression, Parameter, Reference
from btql_planner.functions import functions
from btql_planner.plan import Filter, Plan, Project, Sort
from btql_planner.plan_traversal import expressions
from btql_planner.plan_traversal import walk as walk_plan


def substitute(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """Return the expression with values for parameters and references."""

    def change(node: Expression) -> Expression | None:
        return values.get(node.name) if isinstance(node, Parameter | Reference) else None

    return transform(expression, change)


def has_parameters(plan: Plan) -> bool:
    """Whether any expression of the plan looks at a query around it."""
    return any(
        isinstance(part, Parameter) for node in walk_plan(plan) for each in expressions(node) for part in walk(each)
    )


@dataclass(frozen=True, slots=True)
class Peeled:
    """A query taken apart: rows that depend on nothing, the conditions on them, and what its columns are."""

    rows: Plan
    conditions: tuple[Expression, ...]
    columns: Mapping[str, Expression]


def peel(plan: Plan) -> Peeled | None:
    """Take the projection, the order and the conditions off a query; None where what is left has parameters."""
    columns: dict[str, Expression] = {}
    if isinstance(plan, Project):
        columns = {plan.reference(item).name: item.expression for item in plan.items}
        plan = plan.input
    conditions: list[Expression] = []
    while isinstance(plan, Filter | Sort):
        if isinstance(plan, Filter):
            conditions += conjuncts(plan.condition)
        plan = plan.input
    return None if has_parameters(plan) else Peeled(plan, tuple(conditions), columns)


def count(argument: Expression) -> AggregateCall:
    """Return the number of rows in which the argument is not null."""
    return aggregate("count", argument)


def aggregate(name: str, argument: Expression) -> AggregateCall:
    """Return an aggregate of one argument."""
    function = functions()[name]
    return AggregateCall(function, (argument,), function.returns([argument.type]))
