"""Fetch what only the documents have, as high up as possible.

Before:  Project([input, id], Limit(50, Sort(Filter(input LIKE '%y%', Scan))))
After:   Project([input, id], Fetch([input], Limit(50, Sort(
             Filter(input LIKE '%y%', Fetch([input], Scan))))))

Documents are the heavy part of the data. A path that a filter needs is fetched
just below that filter; one that is only handed out is fetched after the last
row has been dropped, and as JSON text that is never taken apart.

Where rows are joined, what is needed of a source is fetched below its Alias, so
that each document is read once; above a Limit it is fetched for what is left.

A plan with a value that columns do not have cannot be lowered without this
rule, so it cannot be switched off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from btql_planner.expression_traversal import walk
from btql_planner.expressions import Expression, PathValue
from btql_planner.plan import (
    Aggregate,
    Alias,
    Fetch,
    Limit,
    Nothing,
    Plan,
    Project,
    Sort,
    TraceLimit,
    TracePage,
    TraceSelection,
    TraceSummary,
)
from btql_planner.plan_relations import Join, Lateral, Recursion, RecursiveTable, SetOperation, Shared, ValuesTable
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import expressions, inputs, with_inputs
from btql_planner.plan_traversal import walk as walk_plan

Path = tuple[str | int, ...]
Use = tuple[str, Path]
"""A path of a relation; the relation is empty for plain ones."""
There = frozenset[Use]


def fetch_documents(plan: Plan) -> Plan:
    """Return the plan with a Fetch below every node that needs documents."""
    early: dict[str, dict[Path, None]] = {}
    has_alias = any(isinstance(node, Alias) for node in walk_plan(plan))
    for node in walk_plan(plan) if has_alias else ():
        if not (isinstance(node, Project) and _is_cut(node.input)):
            for source, path in _needed(expressions(node)):
                early.setdefault(source, {})[path] = None
    return _Fetches({source: tuple(paths) for source, paths in early.items() if source}).place(plan)[0]


def _is_cut(plan: Plan) -> bool:
    """Whether only some rows are left of what was joined: documents are read after that."""
    while isinstance(plan, Sort):
        plan = plan.input
    return isinstance(plan, Limit | TraceLimit | TracePage)


@dataclass(frozen=True, slots=True)
class _Fetches:
    early: Mapping[str, tuple[Path, ...]]
    """What is needed of sources with names of their own before rows are dropped; it is fetched below their Alias."""
    shared: dict[str, tuple[Plan, There]] = field(default_factory=dict[str, tuple[Plan, There]])

    def place(self, plan: Plan) -> tuple[Plan, There]:
        """Return the plan with fetches, and the paths that are there above it."""
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
                below, there = _fetch(below, [("", path) for path in self.early.get(plan.source, ())], there)
                return replace(plan, input=below), frozenset((plan.source, path) for _, path in there)
            case Join() | Lateral():
                left, there = self.place(plan.left)
                right, others = self.place(plan.right)
                left, there = _fetch(left, [use for use in _needed(expressions(plan)) if not use[0]], there)
                return replace(plan, left=left, right=right), there | others
            case Shared():
                if plan.name not in self.shared:
                    below, there = self.place(plan.input)
                    self.shared[plan.name] = replace(plan, input=below), there
                return self.shared[plan.name]
            case SetOperation() | RecursiveTable():
                return with_inputs(plan, tuple(self.place(each)[0] for each in inputs(plan))), frozenset()
            case _:
                below, there = self.place(plan.input)
                below, there = _fetch(below, _needed(expressions(plan)), there)
                return replace(plan, input=below), frozenset() if isinstance(plan, Aggregate) else there

    def _project(self, plan: Project) -> tuple[Plan, There]:
        below, there = self.place(plan.input)
        used = [item.expression for item in plan.items]
        bare = dict.fromkeys(each for each in used if isinstance(each, PathValue) and not plan.source)
        others = [each for each in used if each not in bare]
        outputs = [use for use in _needed(tuple(bare)) if not use[0] or use not in there]
        needed = [use for use in _needed(others) if use not in there]
        for source in dict.fromkeys(source for source, _ in (*needed, *outputs)):
            below = Fetch(below, _of(source, needed), _of(source, outputs), source=source)
        return replace(plan, input=below), frozenset()


def _fetch(below: Plan, needed: Sequence[Use], there: There) -> tuple[Plan, There]:
    missing = [use for use in needed if use not in there]
    for source in dict.fromkeys(source for source, _ in missing):
        below = Fetch(below, _of(source, missing), source=source)
    return below, there | set(missing)


def _of(source: str, uses: Sequence[Use]) -> tuple[Path, ...]:
    return tuple(path for relation, path in uses if relation == source)


def _needed(used: Sequence[Expression]) -> tuple[Use, ...]:
    paths = [
        (node.source, node.path)
        for expression in used
        for node in walk(expression)
        if isinstance(node, PathValue) and node.needs_document
    ]
    return tuple(dict.fromkeys(paths))
