"""Going through a plan and changing it, whatever its nodes are: what is below a node, and what it evaluates.

A node that is new in :mod:`btql_planner.plan` gets its branches here; rules need none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import is_

from btql_planner.expressions import Expression
from btql_planner.plan import (
    Aggregate,
    Filter,
    Named,
    Nothing,
    Plan,
    Project,
    Sort,
    TraceLimit,
    TraceSelection,
    TraceSummary,
    Unnest,
)
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
from btql_planner.plan_scan import Scan


def inputs(plan: Plan) -> tuple[Plan, ...]:
    """Return the nodes directly below."""
    match plan:
        case Scan() | Nothing() | ValuesTable() | Recursion():
            return ()
        case Join() | Lateral() | SetOperation():
            return (plan.left, plan.right)
        case RecursiveTable():
            return (plan.anchor, plan.step)
        case TraceSelection():
            return (plan.input, *plan.matching)
        case TraceSummary():
            return (plan.roots, plan.spans)
        case _:
            return (plan.input,)


def walk(plan: Plan) -> Iterator[Plan]:
    """Yield the node and everything below it, parents first; what is below Shared rows comes once."""
    shared: set[str] = set()
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Shared):
            if node.name in shared:
                continue
            shared.add(node.name)
        waiting.extend(reversed(inputs(node)))


def with_inputs(plan: Plan, new: tuple[Plan, ...]) -> Plan:
    """Return the node over other inputs."""
    if all(map(is_, new, inputs(plan))):
        return plan
    match plan:
        case Scan() | Nothing() | ValuesTable() | Recursion():
            return plan
        case Join() | Lateral() | SetOperation():
            return replace(plan, left=new[0], right=new[1])
        case RecursiveTable():
            return replace(plan, anchor=new[0], step=new[1])
        case TraceSelection():
            return replace(plan, input=new[0], matching=new[1:])
        case TraceSummary():
            return replace(plan, roots=new[0], spans=new[1])
        case _:
            return replace(plan, input=new[0])


def expressions(plan: Plan) -> tuple[Expression, ...]:
    """Return the expressions that the node itself evaluates."""
    match plan:
        case Scan():
            return plan.filters
        case Filter() | TraceSelection():
            return (plan.condition,)
        case TraceSummary():
            return tuple(named.expression for named in plan.measures)
        case Unnest():
            return (plan.expression,) if plan.entries is None else tuple(value for _, value in plan.entries)
        case Aggregate():
            return tuple(named.expression for named in (*plan.keys, *plan.measures))
        case Project():
            return tuple(item.expression for item in plan.items)
        case Sort() | TraceLimit():
            return tuple(key.expression for key in plan.keys)
        case Join():
            return () if plan.condition is None else (plan.condition,)
        case Lateral():
            return (*plan.arguments, *(() if plan.condition is None else (plan.condition,)))
        case Window():
            return tuple(item.expression for item in plan.items)
        case Series():
            return plan.arguments
        case Numbered():
            return plan.keys
        case ValuesTable():
            return tuple(each for row in plan.rows for each in row)
        case _:
            return ()


def map_expressions(plan: Plan, change: Callable[[Expression], Expression]) -> Plan:
    """Return the node with ``change`` applied to each expression that it evaluates."""
    match plan:
        case Filter() | TraceSelection():
            return replace(plan, condition=change(plan.condition))
        case TraceSummary():
            return replace(plan, measures=_map_named(plan.measures, change))
        case Unnest():
            entries = plan.entries and tuple((key, change(value)) for key, value in plan.entries)
            return replace(plan, expression=change(plan.expression), entries=entries)
        case Aggregate():
            return replace(plan, keys=_map_named(plan.keys, change), measures=_map_named(plan.measures, change))
        case Project():
            return replace(plan, items=_map_named(plan.items, change))
        case Sort() | TraceLimit():
            return replace(plan, keys=tuple(replace(key, expression=change(key.expression)) for key in plan.keys))
        case Join():
            return plan if plan.condition is None else replace(plan, condition=change(plan.condition))
        case Lateral():
            condition = None if plan.condition is None else change(plan.condition)
            return replace(plan, arguments=tuple(map(change, plan.arguments)), condition=condition)
        case Window():
            return replace(plan, items=_map_named(plan.items, change))
        case Series():
            return replace(plan, arguments=tuple(map(change, plan.arguments)))
        case Numbered():
            return replace(plan, keys=tuple(map(change, plan.keys)))
        case ValuesTable():
            return replace(plan, rows=tuple(tuple(map(change, row)) for row in plan.rows))
        case _:
            return plan


def _map_named(items: tuple[Named, ...], change: Callable[[Expression], Expression]) -> tuple[Named, ...]:
    return tuple(replace(item, expression=change(item.expression)) for item in items)


def rewrite(plan: Plan, change: Callable[[Plan], Plan | None]) -> Plan:
    """Return the plan with ``change`` tried on every node, inputs first."""

    def changed(node: Plan, below: Callable[[Plan], Plan]) -> Plan:
        node = with_inputs(node, tuple(map(below, inputs(node))))
        return change(node) or node

    return _each_once(plan, changed)


def rewrite_down(plan: Plan, change: Callable[[Plan], Plan | None]) -> Plan:
    """Return the plan with ``change`` tried on every node, as often as it changes anything, before its inputs."""

    def changed(node: Plan, below: Callable[[Plan], Plan]) -> Plan:
        while (new := change(node)) is not None:
            node = new
        return with_inputs(node, tuple(map(below, inputs(node))))

    return _each_once(plan, changed)


def _each_once(plan: Plan, change: Callable[[Plan, Callable[[Plan], Plan]], Plan]) -> Plan:
    """Return the plan with each node changed, Shared rows once for all places where they are read.

    Each level of queries inside queries would double the work else.
    """
    shared: dict[str, Plan] = {}

    def changed(node: Plan) -> Plan:
        if not isinstance(node, Shared):
            return change(node, changed)
        if node.name not in shared:
            shared[node.name] = change(node, changed)
        return shared[node.name]

    return changed(plan)
