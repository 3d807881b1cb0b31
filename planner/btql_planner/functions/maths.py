"""Functions of numbers. What has no finite result is null: ``sqrt(-1)``, ``ln(0)``, ``exp(1000)``."""

from __future__ import annotations

from collections.abc import Callable

from btql_planner import sql_text, types
from btql_planner import value as values
from btql_planner.functions.call import written_number
from btql_planner.functions.declare import Any, Boolean, Float, Integer, NumberValue, number_type, scalar
from btql_planner.functions.text import clamped
from btql_planner.types import Kind
from btql_planner.value import Value

_SMALLEST = "(-9223372036854775807 - 1)"
_EXACT_DIGITS = 15
_POWERS_MAX = 300
_WHOLE_FROM = 2**53
"""Every float from here on is a whole number."""
_CLOSE = "1.0000000000000002"
"""The float above 1."""
_CLOSE_BELOW = "1e13"
"""Up to here that is far from changing any other number."""


@scalar(name="round", scalars_only=True)
def round_(value: Float, digits: Integer = "") -> Float:
    """Return ``value`` rounded to ``digits`` decimals, half away from zero.

    >>> round(2.345, 1)
    2.3
    """
    return _to_digits("round", value, digits) if digits else f"round({value})"


def _to_digits(name: str, value: str, digits: str) -> str:
    """Return a number that an engine's function brings to ``digits`` decimals; what has no more stays as it is.

    The engine multiplies first, and a large number by the power of ten may be infinite. A hundred times 1.255, which no
    float is exactly, is the float below 125.5: what is that close to a half, or to a whole, is taken to be it.
    """
    written = written_number(digits)
    if written is not None and written > _EXACT_DIGITS:
        return value
    brought = f"{name}({value}, {clamped(digits, -_POWERS_MAX, _EXACT_DIGITS)})"
    if written is not None:
        brought = f"{name}({value}, {max(int(written), -_POWERS_MAX)})"
        if written <= 0:
            return brought
        near = _near(name, value, f"CAST({10 ** int(written)} AS DOUBLE)")
        return f"CASE WHEN {near} WHEN abs({value}) < {_WHOLE_FROM} THEN {brought} ELSE {value} END"
    near = _near(name, value, f"power(CAST(10 AS DOUBLE), CAST({digits} AS DOUBLE))")
    more = f"{digits} > {_EXACT_DIGITS} OR ({digits} > 0 AND abs({value}) >= {_WHOLE_FROM})"
    return f"CASE WHEN {more} THEN {value} WHEN {digits} > 0 AND {near} ELSE {brought} END"


def _near(name: str, value: str, power: str) -> str:
    """Return when a number is not too large, and what it is brought to then."""
    return f"abs({value}) < {_CLOSE_BELOW} / {power} THEN {name}({value} * {power} * {_CLOSE}) / {power}"


@scalar(name="abs", scalars_only=True, returns=number_type)
def abs_(value: NumberValue) -> Any:
    """Return the distance of ``value`` from zero.

    >>> abs(-3)
    3
    """
    number = values.number(value)
    sql = values.single(number)
    if number.type == types.FLOAT or number.bits < values.BITS:
        return Value({next(iter(number.parts)): f"abs({sql})"}, bits=number.bits)
    too_large = f"CASE WHEN {sql} = {_SMALLEST} THEN CAST(9223372036854775808 AS DOUBLE) END"
    return Value({Kind.INTEGER: f"abs(nullif({sql}, {_SMALLEST}))", Kind.FLOAT: too_large}, apart=True)


@scalar(scalars_only=True)
def trunc(value: Float, digits: Integer = "") -> Float:
    """Return ``value`` cut to ``digits`` decimals, towards zero.

    >>> trunc(2.567, 2)
    2.56
    """
    return _to_digits("trunc", value, digits) if digits else f"trunc({value})"


