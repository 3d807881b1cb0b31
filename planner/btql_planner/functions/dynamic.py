"""Functions that take and return values of any kind."""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner import compare, types
from btql_planner import value as values
from btql_planner.functions.declare import Any, scalar, union_type
from btql_planner.types import Type
from btql_planner.value import Value


def _first_type(arguments: Sequence[Type]) -> Type:
    return arguments[0]


@scalar(returns=union_type)
def coalesce(*items: Any) -> Any:
    """Return the first item that is not null.

    >>> coalesce(null, 'a', 'b')
    'a'
    """
    return values.coalesce(items)


@scalar(returns=_first_type)
def nullif(value: Any, other: Any) -> Any:
    """Return null where both are equal, else ``value``.

    >>> nullif(1, 2)
    1
    """
    return values.choose([(compare.equal(value, other, exact=False), Value())], value)


@scalar(returns=union_type)
def least(*items: Any) -> Any:
    """Return the smallest item that is not null.

    >>> least(3, null, 2)
    2
    """
    return _extreme("<", items)


@scalar(returns=union_type)
def greatest(*items: Any) -> Any:
    """Return the largest item that is not null.

    >>> greatest(3, null, 2)
    3
    """
    return _extreme(">", items)


def _extreme(symbol: str, items: Sequence[Value]) -> Value:
    names = {"<": "least", ">": "greatest"}
    kinds = types.NULL.union(*(item.type for item in items))
    if kinds <= types.NUMBER:
        numbers = [values.number(item) for item in items if item.parts]
        listed = ", ".join(values.single(number) for number in numbers)
        fractional = any(number.type == types.FLOAT for number in numbers)
        kind = types.Kind.FLOAT if fractional else types.Kind.INTEGER
        return values.of(kind, f"{names[symbol]}({listed})") if numbers else Value()
    best = items[0]
    for item in items[1:]:
        better = f"({values.absent(best)} OR {compare.precedes(symbol, item, best)})"
        best = values.choose([(better if item.everything else "FALSE", item)], best)
    return best
