"""Aggregates over objects of numbers, key by key, and the operators that put summaries together."""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner import sql_text, types
from btql_planner.functions.call import Call
from btql_planner.functions.declare import Json, aggregate, operator
from btql_planner.spelling import as_json, as_member
from btql_planner.types import Kind
from btql_planner.value import Value, of, single


@aggregate(distinct=False, python=True)
def object_avg(value: Json, *, call: Call) -> Json:
    """Return the object of the means of all objects, key by key; true counts as 1, anything but a number not at all.

    >>> object_avg({good: 1, fast: 0.5})
    {'fast': 0.5, 'good': 1}
    """
    return f"btql_object_average({call('array_agg', value)})"


@aggregate(distinct=False, python=True)
def object_sum(value: Json, *, call: Call) -> Json:
    """Return the object of the sums of all objects, key by key; true counts as 1, anything but a number not at all.

    >>> object_sum({tokens: 12, cost: 0.5})
    {'cost': 0.5, 'tokens': 12}
    """
    return f"btql_object_total({call('array_agg', value)})"


@operator("compact_object", types.JSON)
def compact_object(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """Return an object without its null members, null where it has no others.

    Keys are JSON with a colon behind, in their order.
    """
    # What JSON has no number for is as good as null.
    members = [
        f"coalesce(',' || {single(key)} || {as_json(value)}, '')"
        for key, value in zip(values[::2], values[1::2], strict=True)
    ]
    return of(Kind.JSON, f"nullif('{{' || substr({' || '.join(members)}, 2) || '}}', '{{}}')")


@operator("object_with", types.JSON, python=True)
def object_with(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """Return an object with members set, or taken out where they are null; keys as above."""
    whole, *rest = values
    members = [f"{single(key)} || {as_member(value)}" for key, value in zip(rest[::2], rest[1::2], strict=True)]
    listed = " || ',' || ".join(members)
    changes = f"'{{' || {listed} || '}}'"
    return of(Kind.JSON, f"btql_object_with(coalesce({whole.get(Kind.JSON)}, {sql_text.text('{}')}), {changes})")
