"""Postgres' patterns for times, in terms of those that the engine knows."""

from __future__ import annotations

import re

from btql_planner import sql_text
from btql_planner.functions.call import ArgumentError
from btql_planner.spelling import formatted

_TOKENS = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "DDD": "%j", "DD": "%d", "HH24": "%H", "HH12": "%I", "HH": "%I",
    "MI": "%M", "SS": "%S", "MS": "%3f", "US": "%6f", "IYYY": "%G", "IW": "%V", "ID": "%u", "TZ": "UTC", "OF": "+00",
    "FM": "",
}  # fmt: skip
_NAMES = {"MONTH": "%B", "MON": "%b", "DAY": "%A", "DY": "%a", "AM": "%p", "PM": "%p"}
_KNOWN = "|".join(sorted([*_TOKENS, *_NAMES], key=len, reverse=True))
_PIECE = rf'"([^"]*)"|({_KNOWN})|([A-Za-z]+)|(.)'


def char_pieces(moment: str, pattern: str) -> str:
    """Return the SQL of ``to_char(moment, pattern)``."""
    pieces: list[str] = []
    plain = ""
    for found in re.finditer(_PIECE, pattern, re.IGNORECASE | re.DOTALL):
        quoted, token, unknown, other = found.groups()
        if unknown is not None:
            known = ", ".join([*_TOKENS, *_NAMES])
            raise ArgumentError(f"to_char knows no {unknown}: it knows {known}, and texts in double quotes", 1)
        if token is None:
            plain += (quoted if quoted is not None else other).replace("%", "%%")
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
