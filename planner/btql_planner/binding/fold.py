"""Compute what is known while the query is planned: times that it spells or an interval away, starts of days.

A bound such as ``created > now() - interval 7 day`` then is a constant, by
which whole parts can be left out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from btql_planner import errors
from btql_planner.expressions import Apply, Constant
from btql_planner.functions.call import ArgumentError
from btql_planner.intervals import added, divided, spans_of, spelled, times
from btql_planner.types import INTERVAL, Kind

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
    if moment is None and call.type == INTERVAL:
        interval = _interval(call.function.name, constants)
        return None if interval is None else Constant(interval, Kind.INTERVAL, span=call.span)
    return None if moment is None else Constant(moment, Kind.TIME, span=call.span)


def _interval(name: str, arguments: list[Constant]) -> str | None:
    """Return the text of the interval that a cast or arithmetic gives."""
    if name == "to_interval":
        read = spans_of(str(arguments[0].value)) if arguments[0].kind is Kind.TEXT else None
        return None if read is None else spelled(read)
    lengths = [spans_of(str(each.value)) for each in arguments if each.kind is Kind.INTERVAL]
    numbers = [each.value for each in arguments if isinstance(each.value, int | float)]
    made = None
    match name, lengths, numbers:
        case "add", [(_, _, _) as one, (_, _, _) as other], []:
            made = added(one, other, 1)
        case "sub", [(_, _, _) as one, (_, _, _) as other], []:
            made = added(one, other, -1)
        case "neg", [(_, _, _) as one], []:
            made = times(one, -1)
        case "mul", [(_, _, _) as one], [factor]:
            made = times(one, factor)
        case "div", [(_, _, _) as one], [divisor]:
            made = divided(one, divisor)
        case _:
            pass
    return None if made is None else spelled(made)


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
    spans = spans_of(interval)
    if spans is None:
        return None
    months, days, microseconds = (sign * part for part in spans)
    if months:
        from calendar import monthrange

        year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
        moment = moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
    return moment + timedelta(days=days, microseconds=microseconds)


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
