"""Times that texts spell: by a pattern, as ``to_timestamp`` and ``to_date`` of Postgres read them, and as ISO 8601.

How a pattern is followed, in the words of Postgres' documentation:

1. Spaces around a field are skipped.
2. A separator (a space, or what is no letter and no digit) takes one separator of the text, whichever it is, or none.
3. A text in double quotes takes as many characters, whichever they are.
4. A field takes all digits where no digit can follow it in the pattern, else as many as it is wide.
5. Where the text ends first, what is left of the pattern has its least value: January, the first, midnight. Where
   the pattern ends first, the rest of the text says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WIDTHS = {
    "YYYY": 4, "YY": 2, "MM": 2, "DD": 2, "HH24": 2, "HH12": 2, "HH": 2, "MI": 2, "SS": 2, "MS": 3, "US": 6, "TZH": 2,
    "TZM": 2,
}  # fmt: skip
_WORDS = {
    "MONTH": _MONTHS, "MON": tuple(month[:3] for month in _MONTHS), "AM": ("am", "pm"), "PM": ("am", "pm"),
}  # fmt: skip
_FIELDS = (*_WIDTHS, *_WORDS)
_YEARS = frozenset({"YYYY", "YY"})
_TWELVE_HOURS = frozenset({"HH12", "HH", "AM", "PM"})
_ANY = "|".join(sorted(_FIELDS, key=len, reverse=True))
_PIECE = re.compile(rf'"([^"]*)"?|(FM)?({_ANY})|((?:(?!{_ANY})[A-Z])+)|(.)', re.IGNORECASE | re.DOTALL)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_ISO = re.compile(rf"\d{{4}}-\d\d-\d\d(?:[T ]{_CLOCK}(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_OFFSET_HOURS_MAX = 15


class PatternError(ValueError):
    """A pattern cannot be followed; the message goes on from the name of a function."""


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: Literal["field", "separator", "literal"]
    text: str
    """The field, in capitals, or what stands there instead."""
    greedy: bool = False
    """Whether a field takes all digits."""


def check_pattern(pattern: str) -> None:
    """Raise :class:`PatternError` where a pattern is none."""
    _pieces(pattern)


def time_by_pattern(text: str, pattern: str) -> datetime | None:
    """Return the instant that a text spells, in UTC unless it says otherwise; None where it does not fit."""
    fields = _fields(text, _pieces(pattern))
    if fields is None:
        return None
    hours, minutes = fields.get("TZH", 0), fields.get("TZM", 0)
    if abs(hours) > _OFFSET_HOURS_MAX or minutes > 59:
        return None
    offset = timedelta(hours=abs(hours), minutes=minutes) * fields.get("sign", 1)
    try:
        return _local(fields) - offset
    except (ValueError, OverflowError):
        return None


def date_by_pattern(text: str, pattern: str) -> datetime | None:
    """Return the start of the day that a text spells; None where it does not fit."""
    fields = _fields(text, _pieces(pattern))
    try:
        return None if fields is None else _local(fields).replace(hour=0, minute=0, second=0, microsecond=0)
    except (ValueError, OverflowError):
        return None


def iso_time(text: str) -> datetime | None:
    """Return the instant that ISO 8601 spells; None for what only the engine can tell, which takes more spellings."""
    if _ISO.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)
def _pieces(pattern: str) -> tuple[_Piece, ...]:
    found = [_piece(match) for match in _PIECE.finditer(pattern)]
    if not any(piece.kind == "field" and piece.text in _YEARS for piece in found):
        raise PatternError("needs a year in its pattern: YYYY")
    following = (*found[1:], None)
    return tuple(
        replace(piece, greedy=piece.greedy or after is None or not _may_begin_with_digit(after))
        for piece, after in zip(found, following, strict=True)
    )


def _piece(match: re.Match[str]) -> _Piece:
    quoted, fill, field, unknown, other = match.groups()
    if unknown is not None:
        message = (
            f"knows no `{unknown}`, at character {match.start() + 1} of its pattern: it knows {', '.join(_FIELDS)}, and"
            " texts in double quotes"
        )
        raise PatternError(message)
    if field is not None:
        return _Piece("field", field.upper(), greedy=fill is not None)
    if quoted is not None:
        return _Piece("literal", quoted)
    return _Piece("separator" if _separates(other) else "literal", other)


def _may_begin_with_digit(piece: _Piece) -> bool:
    return piece.text in _WIDTHS and piece.text != "TZH" if piece.kind == "field" else piece.text[:1].isdigit()


def _fields(text: str, pieces: Sequence[_Piece]) -> dict[str, int] | None:
    """Return the numbers that a text has at the fields of a pattern; None where it does not fit."""
    reading = _Reading(text)
    for number, piece in enumerate(pieces):
        if reading.offset == len(text):
            break
        if piece.kind == "field" or number == 0:
            reading.skip_spaces()
        if piece.kind == "field" and not reading.take(piece):
            return None
        if piece.kind == "separator":
            reading.pass_separator()
        elif piece.kind == "literal":
            reading.pass_literal(len(piece.text))
    return reading.fields


class _Reading:
    """How far a text is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0
        self.ahead = 0
        """How many characters were passed over beyond those of the pattern."""
        self.fields: dict[str, int] = {}

    def skip_spaces(self) -> None:
        while self.text[self.offset : self.offset + 1].isspace():
            self.offset += 1
            self.ahead += 1

    def pass_separator(self) -> None:
        if _separates(self.text[self.offset : self.offset + 1]):
            self.offset += 1
        else:
            self.ahead -= 1

    def pass_literal(self, length: int) -> None:
        known = min(length, max(self.ahead, 0))
        self.ahead -= known
        self.offset = min(self.offset + length - known, len(self.text))

    def take(self, piece: _Piece) -> bool:
        """Read a field; return whether there is one."""
        if piece.text == "TZH":
            self._take_sign()
        found = self._word(piece.text) if piece.text in _WORDS else self._number(piece)
        self.ahead = 0
        self.skip_spaces()
        return found

    def _take_sign(self) -> None:
        sign = self.text[self.offset : self.offset + 1]
        if sign in ("+", "-"):
            self.offset += 1
        elif self.ahead > 0:
            # It was taken for a separator.
            sign = self.text[self.offset - 1]
        self.fields["sign"] = -1 if sign == "-" else 1

    def _word(self, name: str) -> bool:
        rest = self.text[self.offset : self.offset + 9].lower()
        for number, word in enumerate(_WORDS[name]):
            if rest.startswith(word):
                self.offset += len(word)
                self.fields[name] = number
                return True
        return False

    def _number(self, piece: _Piece) -> bool:
        width = _WIDTHS[piece.text]
        match = re.compile("[0-9]{1,9}" if piece.greedy else f"[0-9]{{{width}}}").match(self.text, self.offset)
        if match is None:
            return False
        self.offset = match.end()
        digits = match[0]
        if piece.text in ("MS", "US"):
            # A fraction: ``.5`` is 500 milliseconds.
            digits = digits.ljust(width, "0")
            if len(digits) > width:
                return False
        self.fields[piece.text] = int(digits)
        return True


def _separates(character: str) -> bool:
    return character.isspace() or (character.isascii() and character.isprintable() and not character.isalnum())


def _local(fields: dict[str, int]) -> datetime:
    """Return the time on the clock that the fields show; raise ValueError where there is none."""
    year = fields.get("YYYY")
    if year is None:
        short = fields.get("YY", 0)
        year = short + (2000 if short < 70 else 1900) if "YY" in fields and short < 100 else short
    month = next((fields[name] + 1 for name in ("MON", "MONTH") if name in fields), fields.get("MM", 1))
    fraction = fields.get("MS", 0) * 1000 + fields.get("US", 0)
    start = datetime(
        year, month, fields.get("DD", 1), _hour(fields), fields.get("MI", 0), fields.get("SS", 0), tzinfo=UTC
    )
    return start + timedelta(microseconds=fraction)


def _hour(fields: dict[str, int]) -> int:
    hour = next((fields[name] for name in ("HH24", "HH12", "HH") if name in fields), None)
    if hour is None or not fields.keys() & _TWELVE_HOURS:
        return hour or 0
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    afternoon = fields.get("PM", fields.get("AM", 0))
    return hour % 12 + 12 * afternoon
