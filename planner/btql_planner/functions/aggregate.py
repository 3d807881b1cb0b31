"""Aggregates. Null takes no part; over no rows ``count`` is 0 and the others null."""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner import sql_text, types
from btql_planner import value as values
from btql_planner.functions.registry import (
    Any,
    ArgumentError,
    Boolean,
    Float,
    Integer,
    Number,
    NumberValue,
    aggregate,
    number_type,
    written_number,
)
from btql_planner.types import ORDER, Kind, Type
from btql_planner.value import Value

ROW_BITS = 40
"""More rows than two to this power are never added up."""


def _first_type(arguments: Sequence[Type]) -> Type:
    return arguments[0] if arguments else types.NULL


@aggregate(scalar=True)
def count(value: Any) -> Integer:
    """Return in how many rows ``value`` is not null; ``count(*)`` counts all rows.

    >>> count(1)
    1
    """
    if len(value.everything) == 1:
        return f"count({value.everything[0]})"
    return f"count(CASE WHEN {values.present(value)} THEN 1 END)" if value.everything else "count(NULL)"


@aggregate
def count_distinct(value: Any) -> Integer:
    """Return how many different values there are, nulls left out.

    >>> count_distinct('a')
    1
    """
    return f"count(DISTINCT {values.key(value)})"


@aggregate(scalar=True)
def count_if(condition: Boolean) -> Integer:
    """Return in how many rows the condition is true.

    >>> count_if(1 > 2)
    0
    """
    return f"count(CASE WHEN {condition} THEN 1 END)"


@aggregate(name="sum", returns=number_type, scalar=True)
def sum_(value: NumberValue) -> Any:
    """Return the sum of the numbers; true counts as 1 and false as 0.

    A sum of whole numbers is exact, and a float where it needs more than 64 bits.

    >>> sum(2)
    2
    """
    number = values.number(value, booleans=True)
    sql = values.single(number)
    if number.type == types.FLOAT:
        return values.of(Kind.FLOAT, f"sum({sql})")
    # Not a cast: the engine gives a sum and the sum of the cast the same name, and then refuses both.
    return values.whole(f"sum({sql})", f"sum({sql} + CAST(0 AS DOUBLE))", number.bits + ROW_BITS)


@aggregate(scalar=True)
def avg(value: Number) -> Float:
    """Return the mean of the numbers; true counts as 1 and false as 0.

    >>> avg(2)
    2.0
    """
    return f"avg(CAST({value} AS DOUBLE))"


@aggregate(scalar=True)
def percentile(value: Number, fraction: Float) -> Float:
    """Return the value below which ``fraction`` (0 to 1) of the numbers lie.

    All numbers are looked at; between two of them the value is interpolated, to a millionth of their distance.

    >>> percentile(3, 0.5)
    3.0
    """
    share = written_number(fraction)
    if share is None or not 0 <= share <= 1:
        raise ArgumentError("percentile takes a fraction that is written in the query, from 0 to 1", 1)
    return f"percentile_cont({share}) WITHIN GROUP (ORDER BY CAST({value} AS DOUBLE))"


@aggregate(name="min", returns=_first_type)
def min_(value: Any) -> Any:
    """Return the smallest value.

    >>> min('b')
    'b'
    """
    return _extreme("min", value, ORDER)


@aggregate(name="max", returns=_first_type)
def max_(value: Any) -> Any:
    """Return the largest value.

    >>> max('b')
    'b'
    """
    return _extreme("max", value, tuple(reversed(ORDER)))


@aggregate(returns=_first_type)
def any_value(value: Any) -> Any:
    """Return one of the values that are not null.

    >>> any_value('a')
    'a'
    """
    return _extreme("min", value, ORDER)


def _extreme(function: str, value: Value, order: Sequence[Kind]) -> Value:
    """Return the extreme of the first kind in ``order`` that the group has any value of."""
    if value.type >= types.NUMBER:
        parts = {kind: sql for kind, sql in value.parts.items() if kind not in types.NUMBER}
        value = Value({**parts, Kind.FLOAT: values.single(values.number(value))})
    kinds = [kind for kind in order if kind in value.parts]
    found: dict[Kind, str] = {}
    for index, kind in enumerate(kinds):
        sql = f"{function}({value.parts[kind]})"
        if kind is Kind.BOOLEAN:
            sql = f"CAST({function}(CAST({value.parts[kind]} AS INT)) AS BOOLEAN)"
        before = sql_text.all_of([f"count({value.parts[earlier]}) = 0" for earlier in kinds[:index]])
        found[kind] = sql if index == 0 else f"CASE WHEN {before} THEN {sql} END"
    return Value(found)
