"""Units of time: times cut to the start of one, and how many of one there are in a time or an interval."""

from __future__ import annotations

from btql_planner import sql_text
from btql_planner.functions.call import ArgumentError, written_interval, written_text
from btql_planner.intervals import PARTS, spans_of
from btql_planner.types import Kind
from btql_planner.value import Value

_YEARS = (-9_214_560_000_000_000, 9_214_646_400_000_000)
"""The microseconds that the engine also has as nanoseconds, whole years of them."""
MICROSECONDS = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
}
LENGTHS = {**MICROSECONDS, "week": 7 * MICROSECONDS["day"]}
_PARTS = {
    **dict.fromkeys(("year", "years"), "date_part('year', {})"),
    "quarter": "date_part('quarter', {})",
    **dict.fromkeys(("month", "months"), "date_part('month', {})"),
    **dict.fromkeys(("week", "weeks"), "date_part('week', {})"),
    **dict.fromkeys(("day", "days"), "date_part('day', {})"),
    "dow": "date_part('dow', {})",
    "isodow": "((date_part('dow', {}) + 6) % 7 + 1)",
    "doy": "date_part('doy', {})",
    "isoyear": "date_part('isoyear', {})",
    "decade": "(date_part('year', {}) / 10)",
    "century": "((date_part('year', {}) + 99) / 100)",
}
_CLOCK = {"hour": "day", "minute": "hour", "second": "minute", "millisecond": "minute", "microsecond": "minute"}
"""With what a number of a clock begins anew. The engine's ``date_part`` takes twice as long: it makes dates first."""


def truncated(unit: str, moment: str) -> str:
    """Return the start of a unit.

    The engine cuts in nanoseconds, and stops at times that have none in 64 bits: years before 1678 or after 2261. What
    has a fixed length is cut here, in microseconds; months, quarters and years are null beyond.
    """
    number = f"arrow_cast({moment}, 'Int64')"
    if unit == "week":
        # 1970 began on a Thursday.
        shift = 3 * MICROSECONDS["day"]
        return from_microseconds(f"({floor(f'({number} + {shift})', 7 * MICROSECONDS['day'])} - {shift})")
    if unit in MICROSECONDS:
        return from_microseconds(floor(number, MICROSECONDS[unit]))
    return f"date_trunc('{unit}', {with_nanoseconds(moment)})"


def with_nanoseconds(moment: str) -> str:
    """Return an instant, null where the engine has none in nanoseconds."""
    return f"CASE WHEN arrow_cast({moment}, 'Int64') BETWEEN {_YEARS[0]} AND {_YEARS[1]} THEN {moment} END"


def floor(number: str, step: int) -> str:
    """Return a whole number rounded down to a multiple; the engine's division rounds towards zero.

    One division for each number: in groups by hour, two took a tenth of the query.
    """
    below = f"({number} - {step - 1}) / {step} * {step}"
    return f"(CASE WHEN {number} < 0 THEN {below} ELSE {number} / {step} * {step} END)"


def from_microseconds(number: str) -> str:
    """Return the instant so many microseconds after the start of 1970."""
    return f"arrow_cast({number}, {sql_text.INSTANT})"


def written_length(stride: Value) -> int:
    """Return the microseconds of an interval that the query spells out; 0 where it does not, or has months."""
    as_text, as_interval = stride.get(Kind.TEXT), stride.get(Kind.INTERVAL)
    text = written_text(as_text) if Kind.TEXT in stride.parts else written_interval(as_interval)
    months, days, microseconds = (text is not None and spans_of(text)) or (0, 0, 0)
    return 0 if months else days * MICROSECONDS["day"] + microseconds


def part_of_interval(name: str, unit: str, value: str) -> str:
    """Return how many of a unit an interval is shown with; ``unit`` is its name as the query has it."""
    number = name.rstrip("s")
    if number not in PARTS:
        raise ArgumentError(f"there is no part {unit} of an interval; the parts are {', '.join(PARTS)}, epoch", 0)
    return f"btql_interval_part({value}, '{number}')"


def part_of_time(name: str, unit: str, value: str) -> str:
    """Return the number of a unit in a time, by the clock of UTC; ``unit`` is its name as the query has it."""
    if (number := name.rstrip("s")) in _CLOCK:
        cycle, each = LENGTHS[_CLOCK[number]], LENGTHS[number]
        return f"(((arrow_cast({value}, 'Int64') % {cycle} + {cycle}) % {cycle}) / {each})"
    if name not in _PARTS:
        listed = ", ".join([*(each for each in _PARTS if not each.endswith("s")), *_CLOCK, "epoch"])
        raise ArgumentError(f"there is no part {unit} of a time; the parts are {listed}", 0)
    return f"CAST({_PARTS[name].replace('{}', value)} AS BIGINT)"
