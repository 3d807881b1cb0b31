"""Read the other output columns from the documents, too, when those are read anyway.

Before:  Project([id, created, input], Fetch([input], Limit(100, Sort(Scan))))
After:   Project([id, created, input], Fetch([id, created, input], Limit(100, Sort(Scan))))

The scan then reads the sort key alone, of every row, and the documents of a
hundred rows have the rest. So do those of the rows with an id, or of a trace, that
is asked for: ``Fetch(Sort(Scan(keys=[id in ('a')])))``.

Not applied without a limit or such ids, or over a large limit: for many rows,
columns are much cheaper than documents.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expression_traversal import walk
from btql_planner.expressions import Column, PathValue
from btql_planner.names import SYSTEM_KINDS
from btql_planner.plan import Fetch, Filter, Limit, Plan, Project, Sort
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import expressions, rewrite
from btql_planner.plan_traversal import walk as plan_nodes

ROWS_MAX = 1_000


def fetch_late(plan: Plan) -> Plan:
    """Return the plan with the columns of few rows read from their documents."""
    return rewrite(plan, _on_project)


def _gives_few(plan: Plan) -> bool:
    if isinstance(plan, Limit):
        return plan.count is not None and plan.count <= ROWS_MAX
    while isinstance(plan, Sort | Filter | Fetch):
        plan = plan.input
    return isinstance(plan, Scan) and bool(plan.keys)


def _on_project(plan: Plan) -> Plan | None:
    if not isinstance(plan, Project) or not isinstance(plan.input, Fetch):
        return None
    fetch = plan.input
    if fetch.source or not _gives_few(fetch.input):
        return None
    below = {used for node in plan_nodes(fetch.input) for expression in expressions(node) for used in walk(expression)}
    bare = [item.expression for item in plan.items]
    columns = tuple(
        dict.fromkeys(
            each.name
            for each in bare
            if isinstance(each, Column) and not each.source and each.name in SYSTEM_KINDS and each not in below
        )
    )
    paths = tuple(dict.fromkeys(each.path for each in bare if isinstance(each, PathValue) and not each.source))
    return replace(plan, input=replace(fetch, outputs=paths, columns=columns))
