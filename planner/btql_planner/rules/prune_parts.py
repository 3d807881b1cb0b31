"""Say which parts a scan can leave out.

Before:  Scan(filters=[created >= x, root_span_id = 'r'])
After:   Scan(filters=…, ranges=[created from x], keys=[root_span_id in ('r')])

Every part has its smallest and largest time, transaction and pagination key in
the catalog, and the fingerprints of its ids in a file of its own. The filters
stay: a part that may have a row says nothing about which.

Not applied to conditions under OR and NOT, nor to bounds that are no constant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from btql_planner.expressions import MIRRORED, Apply, Column, Constant, Expression
from btql_planner.plan import Plan
from btql_planner.plan_scan import Keys, Range, Scan
from btql_planner.plan_traversal import rewrite

RANGED = frozenset({"created", "_xact_id", "_pagination_key"})
KEYED = frozenset({"id", "span_id", "root_span_id"})


def prune_parts(plan: Plan) -> Plan:
    """Return the plan with the ranges and keys that follow from each scan's filters."""
    return rewrite(plan, _on_scan)


def _on_scan(plan: Plan) -> Plan | None:
    if not isinstance(plan, Scan):
        return None
    ranges = tuple(found for condition in plan.filters if (found := _range(condition)))
    keys = tuple(each for condition in plan.filters if (each := _keys(condition)))
    return replace(plan, ranges=ranges, keys=keys) if ranges or keys else None


def compared(condition: Expression) -> tuple[Column, str, datetime | str] | None:
    """Return which ranged column a condition compares, by which operator, with which constant on its right side."""
    if not isinstance(condition, Apply) or len(condition.arguments) != 2:
        return None
    left, right = condition.arguments
    operator = condition.function.name
    if isinstance(left, Constant):
        left, right, operator = right, left, MIRRORED.get(operator, "")
    if operator not in MIRRORED or not isinstance(left, Column) or left.name not in RANGED:
        return None
    bound = right.value if isinstance(right, Constant) else None
    if not isinstance(bound, datetime | str) or isinstance(bound, datetime) != (left.name == "created"):
        return None
    return left, operator, bound


def _range(condition: Expression) -> Range | None:
    match compared(condition):
        case column, "gt" | "ge", bound:
            return Range(column.name, bound, None)
        case column, "lt" | "le", bound:
            return Range(column.name, None, bound)
        case column, _, bound:
            return Range(column.name, bound, bound)
        case None:
            return None


def _keys(condition: Expression) -> Keys | None:
    if not isinstance(condition, Apply) or condition.function.name not in ("eq", "in"):
        return None
    column, *values = condition.arguments
    if isinstance(column, Constant) and len(values) == 1:
        column, values = values[0], [column]
    if not isinstance(column, Column) or column.name not in KEYED:
        return None
    texts = [value.value for value in values if isinstance(value, Constant) and isinstance(value.value, str)]
    return Keys(column.name, tuple(texts)) if len(texts) == len(values) else None
