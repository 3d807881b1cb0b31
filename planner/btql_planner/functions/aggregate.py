"""Counts, sums, means, extremes.

Null takes no part, and over no rows ``count`` is 0 and everything else null.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from btql_planner import sql_text, types
from btql_planner import value as values
from btql_planner.functions.call import ArgumentError, Call
from btql_planner.functions.declare import Any, Boolean, Integer, Measure, aggregate, number_type
from btql_planner.types import CONTENTS, NUMERIC, ORDER, Kind, Type
from btql_planner.value import ROW_BITS, Value

_MOVING = re.compile(r"(?:ROWS|RANGE|GROUPS) BETWEEN (?!UNBOUNDED PRECEDING)")


def first_type(arguments: Sequence[Type]) -> Type:
    """Return the type of the first argument."""
    return arguments[0] if arguments else types.NULL


@aggregate(scalars_only=True, bits=ROW_BITS)
def count(value: Any, *, call: Call) -> Integer:
    """Return in how many rows ``value`` is not null; ``count(*)`` counts all rows.

    >>> count(1)
    1
    """
    if len(value.everything) == 1:
        return call("count", value.everything[0])
    if call.over is None and value.parts and not value.marker:
        # In a row at most one of them is not null, and to count nulls the engine looks at no value.
        return f"({' + '.join(call('count', sql) for sql in value.parts.values())})"
    return call("count", f"CASE WHEN {values.present(value)} THEN 1 END" if value.everything else "NULL")


@aggregate(bits=ROW_BITS)
def count_distinct(value: Any, *, call: Call) -> Integer:
    """Return how many different values there are, nulls left out.

    >>> count_distinct('a')
    1
    """
    return replace(call, distinct=True)("count", values.key(value))


@aggregate(bits=ROW_BITS)
def approx_distinct(value: Any, *, call: Call) -> Integer:
    """Return about how many different values there are, in little memory: within a few per cent.

    >>> approx_distinct('a')
    1
    """
    if call.over is not None:
        return count_distinct(value, call=call)
    key = values.key(value)
    if [*value.parts] == [Kind.FLOAT]:
        # The engine has no sketch of floats.
        key = f"CAST({key} AS VARCHAR)"
    return f"CAST({call('approx_distinct', key)} AS BIGINT)"


@aggregate(scalars_only=True, bits=ROW_BITS)
def count_if(condition: Boolean, *, call: Call) -> Integer:
    """Return in how many rows the condition is true.

    >>> count_if(1 > 2)
    0
    """
    return call("count", f"CASE WHEN {condition} THEN 1 END")


def _measured(arguments: Sequence[Type]) -> Type:
    return types.INTERVAL if arguments[0] == types.INTERVAL else number_type(arguments)


def _mean(arguments: Sequence[Type]) -> Type:
    return types.INTERVAL if arguments[0] == types.INTERVAL else types.FLOAT


@aggregate(name="sum", returns=_measured, scalars_only=True)
def sum_(value: Measure, *, call: Call) -> Any:
    """Return the sum of the numbers, true counted as 1 and false as 0; or of the intervals.

    A sum of whole numbers is exact, and a float where it needs more than 64 bits.

    >>> sum(2)
    2
    """
    if value.type == types.INTERVAL:
        return _interval(call("sum", _seconds(value)))
    number = values.number(value, booleans=True)
    sql = values.single(number)
    if number.type == types.FLOAT:
        return values.of(Kind.FLOAT, call("sum", sql))
    # Not a cast: the engine gives a sum and the sum of the cast the same name, and then refuses both.
    return values.whole(call("sum", sql), call("sum", f"{sql} + CAST(0 AS DOUBLE)"), number.bits + ROW_BITS)


@aggregate(scalars_only=True, aliases=("mean",), returns=_mean)
def avg(value: Measure, *, call: Call) -> Any:
    """Return the mean of the numbers, true counted as 1 and false as 0; or of the intervals.

    >>> avg(2)
    2.0
    """
    if value.type == types.INTERVAL:
        return _interval(call("avg", _seconds(value)))
    number = values.single(values.number(value, booleans=True))
    return values.of(Kind.FLOAT, call("avg", f"CAST({number} AS DOUBLE)"))


def _seconds(value: Value) -> str:
    return f"date_part('epoch', {value.parts[Kind.INTERVAL]})"


def _interval(seconds: str) -> Value:
    """Return an interval of so many seconds, null where it is longer than 292 years."""
    micros = f"TRY_CAST(round({seconds} * 1000000) AS BIGINT)"
    known = f"CASE WHEN abs({seconds}) < 9200000000 THEN {micros} END"
    return values.of(
        Kind.INTERVAL, f"arrow_cast(arrow_cast({known}, 'Duration(Microsecond)'), 'Interval(MonthDayNano)')"
    )


@aggregate(name="min", returns=first_type)
def min_(value: Any, *, call: Call) -> Any:
    """Return the smallest value, by the order of a sort.

    >>> min('b')
    'b'
    """
    return _extreme("min", value, ORDER, call)


@aggregate(name="max", returns=first_type)
def max_(value: Any, *, call: Call) -> Any:
    """Return the largest value, by the order of a sort.

    >>> max('b')
    'b'
    """
    return _extreme("max", value, tuple(reversed(ORDER)), call)


@aggregate(returns=first_type)
def any_value(value: Any, *, call: Call) -> Any:
    """Return one of the values that are not null.

    >>> any_value('a')
    'a'
    """
    return _extreme("min", value, ORDER, call)


@aggregate(scalars_only=True, aliases=("every",))
def bool_and(condition: Boolean, *, call: Call) -> Boolean:
    """Return whether the condition is true in every row in which it is not null.

    >>> bool_and(1 < 2)
    True
    """
    return call("bool_and" if call.over is None else "min", condition)


@aggregate(scalars_only=True)
def bool_or(condition: Boolean, *, call: Call) -> Boolean:
    """Return whether the condition is true in any row.

    >>> bool_or(1 > 2)
    False
    """
    return call("bool_or" if call.over is None else "max", condition)


@aggregate(scalars_only=True)
def bit_and(value: Integer, *, call: Call) -> Integer:
    """Return the bits that all whole numbers have.

    >>> bit_and(6)
    6
    """
    return _bits("bit_and", value, call)


@aggregate(scalars_only=True)
def bit_or(value: Integer, *, call: Call) -> Integer:
    """Return the bits that any whole number has.

    >>> bit_or(6)
    6
    """
    return _bits("bit_or", value, call)


@aggregate(scalars_only=True)
def bit_xor(value: Integer, *, call: Call) -> Integer:
    """Return the bits that an odd number of the whole numbers have.

    >>> bit_xor(6)
    6
    """
    return _bits("bit_xor", value, call)


def _bits(function: str, value: str, call: Call) -> str:
    # The engine cannot take rows out of it again, and of bit_xor the last one leaves 0, not null.
    if call.over is not None and _MOVING.search(call.over) is not None:
        message = f"{function} over a window is of a frame that begins with UNBOUNDED PRECEDING, this one begins later"
        raise ArgumentError(message, 0, help="compute it in a subquery with GROUP BY, and join that")
    return call(function, value)


def _extreme(function: str, value: Value, order: Sequence[Kind], call: Call) -> Value:
    """Return the extreme of the first kind in ``order`` that the group has any value of."""
    if not value.parts:
        # Still an aggregate: a constant alone would make a row of each row.
        return values.of(Kind.TEXT, call(function, sql_text.null(Kind.TEXT)))
    if value.type >= CONTENTS and (contents := values.structure(value)):
        # Lists and JSON are one kind to the reader.
        others = {kind: sql for kind, sql in value.parts.items() if kind not in CONTENTS}
        value = Value({**others, Kind.JSON: contents}, bits=value.bits, apart=value.apart)
    found: dict[Kind, str] = {}
    before: list[str] = []
    numbers = [kind for kind in value.parts if kind in NUMERIC]
    for kind in order:
        if kind not in value.parts or kind in found:
            continue
        extremes = _numbers(function, value, numbers, call) if kind in NUMERIC else _one(function, value, kind, call)
        none_before = sql_text.all_of(before)
        found |= {k: sql if not before else f"CASE WHEN {none_before} THEN {sql} END" for k, sql in extremes.items()}
        before += [f"{call('count', value.parts[each])} = 0" for each in extremes]
    return Value(found, bits=value.bits, apart=value.apart)


def _one(function: str, value: Value, kind: Kind, call: Call) -> dict[Kind, str]:
    sql = value.parts[kind]
    match kind:
        case Kind.BOOLEAN:
            return {kind: f"CAST({call(function, f'CAST({sql} AS INT)')} AS BOOLEAN)"}
        case Kind.LIST | Kind.INTERVAL:
            (key,) = values.sort_keys(values.of(kind, sql))
            return {kind: _by_key(function, sql, key, call)}
        case _:
            return {kind: call(function, sql)}


def _numbers(function: str, value: Value, kinds: Sequence[Kind], call: Call) -> dict[Kind, str]:
    """Return the extreme number in whichever of the kinds it is: no digit is lost."""
    if len(kinds) == 1:
        return _number(function, value.parts[kinds[0]], kinds[0], call)
    extremes = {kind: _number(function, value.parts[kind], kind, call)[kind] for kind in kinds}
    floats = {kind: f"CAST({sql} AS DOUBLE)" for kind, sql in extremes.items()}
    best = f"{'least' if function == 'min' else 'greatest'}({', '.join(floats.values())})"
    found: dict[Kind, str] = {}
    taken: list[str] = []
    for kind in kinds:
        wins = f"{floats[kind]} = {best}"
        found[kind] = f"CASE WHEN {sql_text.all_of([*taken, wins])} THEN {extremes[kind]} END"
        taken.append(f"coalesce({floats[kind]} <> {best}, TRUE)")
    return found


def _number(function: str, sql: str, kind: Kind, call: Call) -> dict[Kind, str]:
    if kind is not Kind.BIG:
        return {kind: call(function, sql)}
    return {kind: _by_key(function, sql, f"CAST({sql} AS DOUBLE)", call)}


def _by_key(function: str, sql: str, key: str, call: Call) -> str:
    """Return the value with the extreme key."""
    if call.over is not None:
        # Over a window the engine sorts no rows for an aggregate, but a pair is compared by its key first.
        pair = f"CASE WHEN {sql} IS NOT NULL THEN named_struct('key', {key}, 'value', {sql}) END"
        return f"get_field({call(function, pair)}, 'value')"
    first = Call(order=(sql_text.OrderTerm(key, descending=function == "max"),), filter=call.filter)
    return first.ordered("first_value", sql)
