"""Aggregates by name: from the arguments of each row to one value (reference 2.2).

Null takes no part. Over no rows ``count`` and its kin are 0 and the others null. Booleans count as 1
and 0 in sums and means; anything else that is no number takes no part in them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_, xor
from typing import cast

from btql_conformance.functions_json import extreme
from btql_conformance.operators import text_of
from btql_conformance.values import Number, Value, identity

Rows = Sequence[tuple[Value, ...]]
"""The arguments in each row of the group."""
AGGREGATES: dict[str, Callable[[Rows], Value]] = {}


def _aggregate(names: str) -> Callable[[Callable[[Rows], Value]], Callable[[Rows], Value]]:
    def declare(body: Callable[[Rows], Value]) -> Callable[[Rows], Value]:
        AGGREGATES.update(dict.fromkeys(names.split(), body))
        return body

    return declare


def _present(rows: Rows) -> list[Value]:
    return [row[0] for row in rows if row[0] is not None]


def numbers(rows: Rows) -> list[Number]:
    """Return the numbers in the first argument, booleans as 1 and 0."""
    return [int(row[0]) if isinstance(row[0], bool) else row[0] for row in rows if isinstance(row[0], int | float)]


@_aggregate("count")
def _count(rows: Rows) -> Value:
    return len(_present(rows))


@_aggregate("count_if")
def _count_if(rows: Rows) -> Value:
    return sum(row[0] is True for row in rows)


@_aggregate("count_distinct approx_distinct approx_count_distinct")
def _count_distinct(rows: Rows) -> Value:
    return len({identity(value) for value in _present(rows)})


@_aggregate("sum")
def _sum(rows: Rows) -> Value:
    found = numbers(rows)
    if not found:
        return None
    if all(isinstance(number, int) for number in found):
        total = sum(found)
        return total if -(1 << 63) <= total < 1 << 63 else float(total)
    return math.fsum(found)


@_aggregate("avg mean")
def _avg(rows: Rows) -> Value:
    found = numbers(rows)
    return math.fsum(found) / len(found) if found else None


@_aggregate("min")
def _min(rows: Rows) -> Value:
    return extreme(_present(rows), -1)


@_aggregate("max")
def _max(rows: Rows) -> Value:
    return extreme(_present(rows), 1)


@_aggregate("any_value")
def _any_value(rows: Rows) -> Value:
    """Which one is open; cases only ask where all are the same."""
    return extreme(_present(rows), -1)


@_aggregate("percentile quantile")
def _percentile(rows: Rows) -> Value:
    return _percentile_cont([(number, rows[0][1]) for number in sorted(numbers(rows))])


@_aggregate("percentile_cont")
def _percentile_cont(rows: Rows) -> Value:
    """Rows come in the order that the call tells, as they do for the next one."""
    found = numbers(rows)
    if not found:
        return None
    fraction = cast("Number", rows[0][1])
    at = (len(found) - 1) * fraction
    below, above = found[math.floor(at)], found[math.ceil(at)]
    return float(below + (above - below) * (at - math.floor(at)))


@_aggregate("percentile_disc")
def _percentile_disc(rows: Rows) -> Value:
    found = numbers(rows)
    if not found:
        return None
    fraction = cast("Number", rows[0][1])
    return found[max(math.ceil(fraction * len(found)) - 1, 0)]


@_aggregate("median")
def _median(rows: Rows) -> Value:
    return _percentile([(row[0], 0.5) for row in rows])


@_aggregate("mode")
def _mode(rows: Rows) -> Value:
    found = _present(rows)
    if not found:
        return None
    counts = Counter(identity(value) for value in found)
    most = max(counts.values())
    return next(value for value in found if counts[identity(value)] == most)


def _variance(rows: Rows, minus: int) -> float | None:
    found = numbers(rows)
    if len(found) <= minus:
        return None
    mean = math.fsum(found) / len(found)
    return math.fsum((number - mean) ** 2 for number in found) / (len(found) - minus)


@_aggregate("var_samp variance var_sample var")
def _var_samp(rows: Rows) -> Value:
    return _variance(rows, 1)


@_aggregate("var_pop")
def _var_pop(rows: Rows) -> Value:
    return _variance(rows, 0)


@_aggregate("stddev stddev_samp")
def _stddev(rows: Rows) -> Value:
    variance = _variance(rows, 1)
    return None if variance is None else math.sqrt(variance)


@_aggregate("stddev_pop")
def _stddev_pop(rows: Rows) -> Value:
    variance = _variance(rows, 0)
    return None if variance is None else math.sqrt(variance)


@_aggregate("string_agg listagg group_concat")
def _string_agg(rows: Rows) -> Value:
    found = [cast("str", text_of(row[0])) for row in rows if row[0] is not None]
    return cast("str", rows[0][1] if len(rows[0]) > 1 else ",").join(found) if found else None


@_aggregate("array_agg json_agg jsonb_agg")
def _array_agg(rows: Rows) -> Value:
    return [row[0] for row in rows] or None


@_aggregate("json_object_agg jsonb_object_agg")
def _object_agg(rows: Rows) -> Value:
    return {cast("str", text_of(row[0])): row[1] for row in rows if row[0] is not None} or None


def _folded(rows: Rows, kind: type[int], operator: Callable[[int, int], int]) -> Value:
    """Return what an operator makes of all values of a kind, one after the other."""
    found = [value for value in _present(rows) if isinstance(value, kind)]
    return reduce(operator, found) if found else None


@_aggregate("bool_and every")
def _bool_and(rows: Rows) -> Value:
    return _folded(rows, bool, and_)


@_aggregate("bool_or")
def _bool_or(rows: Rows) -> Value:
    return _folded(rows, bool, or_)


@_aggregate("bit_and")
def _bit_and(rows: Rows) -> Value:
    return _folded(rows, int, and_)


@_aggregate("bit_or")
def _bit_or(rows: Rows) -> Value:
    return _folded(rows, int, or_)


@_aggregate("bit_xor")
def _bit_xor(rows: Rows) -> Value:
    return _folded(rows, int, xor)


def _pairs(rows: Rows) -> list[tuple[float, float]]:
    return [
        (float(one), float(other))
        for one, other, *_ in rows
        if isinstance(one, int | float) and isinstance(other, int | float)
    ]


def _covariance(pairs: list[tuple[float, float]]) -> float:
    count = len(pairs)
    mean_one, mean_other = (math.fsum(pair[side] for pair in pairs) / count for side in (0, 1))
    return math.fsum((one - mean_one) * (other - mean_other) for one, other in pairs)


@_aggregate("covar_pop")
def _covar_pop(rows: Rows) -> Value:
    pairs = _pairs(rows)
    return _covariance(pairs) / len(pairs) if pairs else None


@_aggregate("covar_samp")
def _covar_samp(rows: Rows) -> Value:
    pairs = _pairs(rows)
    return _covariance(pairs) / (len(pairs) - 1) if len(pairs) > 1 else None


@_aggregate("corr")
def _corr(rows: Rows) -> Value:
    pairs = _pairs(rows)
    if len(pairs) < 2:
        return None
    spread = _covariance([(one, one) for one, _ in pairs]) * _covariance([(other, other) for _, other in pairs])
    return _covariance(pairs) / math.sqrt(spread) if spread else None


@_aggregate("first first_value")
def _first(rows: Rows) -> Value:
    return rows[0][0] if rows else None


@_aggregate("last last_value")
def _last(rows: Rows) -> Value:
    return rows[-1][0] if rows else None


@_aggregate("regr_count")
def _regr_count(rows: Rows) -> Value:
    return len(_pairs(rows))


@_aggregate("regr_slope")
def _regr_slope(rows: Rows) -> Value:
    """The first argument depends on the second one."""
    pairs = _pairs(rows)
    spread = _covariance([(x, x) for _, x in pairs]) if pairs else 0
    return _covariance(pairs) / spread if spread else None


@_aggregate("regr_intercept")
def _regr_intercept(rows: Rows) -> Value:
    slope = cast("float | None", _regr_slope(rows))
    pairs = _pairs(rows)
    if slope is None:
        return None
    return math.fsum(y - slope * x for y, x in pairs) / len(pairs)


@_aggregate("regr_r2")
def _regr_r2(rows: Rows) -> Value:
    correlation = cast("float | None", _corr(rows))
    return None if correlation is None else correlation**2


def _members(rows: Rows) -> dict[str, list[Number]]:
    """Return the numbers of all objects, key by key."""
    found: dict[str, list[Number]] = {}
    for value, *_ in rows:
        for key, member in cast("dict[str, Value]", value if isinstance(value, dict) else {}).items():
            if isinstance(member, int | float):
                found.setdefault(key, []).append(member)
    return found


@_aggregate("object_sum")
def _object_sum(rows: Rows) -> Value:
    return {key: _sum([(number,) for number in members]) for key, members in _members(rows).items()} or None


@_aggregate("object_avg")
def _object_avg(rows: Rows) -> Value:
    return {key: _avg([(number,) for number in members]) for key, members in _members(rows).items()} or None
