"""Functions of numbers. Where there is no result (a logarithm of 0, a root of -1) it is null."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

from btql_conformance.functions import function
from btql_conformance.operators import arithmetic
from btql_conformance.values import Number, Value, number_in

_EVERY_DIGIT = Context(prec=400)


@function("round", "number integer?")
def _round(value: Number, digits: int = 0) -> Value:
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _EVERY_DIGIT))


@function("trunc", "number integer?")
def _trunc(value: Number, digits: int = 0) -> Value:
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_DOWN, _EVERY_DIGIT))


@function("abs", "number")
def _abs(value: Number) -> Value:
    return abs(value)


@function("sign", "number")
def _sign(value: Number) -> Value:
    return (value > 0) - (value < 0)


@function("floor", "number")
def _floor(value: Number) -> Value:
    return math.floor(value)


@function("ceil ceiling", "number")
def _ceil(value: Number) -> Value:
    return math.ceil(value)


@function("mod remainder", "number number")
def _mod(value: Number, divisor: Number) -> Value:
    return arithmetic("mod", value, divisor)


@function("div quotient", "number number")
def _div(value: Number, divisor: Number) -> Value:
    return math.trunc(value / divisor) if divisor else None


@function("power pow", "number number")
def _power(value: Number, exponent: Number) -> Value:
    return _real(lambda: float(value) ** exponent)


@function("gcd", "integer integer")
def _gcd(value: int, other: int) -> Value:
    return math.gcd(value, other)


@function("lcm", "integer integer")
def _lcm(value: int, other: int) -> Value:
    return math.lcm(value, other)


@function("factorial", "integer")
def _factorial(value: int) -> Value:
    return math.factorial(value) if value >= 0 else None


@function("pi")
def _pi() -> Value:
    return math.pi


@function("log", "number number?")
def _log(value: Number, other: Number | None = None) -> Value:
    if other is None:
        return _real(lambda: math.log10(value))
    return _real(lambda: math.log(other) / math.log(value))


@function("atan2", "number number")
def _atan2(value: Number, other: Number) -> Value:
    return math.atan2(value, other)


@function("width_bucket", "number number number integer")
def _width_bucket(value: Number, low: Number, high: Number, count: int) -> Value:
    if low > high:
        value, low, high = -value, -low, -high
    if value < low:
        return 0
    return count + 1 if value >= high else int((value - low) / (high - low) * count) + 1


def _real(compute: Callable[[], float]) -> Value:
    try:
        result = compute()
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return None if isinstance(result, complex) or not math.isfinite(result) else result


def _plain(name: str, compute: Callable[[float], float]) -> None:
    function(name, "number")(lambda value: _real(lambda: compute(float(value))))


_plain("sqrt", math.sqrt)
_plain("cbrt", lambda value: math.copysign(round(abs(value) ** (1 / 3), 12), value))
_plain("exp", math.exp)
_plain("ln", math.log)
_plain("log10", math.log10)
_plain("log2", math.log2)
_plain("degrees", math.degrees)
_plain("radians", math.radians)
for _name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"):
    _plain(_name, getattr(math, _name))
_plain("cot", lambda value: 1 / math.tan(value))


@function("isnan", "number")
def _isnan(value: Number) -> Value:
    return math.isnan(value)


@function("to_numeric", "any")
def _to_numeric(value: Value) -> Value:
    return int(value) if isinstance(value, bool) else number_in(value)
