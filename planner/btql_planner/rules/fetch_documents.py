"""Fetch what only the documents have, as high up as possible.

Before:  Project([input, id], Limit(50, Sort(Filter(input LIKE '%y%', Scan))))
After:   Project([input, id], Fetch([input], Limit(50, Sort(
             Filter(input LIKE '%y%', Fetch([input], Scan))))))

Documents are the heavy part of the data. A path that a filter needs is fetched
just below that filter; one that is only handed out is fetched after the last
row has been dropped, and as JSON text that is never taken apart.

A plan with a value that columns do not have cannot be lowered without this
rule, so it cannot be switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btql_planner.expressions import Expression, PathValue, walk
from btql_planner.plan import (
    Aggregate,
    Alias,
    Fetch,
    Filter,
    Limit,
    Nothing,
    Plan,
    Project,
    Scan,
    Sort,
    TraceLimit,
    TracePage,
    TraceSelection,
    TraceSummary,
    Unnest,
    expressions,
)

Path = tuple[str | int, ...]


def fetch_documents(plan: Plan) -> Plan:
    """Return the plan with a Fetch below every node that needs documents."""
    return _place(plan)[0]


def _place(plan: Plan) -> tuple[Plan, frozenset[Path]]:
    """Return the plan with fetches, and the paths that are there above it."""
    match plan:
        case Scan() | Nothing() | Fetch():
            return plan, frozenset()
        case TraceSelection():
            below, there = _place(plan.input)
            below, there = _fetch(below, _needed(expressions(plan)), there)
            return replace(plan, input=below, matching=tuple(_place(each)[0] for each in plan.matching)), there
        case TraceSummary():
            spans, there = _place(plan.spans)
            spans, _ = _fetch(spans, _needed(expressions(plan)), there)
            # Above are the root spans, of which no document was read yet.
            return replace(plan, spans=spans), frozenset()
        case Project():
            return _place_project(plan)
        case Alias():
            return replace(plan, input=_place(plan.input)[0]), frozenset()
        case Filter() | Sort() | Limit() | TraceLimit() | TracePage() | Unnest() | Aggregate():
            below, there = _place(plan.input)
            needed = _needed(expressions(plan))
            below, there = _fetch(below, needed, there)
            return replace(plan, input=below), frozenset() if isinstance(plan, Aggregate) else there


def _place_project(plan: Project) -> tuple[Plan, frozenset[Path]]:
    below, there = _place(plan.input)
    bare = [item.expression for item in plan.items if isinstance(item.expression, PathValue)]
    others = [item.expression for item in plan.items if not isinstance(item.expression, PathValue)]
    outputs = tuple(dict.fromkeys(path.path for path in bare if path.needs_document))
    needed = tuple(path for path in _needed(others) if path not in there)
    if outputs or needed:
        below = Fetch(below, needed, outputs)
    return replace(plan, input=below), frozenset()


def _fetch(below: Plan, needed: tuple[Path, ...], there: frozenset[Path]) -> tuple[Plan, frozenset[Path]]:
    missing = tuple(path for path in needed if path not in there)
    if not missing:
        return below, there
    return Fetch(below, missing), there | set(missing)


def _needed(used: Sequence[Expression]) -> tuple[Path, ...]:
    paths = [
        node.path
        for expression in used
        for node in walk(expression)
        if isinstance(node, PathValue) and node.needs_document
    ]
    return tuple(dict.fromkeys(paths))
