"""What kinds of values a statement's parameters stand for, judged by what stands beside them.

The statement is bound with null in the place of each parameter, and the typed plan says what a null is compared
with or added to: that has the kinds that its value should have. A function that takes some kinds only says so by
itself. Where nothing tells, the answer is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, cast

from btql_grammar.span import Span
from btql_planner.expressions import AggregateCall, Apply, Constant, Expression, PathValue
from btql_planner.types import ANY, BOOLEAN, JSON, LIST, NULL, NUMBER, Kind, Type
from btql_storage.fields import NUMBER_FIELDS

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
    beside: Type = NULL.union(*map(_type_of, _alike(node)))
    if node.function.name in ("mul", "div") and Kind.INTERVAL in beside:
        # An interval goes with a number there, not with another one.
        beside = NUMBER
    if node.function.name == "json_contains" and beside != LIST:
        # Whatever the document is, a part of it is JSON.
        beside = JSON
    if node.function.name == "jsonb_set":
        beside = JSON
    for index, each in enumerate(node.arguments):
        if isinstance(each, Constant) and each.value is None and each.span in found:
            wanted = node.function.parameter(index).type
            if node.function.name == "if" and index % 2 == 0 and index < len(node.arguments) - 1:
                wanted = BOOLEAN
            found[each.span] |= beside if wanted >= ANY else wanted


def _alike(node: Apply | AggregateCall) -> Sequence[Expression]:
    """Return the arguments of a function that tell of what kinds the others are."""
    match node.function.name:
        case "if":
            # The results; what stands before each is a condition.
            return [*node.arguments[1::2], node.arguments[-1]]
        case "quantified":
            # What is compared with each item of a list.
            return node.arguments[:1]
        case _:
            return node.arguments


def _type_of(expression: Expression) -> Type:
    """Return the kinds of an expression, of a score or a metric also where no row has it yet."""
    is_number = isinstance(expression, PathValue) and len(expression.path) > 1 and expression.path[0] in NUMBER_FIELDS
    return NUMBER if is_number and not expression.type else expression.type


def _parts(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield from cast("tuple[object, ...]", node)
    elif not isinstance(node, Constant):
        for each in fields(node) if is_dataclass(node) else ():
            value = getattr(node, each.name)
            if isinstance(value, tuple) or is_dataclass(value):
                yield value
