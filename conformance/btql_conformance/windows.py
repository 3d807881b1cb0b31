"""Window functions: a call with OVER, worked out for one row by looking at all rows of its partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from btql_conformance.aggregates import AGGREGATES
from btql_conformance.operators import arithmetic
from btql_conformance.ordering import Keys, by_keys, sorted_by
from btql_conformance.scope import EvaluationError, Scope
from btql_conformance.values import Value, identity, sort_order
from btql_grammar import tree

Evaluate = Callable[[tree.Expression, Scope], Value]
_WHOLE = tree.Frame("rows", tree.Bound("unbounded preceding"), tree.Bound("unbounded following"))
_UP_TO_HERE = tree.Frame("range", tree.Bound("unbounded preceding"), tree.Bound("current row"))


@dataclass(frozen=True, slots=True)
class _Partition:
    """The rows of one partition in order, and where the row in question is."""

    rows: Sequence[Scope]
    keys: Sequence[Keys]
    order: Sequence[tree.SortItem]
    here: int

    def tied(self, one: int, other: int) -> bool:
        """Whether two rows have the same sort keys; without any, all have."""
        return not self.order or by_keys(self.keys[one], self.keys[other], self.order) == 0


def windowed(call: tree.Call, scope: Scope, evaluate: Evaluate) -> Value:
    """Return the value of a window function in the row of ``scope``."""
    assert call.window is not None
    window = _resolved(call.window, scope)
    partition = _partition(window, scope, evaluate)
    if call.name in _NUMBERING:
        return _NUMBERING[call.name](partition, [evaluate(argument, scope) for argument in call.arguments])
    if call.name in ("lag", "lead"):
        return _offset(call, partition, scope, evaluate)
    frame = _frame(window.frame or (_UP_TO_HERE if window.order else _WHOLE), partition, evaluate)
    members = [partition.rows[at] for at in frame]
    if call.filter is not None:
        members = [member for member in members if evaluate(call.filter, member) is True]
    if call.name in ("first_value", "last_value", "nth_value"):
        return _nth(call, members, evaluate)
    arguments = call.arguments
    if not arguments or isinstance(arguments[0], tree.Star):
        arguments = (tree.Literal(1),)
    rows = [tuple(evaluate(argument, member) for argument in arguments) for member in members]
    if call.distinct:
        rows = list({tuple(map(identity, row)): row for row in rows}.values())
    return AGGREGATES[call.name](rows)


def _resolved(window: tree.Window, scope: Scope) -> tree.Window:
    if window.base is None:
        return window
    base = _resolved(scope.windows[window.base], scope)
    return replace(
        window,
        base=None,
        partition=base.partition or window.partition,
        order=base.order or window.order,
        frame=window.frame or base.frame,
    )


def _partition(window: tree.Window, scope: Scope, evaluate: Evaluate) -> _Partition:
    wanted = [identity(evaluate(key, scope)) for key in window.partition]
    rows = [peer for peer in scope.peers if [identity(evaluate(key, peer)) for key in window.partition] == wanted]
    rows = [replace(row, peers=scope.peers) for row in rows]
    keyed = sorted_by(
        ((tuple(evaluate(item.expression, row) for item in window.order), row) for row in rows), window.order
    )
    here = next(at for at, (_, row) in enumerate(keyed) if _is(row, scope))
    return _Partition([row for _, row in keyed], [key for key, _ in keyed], window.order, here)


def _is(one: Scope, other: Scope) -> bool:
    """Whether two scopes are the same row: the very same group, or the very same row of each relation."""
    if one.group is not None or other.group is not None:
        return one.group is other.group
    return all(left[1] is right[1] for left, right in zip(one.relations, other.relations, strict=True))


# Numbering


def _rank(partition: _Partition) -> int:
    return next(at for at in range(len(partition.rows)) if partition.tied(at, partition.here)) + 1


def _dense_rank(partition: _Partition) -> int:
    return sum(at == 0 or not partition.tied(at - 1, at) for at in range(partition.here + 1))


def _last_tied(partition: _Partition) -> int:
    return max(at for at in range(len(partition.rows)) if partition.tied(at, partition.here))


def _ntile(partition: _Partition, buckets: int) -> int:
    size, larger = divmod(len(partition.rows), buckets)
    edge = larger * (size + 1)
    if partition.here < edge:
        return partition.here // (size + 1) + 1
    return larger + (partition.here - edge) // size + 1


_NUMBERING: dict[str, Callable[[_Partition, list[Value]], Value]] = {
    "row_number": lambda partition, _: partition.here + 1,
    "rank": lambda partition, _: _rank(partition),
    "dense_rank": lambda partition, _: _dense_rank(partition),
    "percent_rank": lambda p, _: (_rank(p) - 1) / (len(p.rows) - 1) if len(p.rows) > 1 else 0.0,
    "cume_dist": lambda partition, _: (_last_tied(partition) + 1) / len(partition.rows),
    "ntile": lambda partition, arguments: _ntile(partition, cast("int", arguments[0])),
}


def _offset(call: tree.Call, partition: _Partition, scope: Scope, evaluate: Evaluate) -> Value:
    arguments = list(call.arguments)
    distance = cast("int", evaluate(arguments[1], scope)) if len(arguments) > 1 else 1
    step = 1 if call.name == "lead" else -1
    if call.ignore_nulls:
        return _offset_present(call, partition, step, distance, evaluate)
    at = partition.here + step * distance
    if 0 <= at < len(partition.rows):
        return evaluate(arguments[0], partition.rows[at])
    return evaluate(arguments[2], scope) if len(arguments) > 2 else None


def _offset_present(call: tree.Call, partition: _Partition, step: int, distance: int, evaluate: Evaluate) -> Value:
    at = partition.here + step
    while 0 <= at < len(partition.rows):
        value = evaluate(call.arguments[0], partition.rows[at])
        distance -= value is not None
        if value is not None and not distance:
            return value
        at += step
    return None


def _nth(call: tree.Call, members: Sequence[Scope], evaluate: Evaluate) -> Value:
    values = [evaluate(call.arguments[0], member) for member in members]
    if call.ignore_nulls:
        values = [value for value in values if value is not None]
    if call.name == "nth_value":
        at = cast("int", evaluate(call.arguments[1], members[0])) - 1 if members else 0
    else:
        at = 0 if call.name == "first_value" else len(values) - 1
    return values[at] if 0 <= at < len(values) else None


# Frames


def _frame(frame: tree.Frame, partition: _Partition, evaluate: Evaluate) -> list[int]:
    """Return which rows of the partition are in the frame of the row in question."""
    return [
        at
        for at in range(len(partition.rows))
        if _reaches(frame, frame.start, partition, at, evaluate, first=True)
        and _reaches(frame, frame.end, partition, at, evaluate, first=False)
    ]


def _reaches(
    frame: tree.Frame, bound: tree.Bound, partition: _Partition, at: int, evaluate: Evaluate, *, first: bool
) -> bool:
    """Whether row ``at`` is on the right side of a bound."""
    if bound.kind.startswith("unbounded"):
        return True
    distance = evaluate(bound.distance, partition.rows[partition.here]) if bound.distance is not None else 0
    sign = -1 if bound.kind == "preceding" else 1
    if frame.unit == "rows":
        edge = partition.here + sign * cast("int", distance)
        return at >= edge if first else at <= edge
    if frame.unit == "groups":
        edge = _group(partition, partition.here) + sign * cast("int", distance)
        return _group(partition, at) >= edge if first else _group(partition, at) <= edge
    if bound.kind == "current row":
        return partition.tied(at, partition.here) or (at > partition.here if first else at < partition.here)
    return _within_range(partition, at, distance, sign, first=first)


def _group(partition: _Partition, at: int) -> int:
    return sum(not partition.tied(row - 1, row) for row in range(1, at + 1))


def _within_range(partition: _Partition, at: int, distance: Value, sign: int, *, first: bool) -> bool:
    if len(partition.order) != 1:
        raise EvaluationError("RANGE with a distance needs one sort key")
    descending = partition.order[0].direction == "desc"
    here, there = partition.keys[partition.here][0], partition.keys[at][0]
    if here is None or there is None:
        return here is there
    edge = arithmetic("add" if (sign > 0) != descending else "sub", here, distance)
    if edge is None:
        raise EvaluationError("RANGE with a distance needs numbers or times")
    sign = sort_order(there, edge) * (-1 if descending else 1)
    return sign >= 0 if first else sign <= 0
