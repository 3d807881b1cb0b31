"""Lower a typed plan to the engine plan.

This is the door; :mod:`btql_planner.lowering.relation` makes SELECT statements of
plan nodes, :mod:`btql_planner.lowering.expression` SQL of expressions.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.engine_plan import EnginePlan
from btql_planner.expressions import Expression, PathValue
from btql_planner.finish import PREVIEWED, Answer
from btql_planner.lowering.relation import RelationLowering
from btql_planner.plan import Plan, Project
from btql_planner.plan_relations import SetOperation
from btql_planner.plan_traversal import walk


def lower(plan: Plan, answer: Answer | None = None) -> EnginePlan:
    """Return the engine plan for a rewritten plan, whose top is a Project."""
    assert isinstance(plan, Project)
    answer = answer or Answer()
    lowering = RelationLowering()
    select, outputs = lowering.answer(plan)
    outputs = tuple(
        replace(output, preview=answer.preview_length) if _is_previewed(item.expression) else output
        for item, output in zip(plan.items, outputs, strict=True)
    )
    united = any(isinstance(node, SetOperation) for node in walk(plan))
    return EnginePlan(tuple(lowering.stages), select, tuple(lowering.scans), outputs, answer, united)


def _is_previewed(expression: Expression) -> bool:
    return isinstance(expression, PathValue) and len(expression.path) == 1 and expression.path[0] in PREVIEWED
