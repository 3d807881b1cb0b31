"""Intervals: what they are, how they are spelled, and what texts spell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

_UNIT_DELTAS = {"week": 7 * 86400, "day": 86400, "hour": 3600, "minute": 60, "second": 1}
_MONTHS = {"year": 12, "mon": 1, "month": 1}
_PIECE = re.compile(r"([+-]?\d+)\s*([a-z]+)\s*|([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?\s*")


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of time: months have no fixed length, the rest has."""

    months: int = 0
    rest: timedelta = timedelta()

    @property
    def length(self) -> timedelta:
        """What it compares by: a month counts 30 days."""
        return self.rest + timedelta(days=30 * self.months)


def interval(count: int, unit: str) -> Interval:
    """Return ``interval 7 day``."""
    if unit in _MONTHS:
        return Interval(months=count * _MONTHS[unit])
    if unit in ("millisecond", "microsecond"):
        return Interval(rest=timedelta(**{f"{unit}s": count}))
    return Interval(rest=timedelta(seconds=count * _UNIT_DELTAS[unit]))


def read_interval(text: str) -> Interval | None:
    """Return the interval that a text such as ``1 day 2 hours`` or ``1 day 02:00:00`` spells."""
    total, place, rest = Interval(), 0, text.strip().lower()
    while place < len(rest) or not rest:
        piece = _PIECE.match(rest, place)
        if piece is None:
            return None
        place = piece.end()
        if piece[2] is None:
            clock = timedelta(hours=int(piece[4]), minutes=int(piece[5]), seconds=float(piece[6] or 0))
            one = Interval(rest=-clock if piece[3] == "-" else clock)
        else:
            name = piece[2].rstrip("s")
            if name not in (*_UNIT_DELTAS, *_MONTHS, "millisecond", "microsecond"):
                return None
            one = interval(int(piece[1]), name)
        total = Interval(total.months + one.months, total.rest + one.rest)
    return total


def length_in(value: object) -> timedelta | None:
    """Return the length of an interval, or of one that a text spells; None for anything else."""
    found = read_interval(value) if isinstance(value, str) else value
    return found.length if isinstance(found, Interval) else None


def spelled_interval(value: Interval) -> str:
    """Return an interval as Postgres spells it: ``1 year 2 mons 3 days 04:05:06.5``, ``-1 mons +1 day``."""
    years, months = divmod(abs(value.months), 12)
    of_months, of_rest = ("-" if value.months < 0 else ""), ("-" if value.rest < timedelta() else "")
    days, left = divmod(abs(value.rest), timedelta(days=1))
    if of_months and not of_rest:
        # Behind what is less than nothing, more is said to be more.
        of_rest = "+"
    counts = ((years, "year", of_months), (months, "mon", of_months), (days, "day", of_rest))
    pieces = [
        f"{sign}{count} {name}{'' if f'{sign}{count}' in ('1', '+1') else 's'}" for count, name, sign in counts if count
    ]
    if days and of_rest == "+":
        of_rest = ""
    if left or not pieces:
        clock = str(left) if left >= timedelta(hours=10) else f"0{left}"
        pieces.append(of_rest + (clock.rstrip("0") if "." in clock else clock))
    return " ".join(pieces)
