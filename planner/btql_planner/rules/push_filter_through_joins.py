"""Push conditions on one relation below joins and names, to the relation itself.

Before:  Filter(t1.model = 'x' and t1.id = t2.id, Join inner(Alias t1(Scan), Alias t2(Scan)))
After:   Join inner on t1.id = t2.id (Alias t1(Filter(model = 'x', Scan)), Alias t2(Scan))

What is below an Alias is a query over one source, so the rules for those go on
from there: they leave out parts, ask the text index, read fewer documents. A
condition between both sides of an inner join becomes one of the join.

Not applied to the side of an outer join that may be filled with nulls, as the
condition is about the rows after the join. The condition of a left join itself
may go to its right side, and of a right join to its left side.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.conditions import all_of, with_conditions
from btql_planner.expression_traversal import conjuncts, walk, without_source
from btql_planner.expressions import Apply, Expression
from btql_planner.plan import Alias, Filter, Plan
from btql_planner.plan_relations import Join
from btql_planner.plan_traversal import rewrite_down
from btql_planner.relations import sources, sources_of


def push_filter_through_joins(plan: Plan) -> Plan:
    """Return the plan with conditions as far down as they can be."""
    return rewrite_down(plan, _pushed)


def _pushed(plan: Plan) -> Plan | None:
    if isinstance(plan, Filter) and isinstance(_below_filters(plan), Join | Alias):
        return _push(plan.input, conjuncts(plan.condition))
    return _from_condition(plan) if isinstance(plan, Join) else None


def _below_filters(plan: Plan) -> Plan:
    while isinstance(plan, Filter):
        plan = plan.input
    return plan


def _push(plan: Plan, conditions: list[Expression]) -> Plan | None:
    """Return the plan with conditions on its rows inside it, and a filter for the others; None where all stay."""
    inside: list[Expression]
    match plan:
        case Alias():
            inside = [each for each in conditions if sources_of(each) <= {plan.source} and not _volatile(each)]
            below = [without_source(each, plan.source) for each in inside]
            changed: Plan = replace(plan, input=with_conditions(plan.input, below))
        case Filter():
            inside = conditions
            changed = with_conditions(plan.input, [*conjuncts(plan.condition), *conditions])
        case Join():
            left, right = sources(plan.left), sources(plan.right)
            to_left = [each for each in conditions if _about(each, left) and plan.kind not in ("right", "full")]
            to_right = [
                each
                for each in conditions
                if each not in to_left and _about(each, right) and plan.kind in ("inner", "right")
            ]
            between = [
                each
                for each in conditions
                if plan.kind == "inner" and each not in to_left and each not in to_right and not _volatile(each)
            ]
            inside = [*to_left, *to_right, *between]
            changed = replace(
                plan,
                left=with_conditions(plan.left, to_left),
                right=with_conditions(plan.right, to_right),
                condition=_both(plan.condition, between),
            )
        case _:
            return None
    if not inside:
        return None
    return with_conditions(changed, [each for each in conditions if each not in inside])


def _from_condition(plan: Join) -> Plan | None:
    """Return the join with those parts of its condition that are about one side moved there."""
    if plan.condition is None:
        return None
    parts = conjuncts(plan.condition)
    left, right = sources(plan.left), sources(plan.right)
    to_left = [each for each in parts if _about(each, left) and plan.kind in ("inner", "right", "semi")]
    to_right = [
        each
        for each in parts
        if each not in to_left and _about(each, right) and plan.kind in ("inner", "left", "semi", "anti")
    ]
    if not to_left and not to_right:
        return None
    rest = [each for each in parts if each not in to_left and each not in to_right]
    return replace(
        plan,
        left=with_conditions(plan.left, to_left),
        right=with_conditions(plan.right, to_right),
        condition=_both(None, rest),
    )


def _both(condition: Expression | None, others: list[Expression]) -> Expression | None:
    return all_of([*(() if condition is None else conjuncts(condition)), *others])


def _about(condition: Expression, relations: frozenset[str]) -> bool:
    found = sources_of(condition)
    return bool(found) and found <= relations and not _volatile(condition)


def _volatile(condition: Expression) -> bool:
    return any(
        isinstance(node, Apply) and (node.function.volatile or node.function.name == "at_most_one")
        for node in walk(condition)
    )
