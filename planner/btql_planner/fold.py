"""Compute what is known while the query is planned: times that it spells or an interval away, and starts of days.

A bound such as ``created > now() - interval 7 day`` then is a constant, by
which whole parts can be left out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from btql_planner import errors
from btql_planner.expressions import Apply, Constant
from btql_planner.functions.call import ArgumentError
from btql_planner.types import Kind

_INTERVAL = re.compile(r"(-?\d+) ([a-z]+?)s?")
_MONTHS = {"month": 1, "year": 12}
_MICROSECONDS = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}
_SMALLER = ("month", "day", "hour", "minute", "second", "microsecond")


def fold(call: Apply) -> Constant | None:
    """Return the constant that a call is, None where only the engine can tell."""
    constants = [argument for argument in call.arguments if isinstance(argument, Constant)]
    if len(constants) < len(call.arguments):
        return None
    known = call.function.known
    try:
        moment = _moment(call.function.name, constants) if known is None else known(constants)
    except ArgumentError as error:
        raise errors.wrong_argument(error, call) from None
    except (OverflowError, ValueError):
        return None
    return None if moment is None else Constant(moment, Kind.TIME, span=call.span)


def _moment(name: str, arguments: list[Constant]) -> datetime | None:
    if name in ("add", "sub"):
        time, interval = arguments
        if name == "add" and time.kind is Kind.INTERVAL:
            time, interval = interval, time
        if not isinstance(time.value, datetime) or interval.kind is not Kind.INTERVAL:
            return None
        return _moved(time.value, str(interval.value), -1 if name == "sub" else 1)
    unit = name
    if name == "date_trunc":
        unit = str(arguments[0].value).lower()
    moment = arguments[-1].value if arguments else None
    return _start(unit, moment) if isinstance(moment, datetime) else None


def _moved(moment: datetime, interval: str, sign: int) -> datetime | None:
    matched = _INTERVAL.fullmatch(interval)
    if matched is None:
        return None
    count, unit = sign * int(matched[1]), matched[2]
    if unit in _MICROSECONDS:
        return moment + timedelta(microseconds=count * _MICROSECONDS[unit])
    if unit not in _MONTHS:
        return None
    from calendar import monthrange

    year, month = divmod(moment.year * 12 + moment.month - 1 + count * _MONTHS[unit], 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def _start(unit: str, moment: datetime) -> datetime | None:
    moment = moment.astimezone(UTC)
    if unit == "week":
        return _start("day", moment - timedelta(days=moment.weekday()))
    if unit == "year":
        return moment.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    if unit not in _SMALLER:
        return None
    smaller = _SMALLER[_SMALLER.index(unit) + 1 :]
    return moment.replace(**{name: 1 if name == "day" else 0 for name in smaller})  # type: ignore[arg-type]
