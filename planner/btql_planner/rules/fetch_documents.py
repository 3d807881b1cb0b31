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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from btql_planner.expressions import Expression, PathValue, walk
from btql_planner.plan import (
    Aggregate,
    Alias,
    Fetch,
    Nothing,
    Plan,
    Project,
    Scan,
    TraceSelection,
    TraceSummary,
    expressions,
    inputs,
    with_inputs,
)
from btql_planner.plan import walk as walk_plan
from btql_planner.plan_relations import Join, Lateral, Recursion, RecursiveTable, SetOperation, ValuesTable

Path = tuple[str | int, ...]


def fetch_documents(plan: Plan) -> Plan:
    """Return the plan with a Fetch below every node that needs documents."""
    aliased: dict[str, dict[Path, None]] = {}
    has_alias = any(isinstance(node, Alias) for node in walk_plan(plan))
    for node in walk_plan(plan) if has_alias else ():
        for used in expressions(node):
            for value in walk(used):
                if isinstance(value, PathValue) and value.source and value.needs_document:
                    aliased.setdefault(value.source, {})[value.path] = None
    return _Fetches({source: tuple(paths) for source, paths in aliased.items()}).place(plan)[0]


@dataclass(frozen=True, slots=True)
class _Fetches:
    aliased: Mapping[str, tuple[Path, ...]]
    """What is needed of each source that has a name of its own; it is fetched below its Alias."""

    def place(self, plan: Plan) -> tuple[Plan, frozenset[Path]]:
        """Return the plan with fetches, and the paths of its plain columns that are there above it."""
        match plan:
            case Scan() | Nothing() | Fetch() | ValuesTable() | Recursion():
                return plan, frozenset()
            case TraceSelection():
                below, there = self.place(plan.input)
                below, there = _fetch(below, _needed(expressions(plan)), there)
                return replace(plan, input=below, matching=tuple(self.place(each)[0] for each in plan.matching)), there
            case TraceSummary():
                spans, there = self.place(plan.spans)
                spans, _ = _fetch(spans, _needed(expressions(plan)), there)
                # Above are the root spans, of which no document was read yet.
                return replace(plan, spans=spans), frozenset()
            case Project():
                return self._project(plan)
            case Alias():
                below, there = self.place(plan.input)
                below, _ = _fetch(below, self.aliased.get(plan.source, ()), there)
                return replace(plan, input=below), frozenset()
            case Join() | Lateral():
                left, there = self.place(plan.left)
                left, there = _fetch(left, _needed(expressions(plan)), there)
                return replace(plan, left=left, right=self.place(plan.right)[0]), there
            case SetOperation() | RecursiveTable():
                return with_inputs(plan, tuple(self.place(each)[0] for each in inputs(plan))), frozenset()
            case _:
                below, there = self.place(plan.input)
                below, there = _fetch(below, _needed(expressions(plan)), there)
                return replace(plan, input=below), frozenset() if isinstance(plan, Aggregate) else there

    def _project(self, plan: Project) -> tuple[Plan, frozenset[Path]]:
        below, there = self.place(plan.input)
        bare = [item.expression for item in plan.items if _plain(item.expression) and not plan.source]
        others = [item.expression for item in plan.items if plan.source or not _plain(item.expression)]
        outputs = tuple(
            dict.fromkeys(each.path for each in bare if isinstance(each, PathValue) and each.needs_document)
        )
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
        if isinstance(node, PathValue) and not node.source and node.needs_document
    ]
    return tuple(dict.fromkeys(paths))


def _plain(expression: Expression) -> bool:
    """Whether an expression is a field and nothing else, of a relation without a name."""
    return isinstance(expression, PathValue) and not expression.source
