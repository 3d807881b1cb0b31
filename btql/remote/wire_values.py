"""Values of parameters as JSON: what JSON cannot say of a value is said beside it.

A value's sort is null where JSON says all. Inside of lists and objects, instants are texts, as they are in documents.

=============  ======================================================================
sort           the JSON value
=============  ======================================================================
``timestamp``  ISO 8601
``date``       ISO 8601
``interval``   microseconds
``number``     ``NaN``, ``Infinity`` or ``-Infinity``
=============  ======================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias, TypeVar, cast
from uuid import UUID

from btql.errors import ProgrammingError
from btql_grammar.parameters import NO_TIME, NO_TIME_HELP, POSSIBLE, Values, in_utc, spelled

Sorts: TypeAlias = Sequence[str | None] | Mapping[str, str | None]
T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)


def to_wire(values: Values) -> tuple[Values, Sorts]:
    """Return values as JSON has them, and the sort of each."""
    if isinstance(values, Mapping):
        pairs = {name: _to_wire(value) for name, value in values.items()}
        return {name: value for name, (value, _) in pairs.items()}, {name: sort for name, (_, sort) in pairs.items()}
    listed = [_to_wire(value) for value in values]
    return [value for value, _ in listed], [sort for _, sort in listed]


def from_wire(values: Values, sorts: Sorts) -> Values:
    """Return what :func:`to_wire` was given; raise ValueError for what it does not make."""
    if isinstance(values, Mapping):
        if not isinstance(sorts, Mapping):
            raise ValueError("values with names have sorts with names")  # noqa: TRY004  the caller expects it
        return {name: _from_wire(value, sorts.get(name)) for name, value in values.items()}
    if isinstance(sorts, Mapping) or len(sorts) != len(values):
        raise ValueError(f"{len(values)} values have as many sorts, in a list")
    return [_from_wire(value, sort) for value, sort in zip(values, sorts, strict=True)]


def _to_wire(value: object) -> tuple[object, str | None]:
    match value:
        case datetime():
            return instant(value).isoformat(), "timestamp"
        case date():
            return value.isoformat(), "date"
        case timedelta():
            return value // _MICROSECOND, "interval"
        case float() if not math.isfinite(value):
            return _NON_FINITE[str(value)], "number"
        case Decimal() if not value.is_finite():
            return _to_wire(float(value))
        case _:
            return inside(value), None


def instant(value: datetime) -> datetime:
    """Return a time in UTC; refuse one that the database would refuse."""
    try:
        return in_utc(value)
    except OverflowError:
        raise ProgrammingError(f"{NO_TIME.format(value)}: {NO_TIME_HELP}", code="B0115") from None


_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def inside(value: object) -> object:
    """Return a value inside of another one as JSON has it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return spelled(instant(value))
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date() | UUID():
            return str(value)
        case Mapping():
            return {str(key): inside(each) for key, each in cast("Mapping[object, object]", value).items()}
        case list() | tuple():
            return [inside(each) for each in cast("Sequence[object]", value)]
        case _:
            # As the database says it of a folder.
            message = f"a value of type `{type(value).__name__}` cannot be a parameter: give {POSSIBLE}"
            raise ProgrammingError(message, code="B0115")


def _from_wire(value: object, sort: str | None) -> object:
    match sort, value:
        case None, _:
            return value
        case "timestamp", str():
            return datetime.fromisoformat(value)
        case "date", str():
            return date.fromisoformat(value)
        case "interval", int():
            return timedelta(microseconds=value)
        case "number", str() if value in _NON_FINITE.values():
            return float(value)
        case _:
            raise ValueError(f"`{value!s:.40}` is no {sort!s:.40}")
