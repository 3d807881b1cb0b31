"""Make conditions of others, and filters of them."""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner.expressions import Apply, Expression
from btql_planner.functions import functions
from btql_planner.plan import Filter, Plan


def apply(name: str, *arguments: Expression) -> Expression:
    """Return an operator or function over bound arguments."""
    function = functions()[name]
    return Apply(function, arguments, function.returns([each.type for each in arguments]))


def all_of(conditions: Sequence[Expression]) -> Expression | None:
    """Return the conditions as one, None for none."""
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return apply("and", *conditions)


def with_conditions(plan: Plan, conditions: Sequence[Expression]) -> Plan:
    """Return the plan under a filter for all conditions, or bare where there is none."""
    condition = all_of(conditions)
    return plan if condition is None else Filter(plan, condition)
