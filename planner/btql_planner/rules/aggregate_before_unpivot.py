"""Aggregate the columns of an object, and unpivot what comes out instead of every row.

Before:  Aggregate([key], [avg(value), count(1)], Unnest(scores as (key, value), Scan))
After:   the same, as: one avg and one count for each column of ``scores``, then a row for each of them

A row of every key of every span is made for nothing, where all that counts is
what each key adds up to, and most spans have no score at all. The columns are
read as they lie instead, and a key that no row has is left out at the end. Other
keys that rows are grouped by are kept, and so is a condition on key or value.

Not applied where the keys are not columns, where anything needs a document, where
rows have to be in an order or different from one another, and to functions that
are written in Python, which would be called for rows without the key, too. Not to
many keys either, which take longer to plan than to unpivot.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expression_traversal import walk
from btql_planner.expressions import AggregateCall, Apply, Expression, Match, PathValue, Reference
from btql_planner.plan import Aggregate, Filter, Plan, Unnest
from btql_planner.plan_traversal import rewrite

APART = frozenset(
    {
        "any_value", "avg", "bool_and", "bool_or", "corr", "count", "count_if", "covar_pop", "covar_samp", "max",
        "median", "min", "percentile", "regr_count", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp",
    }
)  # fmt: skip
"""Aggregates in which null takes no part, and the order of the rows none either."""
CALLS_MAX = 40
"""Each takes the engine a tenth of a millisecond to plan, which is more than it saves over few rows."""


def aggregate_before_unpivot(plan: Plan) -> Plan:
    """Return the plan with aggregates of keys that are columns computed column by column."""
    return rewrite(plan, _on_aggregate)


def _on_aggregate(plan: Plan) -> Plan | None:
    if not isinstance(plan, Aggregate) or plan.sets is not None:
        return None
    conditions: list[Expression] = []
    below = plan.input
    while isinstance(below, Filter):
        conditions.append(below.condition)
        below = below.input
    if not isinstance(below, Unnest) or below.entries is None:
        return None
    if len(below.entries) * (len(plan.measures) + 1) > CALLS_MAX:
        return None
    keys = [key.expression for key in plan.keys]
    others = [key for key in keys if key != below.key]
    measures = [measure.expression for measure in plan.measures]
    if len(others) == len(keys) or any(_looks_at(key, below) for key in others):
        return None
    if not all(map(_can_be_apart, measures)) or not all(map(_columns_say, [*others, *measures, *conditions])):
        return None
    return replace(plan, apart=True)


def _can_be_apart(measure: Expression) -> bool:
    return (
        isinstance(measure, AggregateCall)
        and measure.function.name in APART
        and not measure.distinct
        and not measure.order
    )


def _columns_say(expression: Expression) -> bool:
    return not any(
        isinstance(node, Match)
        or (isinstance(node, PathValue) and node.needs_document)
        or (isinstance(node, Apply) and node.in_python)
        for node in walk(expression)
    )


def _looks_at(expression: Expression, unnest: Unnest) -> bool:
    names = (unnest.key.name, unnest.value.name)
    return any(isinstance(node, Reference) and node.name in names for node in walk(expression))
