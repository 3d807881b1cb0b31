"""Intervals, read from their text: Postgres' own form, ``1 year 2 mons -3 days 04:05:06.5``, and ISO 8601's."""

from __future__ import annotations

import re

_UNITS = {
    **dict.fromkeys(("year", "years", "y", "yr", "yrs"), ("months", 12)),
    **dict.fromkeys(("mon", "mons", "month", "months"), ("months", 1)),
    **dict.fromkeys(("decade", "decades"), ("months", 120)),
    **dict.fromkeys(("century", "centuries"), ("months", 1_200)),
    **dict.fromkeys(("day", "days", "d"), ("days", 1)),
    **dict.fromkeys(("week", "weeks", "w"), ("days", 7)),
    **dict.fromkeys(("hour", "hours", "h", "hr", "hrs"), ("micros", 3_600_000_000)),
    **dict.fromkeys(("minute", "minutes", "m", "min", "mins"), ("micros", 60_000_000)),
    **dict.fromkeys(("second", "seconds", "s", "sec", "secs"), ("micros", 1_000_000)),
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), ("micros", 1_000)),
    **dict.fromkeys(("microsecond", "microseconds", "us"), ("micros", 1)),
}
_ISO_UNITS = {"Y": "year", "M": "mon", "W": "week", "D": "day"}
_ISO_CLOCK = {"H": "hour", "M": "minute", "S": "second"}
_PIECE = re.compile(
    r"\s*(?:([+-]?)(\d+):(\d\d?)(?::(\d\d?)(?:\.(\d{1,9}))?)?|([+-]?\d+(?:\.\d+)?)\s*([a-zµ]+))(?=\s|$|[+-]|\d)"
)
_ISO_PIECE = re.compile(r"([+-]?\d+(?:\.\d+)?)([YMWDHS])")
_ISO_PIECES = re.compile(r"(?:[+-]?\d++(?:\.\d++)?[YMWDHS])*+")
_DAY_US = 86_400_000_000


def read_interval(text: str) -> tuple[int, int, int]:
    """Return months, days and microseconds; ValueError where it is no interval."""
    stripped = text.strip()
    if stripped[:1] in ("P", "p"):
        return _iso(stripped.upper())
    body = stripped.lower().removeprefix("@")
    ago = body.endswith(" ago")
    body = body.removesuffix(" ago").rstrip()
    found = {"months": 0.0, "days": 0.0, "micros": 0.0}
    place = 0
    while place < len(body):
        piece = _PIECE.match(body, place)
        if piece is None:
            raise ValueError(text)
        place = piece.end()
        if piece[7] is None:
            found["micros"] += _clock(piece)
        else:
            if piece[7] not in _UNITS:
                raise ValueError(text)
            field, factor = _UNITS[piece[7]]
            found[field] += float(piece[6]) * factor if "." in piece[6] else int(piece[6]) * factor
    if not body:
        raise ValueError(text)
    return _spilled(found, -1 if ago else 1)


def _clock(piece: re.Match[str]) -> int:
    hours, minutes, seconds = int(piece[2]), int(piece[3]), int(piece[4] or 0)
    micros = int((piece[5] or "0")[:6].ljust(6, "0"))
    whole = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros
    return -whole if piece[1] == "-" else whole


def _iso(text: str) -> tuple[int, int, int]:
    date, _, clock = text[1:].partition("T")
    found = {"months": 0.0, "days": 0.0, "micros": 0.0}
    for part, units in ((date, _ISO_UNITS), (clock, _ISO_CLOCK)):
        if not _ISO_PIECES.fullmatch(part):
            raise ValueError(text)
        for number, letter in _ISO_PIECE.findall(part):
            if letter not in units:
                raise ValueError(text)
            field, factor = _UNITS[units[letter]]
            found[field] += float(number) * factor if "." in number else int(number) * factor
    if text == "P":
        raise ValueError(text)
    return _spilled(found, 1)


def _spilled(found: dict[str, float], sign: int) -> tuple[int, int, int]:
    """Return whole numbers; a part of a month is days of thirty to the month, a part of a day a time."""
    months = int(found["months"])
    days_and_part = found["days"] + (found["months"] - months) * 30
    days = int(days_and_part)
    part = days_and_part - days
    micros = found["micros"] + (round(part * _DAY_US) if part else 0)
    return sign * months, sign * days, sign * (micros if isinstance(micros, int) else round(micros))
