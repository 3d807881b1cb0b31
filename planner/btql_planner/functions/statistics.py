"""Percentiles, deviations, correlations: aggregates over numbers.

Rows without a number take no part; pairs need both numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btql_planner import types
from btql_planner.functions.call import ArgumentError, Call, written_number
from btql_planner.functions.declare import Any, Float, Integer, Number, aggregate, coerce
from btql_planner.spelling import as_json, from_json
from btql_planner.types import Type
from btql_planner.value import ROW_BITS


def _share(name: str, fraction: str, index: int) -> float:
    share = written_number(fraction)
    if share is None or not 0 <= share <= 1:
        raise ArgumentError(f"{name} takes a fraction that is written in the query, from 0 to 1", index)
    return share


def _sorted(call: Call, value: str) -> tuple[str, str]:
    """Return the sorted numbers of a group as a list, and how many there are.

    The engine's own ``percentile_cont`` (55) knows a place between two numbers to a millionth of their distance only,
    and ends the query where nearly every row is a group of its own.
    """
    number = f"CAST({value} AS DOUBLE)"
    own = replace(call, order=())
    gathered = own.where(f"{number} IS NOT NULL")("array_agg", number)
    # A count would have the name of another one: in the engine a cast is no part of it, and it refuses two of one name.
    return f"array_sort({gathered})", f"CAST(array_length({gathered}) AS BIGINT)"


def _between(call: Call, value: str, share: float) -> str:
    """Return the number at a share of the way through the sorted ones, as PostgreSQL computes it."""
    if call.over is not None:
        message = "an aggregate over sorted values needs a group, it cannot stand over a window"
        raise ArgumentError(message, 0, help="compute it in a subquery with GROUP BY, and join that")
    numbers, count = _sorted(call, value)
    place = f"(CAST({share} AS DOUBLE) * CAST({count} - 1 AS DOUBLE))"
    low, high = (f"array_element({numbers}, CAST({side}({place}) AS BIGINT) + 1)" for side in ("floor", "ceil"))
    # At a number itself nothing is added: if it is infinite, its distance from itself is no number.
    return f"({low} + coalesce(({high} - {low}) * nullif({place} - floor({place}), 0), 0))"


@aggregate(scalars_only=True, distinct=False)
def percentile(value: Number, fraction: Float, *, call: Call) -> Float:
    """Return the value below which ``fraction`` (0 to 1) of the numbers lie.

    All numbers are looked at; between two of them the value is interpolated.

    >>> percentile(3, 0.5)
    3.0
    """
    return _between(call, value, _share("percentile", fraction, 1))


@aggregate(scalars_only=True, order="within", distinct=False)
def percentile_cont(fraction: Float, value: Number, *, call: Call) -> Float:
    """Return what ``percentile`` does, in the spelling of SQL.

    >>> percentile_cont(0.5) WITHIN GROUP (ORDER BY 3)
    3.0
    """
    return _between(call, value, _share("percentile_cont", fraction, 0))


@aggregate(scalars_only=True, order="within", distinct=False)
def percentile_disc(fraction: Float, value: Number, *, call: Call) -> Float:
    """Return the first of the sorted numbers at which ``fraction`` of them is reached; never between two.

    With ``ORDER BY … DESC`` the largest is the first.

    >>> percentile_disc(0.5) WITHIN GROUP (ORDER BY 3)
    3.0
    """
    share = _share("percentile_disc", fraction, 0)
    numbers, count = _sorted(call, value)
    place = f"greatest(CAST(ceil(CAST({share} AS DOUBLE) * {count}) AS BIGINT), 1)"
    return f"array_element({numbers}, {f'{count} + 1 - {place}' if 'DESC' in call.direction else place})"


@aggregate(scalars_only=True, distinct=False)
def median(value: Number, *, call: Call) -> Float:
    """Return the middle number, or the mean of the two in the middle.

    >>> median(3)
    3.0
    """
    return _between(call, value, 0.5)


_OF_ONE_KIND = (types.BOOLEAN, types.INTEGER, types.FLOAT, types.TEXT, types.TIME)


def _mode_type(arguments: Sequence[Type]) -> Type:
    return arguments[0] if arguments[0] in (*_OF_ONE_KIND, types.NUMBER) else types.ANY


@aggregate(order="within", distinct=False, returns=_mode_type, python=True)
def mode(value: Any, *, call: Call) -> Any:
    """Return the value that occurs most often; of several, the first in the order of a sort.

    >>> mode() WITHIN GROUP (ORDER BY 'a')
    'a'
    """
    last = "DESC" in call.direction
    found = from_json(f"btql_json_mode({call('array_agg', as_json(value))}, {str(last).upper()})")
    if value.type == types.NUMBER:
        return replace(found, parts={kind: sql for kind, sql in found.parts.items() if kind in types.NUMBER})
    return coerce(found, value.type) if value.type in _OF_ONE_KIND else found


def _deviation(name: str, aliases: tuple[str, ...], sentence: str, example: str) -> None:
    def declaration(value: Number, *, call: Call) -> Float:
        return call(name, f"CAST({value} AS DOUBLE)")

    declaration.__name__ = name
    declaration.__doc__ = f"""{sentence}

    >>> {name}(2)
    {example}
    """
    aggregate(aliases=aliases, scalars_only=True)(declaration)


_deviation("stddev_samp", ("stddev",), "Return the standard deviation of a sample; null for a single number.", "None")
_deviation("stddev_pop", (), "Return the standard deviation of all there is.", "0.0")
_deviation("var_samp", ("variance",), "Return the variance of a sample; null for a single number.", "None")
_deviation("var_pop", (), "Return the variance of all there is.", "0.0")


def _pairs(name: str, sentence: str, example: str) -> None:
    def declaration(y: Number, x: Number, *, call: Call) -> Float:
        numbers = (f"CAST({y} AS DOUBLE)", f"CAST({x} AS DOUBLE)")
        return f"nanvl({call(name, *numbers)}, CAST(NULL AS DOUBLE))"

    declaration.__name__ = name
    declaration.__doc__ = f"""{sentence}

    >>> {name}(2, 3)
    {example}
    """
    aggregate(scalars_only=True, distinct=False)(declaration)


_pairs("corr", "Return the correlation of two numbers, from -1 to 1.", "None")
_pairs("covar_samp", "Return the covariance of a sample of pairs.", "None")
_pairs("covar_pop", "Return the covariance of all pairs there are.", "0.0")
_pairs("regr_slope", "Return the slope of the line that fits the pairs best.", "None")
_pairs("regr_intercept", "Return where the line that fits the pairs best crosses ``x = 0``.", "None")
_pairs("regr_r2", "Return how well a line fits the pairs, from 0 to 1.", "None")


@aggregate(scalars_only=True, distinct=False, bits=ROW_BITS)
def regr_count(y: Number, x: Number, *, call: Call) -> Integer:
    """Return how many pairs of two numbers there are.

    >>> regr_count(2, 3)
    1
    """
    return call("count", f"CAST({y} AS DOUBLE) + CAST({x} AS DOUBLE)")
