"""How many rows a plan can give at most, from what is known before anything is read.

A scan gives no more rows than the parts have that its statistics leave, and no more than it asks ids for. What is
above it gives no more than what is below, unless it multiplies rows: then nothing is known. These are bounds and no
guesses: a truth beyond one is a defect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from btql.execution.pruning import ruled_out
from btql_planner.plan import (
    Aggregate,
    Limit,
    Nothing,
    Plan,
    TraceLimit,
    TracePage,
    TraceSelection,
    TraceSummary,
    Unnest,
)
from btql_planner.plan_relations import Join, Lateral, Recursion, RecursiveTable, Series, SetOperation, ValuesTable
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import inputs

if TYPE_CHECKING:
    from btql.execution.sources import Sources
    from btql_planner.engine_plan import ScanSpec
    from btql_planner.plan_scan import Keys

Bound = int | None


def scan_bound(spec: ScanSpec, sources: Sources) -> int:
    """Return how many rows a scan can give at most."""
    rows = 0
    snapshots = sources.snapshots(spec.objects)
    for snapshot in snapshots:
        gone = snapshot.superseded
        mine = [each for each in snapshot.sources if ruled_out(spec, each) is None]
        rows += sum(each.stats.rows - len(gone[each.part_id]) for each in mine)
    keys: list[Keys] = [*spec.keys, *sources.keys(spec.objects)]
    # An id is that of one row of an object; span ids and traces may have any number.
    ids = [len(each.values) * len(snapshots) for each in keys if each.column == "id"]
    return min([rows, *ids])


def bounds_of(plan: Plan, scans: Mapping[int, int]) -> dict[int, Bound]:
    """Return the bound of each node, by its identity; ``scans`` has those of the scans."""
    found: dict[int, Bound] = {}

    def bound(node: Plan) -> Bound:
        if id(node) not in found:
            below = [bound(each) for each in inputs(node)]
            found[id(node)] = scans.get(id(node)) if isinstance(node, Scan) else _bound(node, below)
        return found[id(node)]

    bound(plan)
    return found


def _bound(node: Plan, below: list[Bound]) -> Bound:
    match node:
        case Nothing():
            return 1
        case ValuesTable():
            return len(node.rows)
        case Recursion() | RecursiveTable() | Series() | Lateral():
            return None
        case Limit():
            return _cut(below[0], node.count, node.offset)
        case TraceLimit() | TracePage() | TraceSelection():
            return below[0]
        case TraceSummary():
            return below[1]
        case Aggregate():
            return _groups(node, below[0])
        case Unnest():
            return None if node.entries is None else _both(below[0], len(node.entries), lambda a, b: a * b)
        case Join():
            if node.kind in ("semi", "anti"):
                return below[0]
            return (
                _both(below[0], below[1], lambda a, b: a * b)
                if node.condition is None and node.kind == "inner"
                else None
            )
        case SetOperation():
            return _set_operation(node, *below)
        case _:
            return below[0]


def _cut(below: Bound, count: int | None, offset: int) -> Bound:
    left = None if below is None else max(below - offset, 0)
    return min((each for each in (left, count) if each is not None), default=None)


def _groups(node: Aggregate, below: Bound) -> Bound:
    if not node.keys:
        return 1 if node.sets is None else len(node.sets)
    if below is None:
        return None
    # Without rows there is still a group for each empty set.
    return below if node.sets is None else max(below, 1) * len(node.sets)


def _set_operation(node: SetOperation, left: Bound, right: Bound) -> Bound:
    if node.op == "union":
        return _both(left, right, lambda a, b: a + b)
    if node.op == "except" or right is None:
        return left
    return right if left is None else min(left, right)


def _both(one: Bound, other: Bound, combined: Callable[[int, int], int]) -> Bound:
    return None if one is None or other is None else combined(one, other)