@scalar(scalars_only=True, returns=number_type)
def remainder(value: NumberValue, divisor: NumberValue) -> Any:
    """Return what is left of ``value`` after a division, with the sign of ``value``; also ``mod(a, b)`` and ``a % b``.

    >>> remainder(7, 3)
    1
    """
    one, other = values.number(value), values.number(divisor)
    whole = one.type == other.type == types.INTEGER
    sql = f"({values.single(one)} % nullif({values.single(other)}, 0))"
    return Value({Kind.INTEGER if whole else Kind.FLOAT: sql}, bits=min(other.bits, values.BITS - 1))


@scalar(scalars_only=True, returns=number_type)
def quotient(value: NumberValue, divisor: NumberValue) -> Any:
    """Return how many times ``divisor`` goes into ``value``, cut towards zero; in SQL also ``div(a, b)``.

    >>> quotient(7, 2)
    3
    """
    one, other = values.number(value), values.number(divisor)
    by = f"nullif({values.single(other)}, 0)"
    if one.type == other.type == types.INTEGER:
        # The smallest whole number has no opposite.
        return Value({Kind.INTEGER: f"(nullif({values.single(one)}, {_SMALLEST}) / {by})"}, bits=one.bits)
    times = f"trunc(CAST({values.single(one)} AS DOUBLE) / CAST({by} AS DOUBLE))"
    return values.of(Kind.FLOAT, sql_text.finite(times))


def _simple(name: str, sentence: str, example: str, sql: str, aliases: tuple[str, ...] = ()) -> None:
    def declaration(value: Float) -> Float:
        return sql.replace("{}", value)

    declaration.__name__ = name
    declaration.__doc__ = f"{sentence}\n\n{example}\n"
    scalar(aliases=aliases, scalars_only=True)(declaration)


def _example(call: str, answer: str) -> str:
    return f">>> {call}\n{answer}"


_WITHIN_ONE = "CASE WHEN {} BETWEEN -1 AND 1 THEN {} END"
_POSITIVE = "CASE WHEN {} > 0 THEN {} END"
for _name, _sentence, _call, _answer, _sql in (
    ("floor", "Return the largest whole number that is not above ``value``.", "floor(2.7)", "2.0", "floor({})"),
    ("sign", "Return 1, 0 or -1: the sign of ``value``.", "sign(-2.5)", "-1.0", "signum({})"),
    ("sqrt", "Return the square root.", "sqrt(9)", "3.0", "sqrt(CASE WHEN {} >= 0 THEN {} END)"),
    ("cbrt", "Return the cube root.", "cbrt(27)", "3.0", "cbrt({})"),
    ("exp", "Return e to the power of ``value``.", "exp(0)", "1.0", "exp(CASE WHEN {} < 709.7 THEN {} END)"),
    ("ln", "Return the natural logarithm.", "ln(1)", "0.0", f"ln({_POSITIVE})"),
    ("log10", "Return the logarithm to the base 10.", "log10(1000)", "3.0", f"log10({_POSITIVE})"),
    ("log2", "Return the logarithm to the base 2.", "log2(8)", "3.0", f"log2({_POSITIVE})"),
    ("sin", "Return the sine of an angle in radians.", "sin(0)", "0.0", "sin({})"),
    ("cos", "Return the cosine of an angle in radians.", "cos(0)", "1.0", "cos({})"),
    ("tan", "Return the tangent of an angle in radians.", "tan(0)", "0.0", "tan({})"),
    ("asin", "Return the angle in radians with a sine.", "asin(0)", "0.0", f"asin({_WITHIN_ONE})"),
    ("acos", "Return the angle in radians with a cosine.", "acos(1)", "0.0", f"acos({_WITHIN_ONE})"),
    ("atan", "Return the angle in radians with a tangent.", "atan(0)", "0.0", "atan({})"),
    (
        "degrees",
        "Return an angle in degrees instead of radians.",
        "degrees(pi())",
        "180.0",
        sql_text.finite("degrees({})"),
    ),
    ("radians", "Return an angle in radians instead of degrees.", "round(radians(180), 2)", "3.14", "radians({})"),
):
    _simple(_name, _sentence, _example(_call, _answer), _sql)
_simple(
    "ceil", "Return the smallest whole number that is not below ``value``.", _example("ceil(2.1)", "3.0"), "ceil({})",
    ("ceiling",),
)  # fmt: skip


