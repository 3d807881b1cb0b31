"""Postgres' patterns for times: shown in terms of those that the engine knows, read in Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from btql_planner import sql_text
from btql_planner.expressions import Constant
from btql_planner.functions.call import ArgumentError, written_text
from btql_planner.spelling import formatted
from btql_planner.time_reading import PatternError, check_pattern, date_by_pattern, iso_time, time_by_pattern
from btql_planner.types import Kind, Type
from btql_planner.value import Value

SECONDS = (-62_135_596_800, 253_402_300_800)
"""From 1970 to the years 1 and 10000: what lies beyond cannot be shown."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOKENS = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "DDD": "%j", "DD": "%d", "HH24": "%H", "HH12": "%I", "HH": "%I",
    "MI": "%M", "SS": "%S", "MS": "%3f", "US": "%6f", "IYYY": "%G", "IW": "%V", "ID": "%u", "TZ": "UTC", "OF": "+00",
    "FM": "",
}  # fmt: skip
_NAMES = {"MONTH": "%B", "MON": "%b", "DAY": "%A", "DY": "%a", "AM": "%p", "PM": "%p"}
_SECONDS = "CAST(date_part('hour', {}) * 3600 + date_part('minute', {}) * 60 + date_part('second', {}) AS BIGINT)"
_COUNTED = {
    **dict.fromkeys(("SSSS", "SSSSS"), f"CAST({_SECONDS} AS VARCHAR)"),
    "Q": "CAST(date_part('quarter', {}) AS VARCHAR)",
    "WW": "lpad(CAST((date_part('doy', {}) + 6) / 7 AS VARCHAR), 2, '0')",
}
"""What the engine has no form for: seconds of the day, the quarter, and the week that counts from January 1."""
_KNOWN = "|".join(sorted([*_TOKENS, *_NAMES, *_COUNTED], key=len, reverse=True))
_PIECE = rf'"([^"]*)"|({_KNOWN})|([A-Za-z]+)|(.)'


def char_pieces(moment: str, pattern: str) -> str:
    """Return the SQL of ``to_char(moment, pattern)``."""
    pieces: list[str] = []
    plain = ""
    for found in re.finditer(_PIECE, pattern, re.IGNORECASE | re.DOTALL):
        quoted, token, unknown, other = found.groups()
        if unknown is not None:
            known = ", ".join([*_TOKENS, *_NAMES, *_COUNTED])
            raise ArgumentError(f"to_char knows no {unknown}: it knows {known}, and texts in double quotes", 1)
        if token is None:
            plain += (quoted if quoted is not None else other).replace("%", "%%")
        elif token.upper() in _COUNTED:
            pieces += [_shown(moment, plain)] if plain else []
            pieces.append(_COUNTED[token.upper()].replace("{}", moment))
            plain = ""
        elif token.upper() in _TOKENS:
            plain += _TOKENS[token.upper()]
        elif token.istitle():
            plain += _NAMES[token.upper()]
        else:
            pieces += [_shown(moment, plain)] if plain else []
            pieces.append(f"{'upper' if token.isupper() else 'lower'}({_shown(moment, _NAMES[token.upper()])})")
            plain = ""
    pieces += [_shown(moment, plain)] if plain or not pieces else []
    return pieces[0] if len(pieces) == 1 else f"({' || '.join(pieces)})"


def _shown(moment: str, form: str) -> str:
    return formatted(moment, sql_text.text(form))


def read(function: str, value: Value, pattern: str) -> str:
    """Return the SQL of ``to_timestamp(value, pattern)`` or ``to_date(value, pattern)``."""
    written = written_text(pattern)
    if written is None:
        message = f"{function} takes a pattern that is written in the query"
        raise ArgumentError(message, 1)
    _check(function, written)
    if Kind.TIME in value.parts:
        message = f"{function} reads a text by a pattern, and this is a time already"
        raise ArgumentError(message, 0)
    return f"btql_{function}({value.get(Kind.TEXT)}, {pattern})"


def has_pattern(arguments: Sequence[Type]) -> bool:
    """Whether a call is one by a pattern."""
    return len(arguments) > 1


def known_time(arguments: Sequence[Constant]) -> datetime | None:
    """Return the instant that a constant text spells as ISO 8601."""
    (value,) = arguments
    return iso_time(str(value.value)) if value.kind is Kind.TEXT else None


def known_timestamp(arguments: Sequence[Constant]) -> datetime | None:
    """Return the instant that a constant says by seconds, as ISO 8601 or by a pattern."""
    value = arguments[0]
    if has_pattern([argument.type for argument in arguments]):
        return _known("to_timestamp", *arguments)
    if value.kind in (Kind.INTEGER, Kind.FLOAT) and SECONDS[0] <= float(str(value.value)) < SECONDS[1]:
        return _EPOCH + timedelta(microseconds=round(float(str(value.value)) * 1_000_000))
    return known_time(arguments)


def known_date(arguments: Sequence[Constant]) -> datetime | None:
    """Return the start of the day that a constant text spells."""
    if has_pattern([argument.type for argument in arguments]):
        return _known("to_date", *arguments)
    moment = known_time(arguments)
    return None if moment is None else moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _known(function: str, value: Constant, pattern: Constant) -> datetime | None:
    if value.kind is None or pattern.kind is not Kind.TEXT:
        return None
    _check(function, str(pattern.value))
    if value.kind is not Kind.TEXT:
        message = f"{function} takes a text where there is a pattern"
        raise ArgumentError(message, 0)
    by_pattern = date_by_pattern if function == "to_date" else time_by_pattern
    found = by_pattern(str(value.value), str(pattern.value))
    if found is None:
        message = f"`{value.value}` does not fit the pattern `{pattern.value}`, or there is no such time"
        raise ArgumentError(message, 0)
    return found


def _check(function: str, pattern: str) -> None:
    try:
        check_pattern(pattern)
    except PatternError as error:
        message = f"{function} {error}"
        raise ArgumentError(message, 1) from None
