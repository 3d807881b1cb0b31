"""What kinds of values a statement's parameters stand for, judged by what stands beside them.

The statement is bound with null in the place of each parameter, and the typed plan says what a null is compared
with or added to: that has the kinds that its value should have. A function that takes some kinds only says so by
itself. Where nothing tells, the answer is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, cast

from btql_grammar.span import Span
from btql_planner.expressions import AggregateCall, Apply, Constant
from btql_planner.types import ANY, NULL, NUMBER, Kind, Type

if TYPE_CHECKING:
    from btql_planner.plan import Plan


def kinds_of_parameters(plan: Plan, places: Mapping[Span, object]) -> dict[Span, Type]:
    """Return the kinds for the nulls that stand at ``places`` in a bound plan."""
    found: dict[Span, Type] = dict.fromkeys(places, NULL)
    waiting: list[object] = [plan]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Apply | AggregateCall):
            _look(node, found)
        waiting.extend(_parts(node))
    return found


def _look(node: Apply | AggregateCall, found: dict[Span, Type]) -> None:
    beside: Type = NULL.union(*(each.type for each in node.arguments))
    if node.function.name in ("mul", "div") and Kind.INTERVAL in beside:
        # An interval goes with a number there, not with another one.
        beside = NUMBER
    for index, each in enumerate(node.arguments):
        if isinstance(each, Constant) and each.value is None and each.span in found:
            wanted = node.function.parameter(index).type
            found[each.span] |= beside if wanted >= ANY else wanted


def _parts(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield from cast("tuple[object, ...]", node)
    elif not isinstance(node, Constant):
        for each in fields(node) if is_dataclass(node) else ():
            value = getattr(node, each.name)
            if isinstance(value, tuple) or is_dataclass(value):
                yield value
