"""Lower a typed plan to the engine plan.

This is the door; :mod:`btql_planner.lower_relation` makes SELECT statements of
plan nodes, :mod:`btql_planner.lower_expression` SQL of expressions.
"""

from __future__ import annotations

from btql_planner.engine_plan import EnginePlan
from btql_planner.lower_relation import RelationLowering
from btql_planner.plan import Plan, Project


def lower(plan: Plan) -> EnginePlan:
    """Return the engine plan for a rewritten plan, whose top is a Project."""
    assert isinstance(plan, Project)
    lowering = RelationLowering()
    select, outputs = lowering.answer(plan)
    return EnginePlan(tuple(lowering.stages), select, tuple(lowering.scans), outputs)
