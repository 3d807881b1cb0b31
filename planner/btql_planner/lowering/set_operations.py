"""Lower UNION, INTERSECT and EXCEPT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_planner import sql_text
from btql_planner.lowering.long_values import over_long_values
from btql_planner.lowering.tables import table
from btql_planner.plan_relations import SetOperation
from btql_planner.select import Select
from btql_planner.types import Kind
from btql_planner.value import Value, comparable

if TYPE_CHECKING:
    from btql_planner.lowering.relation import RelationLowering


def set_operation(lowering: RelationLowering, plan: SetOperation) -> Select:
    """Return both sides with the same columns, one for each kind that a value of either side may have."""
    below = lowering.lower(plan.left), lowering.lower(plan.right)
    (left, ones), (right, others) = (
        over_long_values(lowering.expressions, select, [pair[side] for pair in plan.columns])
        for side, select in enumerate(below)
    )
    pairs: list[tuple[Value, Value]] = []
    counts_copies = plan.all and plan.op != "union"
    for one, other in zip(ones, others, strict=True):
        sides = (
            lowering.expressions.expression(one, left.source),
            lowering.expressions.expression(other, right.source),
        )
        one_side, other_side = lowering.expressions.united(sides)
        # Of equal rows only one may be the first copy; otherwise the engine itself takes minus zero for zero.
        pairs.append((comparable(one_side), comparable(other_side)) if counts_copies else (one_side, other_side))
    kinds: dict[str, tuple[Kind, ...]] = {}
    for name, values, columns in zip(plan.names, pairs, plan.columns, strict=True):
        kinds[name] = tuple(kind for kind in Kind if any(kind in each.parts for each in values))
        lowering.expressions.note(name, *values)
        lowering.expressions.hide(name, *columns)
        for kind in kinds[name]:
            for side, each in zip((left, right), values, strict=True):
                side.outputs[f"{name}#{kind}"] = sql_text.typed(kind, each.get(kind))
    if counts_copies:
        left, right = _numbered_copies(left), _numbered_copies(right)
    words = plan.op.upper() + (" ALL" if plan.all and plan.op == "union" else "")
    return table(lowering, kinds, lambda: f"({left.render()}) {words} ({right.render()})")


def _numbered_copies(side: Select) -> Select:
    """Return the rows with a number for each copy: the engine itself does not count them."""
    copies = side.wrap()
    columns = ", ".join(copies.column(name) for name in side.outputs)
    copies.outputs["_copy"] = f"row_number() OVER ({f'PARTITION BY {columns}' if columns else ''})"
    return copies
