"""Functions of numbers."""

from __future__ import annotations

from btql_planner.functions.registry import Float, Integer, Number, scalar


@scalar(name="round", scalar=True)
def round_(value: Float, digits: Integer = "") -> Float:
    """Return ``value`` rounded to ``digits`` decimals, half away from zero.

    >>> round(2.345, 1)
    2.3
    """
    return f"round({value}{', ' + digits if digits else ''})"


@scalar(name="abs", scalar=True)
def abs_(value: Number) -> Number:
    """Return the distance of ``value`` from zero.

    >>> abs(-3)
    3
    """
    return f"abs({value})"


@scalar(scalar=True)
def floor(value: Float) -> Float:
    """Return the largest whole number that is not above ``value``.

    >>> floor(2.7)
    2.0
    """
    return f"floor({value})"


@scalar(aliases=("ceiling",), scalar=True)
def ceil(value: Float) -> Float:
    """Return the smallest whole number that is not below ``value``.

    >>> ceil(2.1)
    3.0
    """
    return f"ceil({value})"
