"""Aggregates that gather values: lists, arrays, objects, joined texts.

``ORDER BY`` in the parentheses says in which order; without it any order may come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btql_planner import sql_text, types
from btql_planner import value as values
from btql_planner.functions.aggregate import first_type
from btql_planner.functions.call import ArgumentError, Call, written_text
from btql_planner.functions.declare import Any, Json, Text, aggregate
from btql_planner.spelling import as_member, as_text
from btql_planner.types import Kind, Type
from btql_planner.value import Value, of


@aggregate(order="by", aliases=("listagg",))
def string_agg(value: Any, separator: Text, *, call: Call) -> Text:
    """Return the values as texts, joined by ``separator``; nulls are left out.

    >>> string_agg('a', ', ')
    'a'
    """
    if written_text(separator) is None:
        raise ArgumentError("string_agg takes a separator that is written in the query", 1)
    known = _in_order(call, value).where(values.present(value) if value.parts else "FALSE")
    if _sorted_later(known) and value.type != types.TEXT:
        return f"btql_array_text({_json_array(value, known)}, {separator}, '')"
    # The engine's own string_agg takes only one order in a query.
    return f"array_to_string({known.ordered('array_agg', as_text(value))}, {separator})"


def _array_type(arguments: Sequence[Type]) -> Type:
    return types.LIST if arguments[0] == types.TEXT else types.JSON


@aggregate(order="by", returns=_array_type)
def array_agg(value: Any, *, call: Call) -> Any:
    """Return the values as an array; nulls are kept.

    >>> array_agg('a')
    ['a']
    """
    call = _in_order(call, value)
    if value.type == types.TEXT:
        return of(Kind.LIST, call.ordered("array_agg", values.single(value)))
    return of(Kind.JSON, _json_array(value, call))


@aggregate(order="by", aliases=("json_agg",))
def jsonb_agg(value: Any, *, call: Call) -> Json:
    """Return the values as an array; nulls are kept.

    >>> jsonb_agg(1)
    [1]
    """
    return _json_array(value, _in_order(call, value))


@aggregate(order="by", aliases=("json_object_agg",), distinct=False, python=True)
def jsonb_object_agg(key: Any, value: Any, *, call: Call) -> Json:
    """Return an object with a key for each row; the last row of a key counts, and null is no key.

    >>> jsonb_object_agg('a', 1)
    {'a': 1}
    """
    pair = f"(btql_json_quote({as_text(key)}) || ':' || {as_member(value)})"
    members = call.where(values.present(key) if key.parts else "FALSE").ordered("array_agg", pair)
    return f"btql_json_canonical('{{' || array_to_string({members}, ',') || '}}')"


@aggregate(order="by", returns=first_type, distinct=False)
def first(value: Any, *, call: Call) -> Any:
    """Return the value of the first row in the order that is asked for, null if that is null.

    >>> first('a' ORDER BY 1)
    'a'
    """
    return _end("first_value", value, call)


@aggregate(order="by", returns=first_type, distinct=False)
def last(value: Any, *, call: Call) -> Any:
    """Return the value of the last row in the order that is asked for, null if that is null.

    >>> last('a' ORDER BY 1)
    'a'
    """
    return _end("last_value", value, call)


def _in_order(call: Call, value: Value) -> Call:
    """Return a call that sorts different values where no order is asked for, as Postgres does.

    The engine gives them in another order each time.
    """
    if not call.distinct or call.order or call.over is not None or not value.parts:
        return call
    return replace(call, order=(sql_text.OrderTerm(as_text(value)),))


def _sorted_later(call: Call) -> bool:
    """Whether values are sorted once they are different: the engine sorts only by what it tells apart by."""
    return call.distinct and bool(call.order)


def _json_array(value: Value, call: Call) -> str:
    inner = replace(call, order=()) if _sorted_later(call) else call
    array = f"('[' || array_to_string({inner.ordered('array_agg', as_member(value))}, ',') || ']')"
    return f"btql_array_sort({array}, '{call.direction}')" if _sorted_later(call) else array


def _end(function: str, value: Value, call: Call) -> Value:
    if not value.parts:
        return of(Kind.TEXT, call(function, sql_text.null(Kind.TEXT)))
    parts = {kind: call.ordered(function, sql) for kind, sql in value.parts.items()}
    return Value(parts, bits=value.bits, apart=value.apart)
