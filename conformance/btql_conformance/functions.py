"""Scalar functions by name, and how their arguments are taken.

A declaration says the kind of each argument: ``text``, ``number``, ``integer``, ``time``,
``boolean``, ``array``, ``json`` (an array or object) or ``any``; ``?`` marks those that may be left out, ``*`` those
that may be repeated. A text that spells a time is one. An argument of another kind, or null, makes the result
null, except where ``any`` is asked for: then the function sees it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from btql_conformance.values import Value, is_number, number_in, time_in

Body = Callable[..., Value]
B = TypeVar("B", bound=Body)
FUNCTIONS: dict[str, Callable[[Sequence[Value]], Value]] = {}


def function(names: str, kinds: str = "") -> Callable[[B], B]:
    """Declare a function under one or more names."""
    wanted = kinds.split()

    def declare(body: B) -> B:
        def call(arguments: Sequence[Value]) -> Value:
            taken = _take(arguments, wanted)
            return None if taken is None else body(*taken)

        for name in names.split():
            assert name not in FUNCTIONS, name
            FUNCTIONS[name] = call
        return body

    return declare


def _take(arguments: Sequence[Value], kinds: Sequence[str]) -> list[Value] | None:
    taken: list[Value] = []
    for number, argument in enumerate(arguments):
        kind = kinds[min(number, len(kinds) - 1)].rstrip("?*")
        if kind == "any":
            taken.append(argument)
            continue
        value = _as_kind(argument, kind)
        if value is None:
            return None
        taken.append(value)
    return taken


def _as_kind(value: Value, kind: str) -> Value:
    match kind:
        case "text":
            return value if isinstance(value, str) else None
        case "number":
            return value if is_number(value) else None
        case "integer":
            return value if isinstance(value, int) and not isinstance(value, bool) else None
        case "time":
            return time_in(value)
        case "boolean":
            return value if isinstance(value, bool) else None
        case "array":
            return cast("Value", value) if isinstance(value, list) else None
        case "json":
            return cast("Value", value) if isinstance(value, list | dict) else None
        case _:
            raise AssertionError(kind)


def to_integer(value: Value) -> Value:
    """Return the value as a whole number, cut towards zero; null where it cannot be one of 64 bits."""
    if isinstance(value, bool):
        return int(value)
    number = number_in(value)
    if number is None or number != number or abs(number) == float("inf"):  # noqa: PLR0124 - only NaN differs from itself
        return None
    whole = int(number)
    return whole if -(1 << 63) <= whole < 1 << 63 else None