@scalar(scalars_only=True)
def atan2(y: Float, x: Float) -> Float:
    """Return the angle in radians of the point (x, y).

    >>> atan2(0, 1)
    0.0
    """
    return f"atan2({y}, {x})"


@scalar(aliases=("pow",), scalars_only=True)
def power(value: Float, exponent: Float) -> Float:
    """Return ``value`` to the power of ``exponent``.

    >>> power(2, 10)
    1024.0
    """
    # The engine ends the query at a zero to the power of a negative number.
    known = f"CASE WHEN {value} <> 0 OR {exponent} >= 0 THEN {value} END"
    return sql_text.finite(f"power({known}, {exponent})")


@scalar(scalars_only=True)
def log(base: Float, value: Float = "") -> Float:
    """Return the logarithm of ``value`` to a base; of a single number, the logarithm to the base 10.

    >>> log(2, 8)
    3.0
    """
    if not value:
        return f"log10({_POSITIVE.replace('{}', base)})"
    known = f"CASE WHEN {base} > 0 AND {base} <> 1 THEN {base} END"
    return f"(ln({_POSITIVE.replace('{}', value)}) / ln({known}))"


@scalar
def pi() -> Float:
    """Return the ratio of a circle's circumference to its diameter.

    >>> round(pi(), 4)
    3.1416
    """
    return "pi()"


@scalar(volatile=True)
def random() -> Float:
    """Return a random number from 0 up to but not 1, another one in each row.

    >>> random() < 1
    True
    """
    return "random()"


def _whole_pair(combine: Callable[[str, str], str], one: str, other: str) -> str:
    return combine(f"nullif({one}, {_SMALLEST})", f"nullif({other}, {_SMALLEST})")


@scalar(scalars_only=True)
def gcd(one: Integer, other: Integer) -> Integer:
    """Return the largest whole number that divides both.

    >>> gcd(12, 18)
    6
    """
    return _whole_pair(lambda a, b: f"gcd({a}, {b})", one, other)


@scalar(scalars_only=True)
def lcm(one: Integer, other: Integer) -> Integer:
    """Return the smallest whole number that both divide; null where it needs more than 64 bits.

    >>> lcm(4, 6)
    12
    """
    common = _whole_pair(lambda a, b: f"nullif(gcd({a}, {b}), 0)", one, other)
    size = f"abs(CAST({one} AS DOUBLE) / {common} * {other})"
    either = f"CASE WHEN {one} = 0 THEN 0 * {other} END"
    return f"coalesce(lcm(CASE WHEN {size} < {values.SAFE_MAX} THEN {one} END, {other}), {either})"


@scalar(scalars_only=True)
def factorial(value: Integer) -> Integer:
    """Return the product of the whole numbers up to ``value``; null below 0 and above 20.

    >>> factorial(5)
    120
    """
    return f"factorial(CASE WHEN {value} BETWEEN 0 AND 20 THEN {value} END)"


@scalar(scalars_only=True)
def width_bucket(value: Float, low: Float, high: Float, count: Integer) -> Integer:
    """Return in which of ``count`` equal parts of the range ``value`` lies: 0 below it, ``count + 1`` from its end on.

    From a ``low`` that is the larger one the parts are counted downwards.

    >>> width_bucket(5, 0, 10, 4)
    3
    """
    place = f"floor(({value} - {low}) / nullif({high} - {low}, 0) * {count})"
    inside = f"TRY_CAST({place} AS BIGINT) + 1"
    before = f"CASE WHEN {low} > {high} THEN {value} > {low} ELSE {value} < {low} END"
    behind = f"CASE WHEN {low} > {high} THEN {value} <= {high} ELSE {value} >= {high} END"
    return (
        f"CASE WHEN {count} < 1 THEN {sql_text.null(Kind.INTEGER)} WHEN {before} THEN 0 "
        f"WHEN {behind} THEN {count} + 1 ELSE {inside} END"
    )


@scalar(scalars_only=True)
def isnan(value: Float) -> Boolean:
    """Return whether ``value`` is no number at all, as a division of two infinities is.

    >>> isnan(1.5)
    False
    """
    return f"isnan({value})"
