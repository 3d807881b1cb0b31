"""Functions of time. Instants are in UTC; ``tz_offset`` moves the borders of days and other units."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from btql_conformance.functions import function
from btql_conformance.intervals import Interval, read_interval
from btql_conformance.operators import shifted
from btql_conformance.values import Number, Value, time_in

UNITS = ("year", "month", "day", "hour", "minute", "second")
_FIRST = {"month": 1, "day": 1}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def truncated(unit: str, moment: datetime, tz_offset: int) -> Value:
    """Return the start of the unit, or of a multiple such as ``15 minutes``, that the time lies in."""
    matched = re.fullmatch(r"(?:(\d+) +)?(\w+?)s?", unit.strip().lower())
    if matched is None:
        return None
    shift = timedelta(minutes=tz_offset)
    local = moment - shift
    if matched[1]:
        step = timedelta(**{f"{matched[2]}s": int(matched[1])})
        return _EPOCH + (local - _EPOCH) // step * step + shift
    return _start(matched[2], local) + shift


def _start(unit: str, local: datetime) -> datetime:
    if unit in ("millisecond", "microsecond"):
        return local.replace(microsecond=local.microsecond // 1000 * 1000) if unit == "millisecond" else local
    if unit == "week":
        return _start("day", local) - timedelta(days=local.weekday())
    if unit == "quarter":
        return _start("month", local.replace(day=1, month=(local.month - 1) // 3 * 3 + 1))
    if unit in ("decade", "century"):
        return _start("year", local.replace(year=local.year // 10 * 10))
    start = local.replace(microsecond=0)
    for smaller in UNITS[UNITS.index(unit) + 1 :]:
        start = start.replace(**{smaller: _FIRST.get(smaller, 0)})  # type: ignore[arg-type]
    return start


def part(field: str, value: Value) -> Value:
    """Return a field of a time, as EXTRACT and date_part do."""
    if isinstance(value, Interval):
        return _interval_part(field.lower(), value)
    moment = time_in(value)
    if moment is None:
        return None
    match field.lower():
        case "epoch":
            return moment.timestamp()
        case "dow":
            return moment.isoweekday() % 7
        case "isodow":
            return moment.isoweekday()
        case "doy":
            return moment.timetuple().tm_yday
        case "week":
            return moment.isocalendar().week
        case "isoyear":
            return moment.isocalendar().year
        case "quarter":
            return (moment.month - 1) // 3 + 1
        case "second":
            return moment.second + moment.microsecond / 1e6
        case "millisecond" | "milliseconds":
            return moment.second * 1000 + moment.microsecond / 1e3
        case "microsecond" | "microseconds":
            return moment.second * 1_000_000 + moment.microsecond
        case "decade":
            return moment.year // 10
        case "century":
            return (moment.year + 99) // 100
        case name:
            return cast("Value", getattr(moment, name)) if name in UNITS else None


def _interval_part(field: str, value: Interval) -> Value:
    if field == "epoch":
        return value.rest.total_seconds() + value.months * 30 * 86400
    sign = -1 if value.rest < timedelta() else 1
    days, clock = divmod(abs(value.rest), timedelta(days=1))
    hours, rest = divmod(clock, timedelta(hours=1))
    minutes, left = divmod(rest, timedelta(minutes=1))
    years = int(value.months / 12)
    found = {
        "year": years, "month": value.months - 12 * years, "day": sign * days, "hour": sign * hours,
        "minute": sign * minutes, "second": sign * left.total_seconds(),
        "millisecond": sign * left / timedelta(milliseconds=1),
        "microsecond": sign * (left // timedelta(microseconds=1)),
    }  # fmt: skip
    return found.get(field.rstrip("s"))


@function("extract date_part", "text any")
def _extract(field: str, value: Value) -> Value:
    return part(field, value)


@function("to_datetime", "any")
def _to_datetime(value: Value) -> Value:
    return time_in(value)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_READ = {
    "YYYY": r"(?P<year>\d{1,4})", "MM": r"(?P<month>\d{1,2})", "DD": r"(?P<day>\d{1,2})", "HH24": r"(?P<hour>\d{1,2})",
    "HH12": r"(?P<hour>\d{1,2})", "MI": r"(?P<minute>\d{1,2})", "SS": r"(?P<second>\d{1,2})",
    "MS": r"(?P<fraction>\d{1,3})", "US": r"(?P<fraction>\d{1,6})", "AM": "(?P<half>[ap]m)",
    "MON": f"(?P<name>{'|'.join(_MONTHS)})", "TZH": r"(?P<zone>[+-]\d{1,2})", "TZM": r"(?P<more>\d{1,2})",
}  # fmt: skip
_READ_PIECE = re.compile(rf'"([^"]*)"|({"|".join(sorted(_READ, key=len, reverse=True))})|(.)', re.IGNORECASE)


def by_pattern(value: Value, pattern: Value) -> datetime | None:
    """Return the time that a text spells by a pattern in which a separator stands between any two fields."""
    if not isinstance(value, str) or not isinstance(pattern, str):
        return None
    form = "".join(
        "." * len(quoted) if quoted else _READ[token.upper()] if token else r"\s*\W?\s*"
        for quoted, token, _ in _READ_PIECE.findall(pattern)
    )
    found = re.match(form, value.strip(), re.IGNORECASE)
    if found is None:
        return None
    parts = found.groupdict("")
    month = _MONTHS.index(parts["name"].lower()) + 1 if parts.get("name") else int(parts.get("month") or 1)
    hour = int(parts.get("hour") or 0)
    if parts.get("half"):
        hour = hour % 12 + 12 * (parts["half"].lower() == "pm")
    minute, second = (int(parts.get(name) or 0) for name in ("minute", "second"))
    zone = int(parts.get("zone") or 0)
    offset = timedelta(hours=zone, minutes=int(parts.get("more") or 0) * (-1 if zone < 0 else 1))
    try:
        micros = int((parts.get("fraction") or "").ljust(6, "0"))
        day = datetime(int(parts["year"]), month, int(parts.get("day") or 1), hour, minute, second, micros, tzinfo=UTC)
        return day - offset
    except ValueError:
        return None


@function("to_timestamp", "any any?")
def _to_timestamp(value: Value, *pattern: Value) -> Value:
    if pattern:
        return by_pattern(value, pattern[0])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _EPOCH + timedelta(seconds=value)
    return time_in(value)


@function("date_bin", "any time time?")
def _date_bin(step: Value, moment: datetime, origin: datetime = _EPOCH) -> Value:
    if isinstance(step, str):
        step = read_interval(step)
    if not isinstance(step, Interval):
        return None
    return origin + (moment - origin) // step.rest * step.rest


@function("make_date", "integer integer integer")
def _make_date(year: int, month: int, day: int) -> Value:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


@function("make_timestamp make_timestamptz", "integer integer integer integer integer number")
def _make_timestamp(year: int, month: int, day: int, hour: int, minute: int, second: Number) -> Value:
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UTC) + timedelta(seconds=second)
    except ValueError:
        return None


def truncated_there(unit: Value, value: Value, zone: Value) -> Value:
    """Return the start of a unit by a clock in a time zone."""
    moment = time_in(value)
    if moment is None or not isinstance(unit, str) or not isinstance(zone, str):
        return None
    return _start(unit, moment.astimezone(ZoneInfo(zone))).astimezone(UTC)


@function("timezone", "text time")
def _timezone(zone: str, moment: datetime) -> Value:
    local = moment.astimezone(ZoneInfo(zone))
    return local.replace(tzinfo=UTC)


@function("from_timezone", "text time")
def _from_timezone(zone: str, moment: datetime) -> Value:
    shown = moment.replace(tzinfo=ZoneInfo(zone))
    return max(shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


@function("last_day", "time")
def _last_day(moment: datetime) -> Value:
    first = shifted(_start("month", moment), 1)
    return first - timedelta(days=1)


_FORMATS = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d", "DDD": "%j", "HH24": "%H", "HH12": "%I", "HH": "%I",
    "MI": "%M", "SS": "%S", "MS": "%f", "US": "%f", "AM": "%p", "PM": "%p", "Mon": "%b", "Month": "%B", "Day": "%A",
    "Dy": "%a", "IW": "%V", "IYYY": "%G",
}  # fmt: skip
_FORM = re.compile("|".join(sorted(_FORMATS, key=len, reverse=True)))


@function("to_char", "time text")
def _to_char(moment: datetime, form: str) -> Value:
    def piece(matched: re.Match[str]) -> str:
        if matched[0] == "MS":
            return f"{moment.microsecond // 1000:03d}"
        spelled = moment.strftime(_FORMATS[matched[0]])
        return f"{spelled:9}" if matched[0] in ("Month", "Day") else spelled

    return _FORM.sub(piece, form)


@function("strftime", "time text")
def _strftime(moment: datetime, form: str) -> Value:
    return moment.strftime(form)


@function("to_interval", "text")
def _to_interval(value: str) -> Value:
    return read_interval(value)


@function("age", "time time")
def _age(later: datetime, earlier: datetime) -> Value:
    return Interval(rest=later - earlier)


@function("epoch", "any")
def _epoch(value: Value) -> Value:
    return part("epoch", value)


@function("whole_part", "text any")
def _whole_part(field: str, value: Value) -> Value:
    found = part(field, value)
    return int(found) if isinstance(found, int | float) else None
