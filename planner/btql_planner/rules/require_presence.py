"""Check that a value exists before its document is read.

Before:  Filter(error LIKE '%timeout%', Scan)
After:   Filter(error IS NOT NULL and error LIKE '%timeout%', Scan)

Most rows have no error, and whether a row has one is known from the columns:
documents of the others need not be opened.

Not applied to conditions that may hold for null (``<=>``, IS NULL, anything
under NOT or OR), and not where the columns of the path were cut, since then
only the document knows.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner import types
from btql_planner.expression_traversal import conjuncts
from btql_planner.expressions import Apply, Expression, PathValue
from btql_planner.functions import functions
from btql_planner.needs import NULL_REJECTING
from btql_planner.plan import Filter, Plan
from btql_planner.plan_traversal import rewrite


def require_presence(plan: Plan) -> Plan:
    """Return the plan with conditions of presence beside those that need a document."""
    return rewrite(plan, _on_filter)


def _on_filter(plan: Plan) -> Plan | None:
    if not isinstance(plan, Filter):
        return None
    parts = conjuncts(plan.condition)
    known = set(parts)
    added: list[Expression] = []
    for part in parts:
        for path in _rejecting_null(part):
            presence = Apply(functions()["isnotnull"], (replace(path, scalar=True),), types.BOOLEAN, span=path.span)
            if presence not in known:
                known.add(presence)
                added.append(presence)
    if not added:
        return None
    condition = Apply(functions()["and"], (*added, *parts), types.BOOLEAN)
    return replace(plan, condition=condition)


def _rejecting_null(condition: Expression) -> list[PathValue]:
    if not isinstance(condition, Apply) or condition.function.name not in NULL_REJECTING:
        return []
    return [
        argument
        for argument in condition.arguments[:2]
        if isinstance(argument, PathValue)
        and argument.needs_document
        and not argument.availability.cut
        and (condition.function.name != "in" or argument is condition.arguments[0])
    ]
