r"""Texts and names in quotes: how they are written, and what they stand for.

In what users write, ``'…'`` is a text, with the escapes ``''``, ``\'`` and ``\\``, and ``"…"`` is a name, in BTQL also
a text, with ``""`` and all escapes of JSON. The engine below knows no backslashes: what is written for it is quoted
by ``btql_planner.sql_text``.
"""

from __future__ import annotations

import json
import re

from btql_grammar.diagnostic import BtqlError, shorten
from btql_grammar.span import Span

_SINGLE_ESCAPES = re.compile(r"''|\\([\\'])")
_DOUBLE_ESCAPES = re.compile(r'""|(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
_WORD = re.compile(r"[^\W\d][\w$]*")
_JOINED = re.compile(r"[\w$]+(?:(?:[-/@#+]|\.(?=\d))[\w$]+)*")


def name(text: str) -> str:
    """Return a name for a place where any word may stand: quoted only where it is no word."""
    return text if _WORD.fullmatch(text) else double_quoted(text)


def unquoted_name(text: str, start: int) -> BtqlError | None:
    """Return the error where a name at ``start`` goes on with signs and no space, as that of ``my-app`` does."""
    found = _JOINED.match(text, start)
    if found is None or _WORD.fullmatch(found[0]):
        return None
    return BtqlError.of(
        "B0101", f"`{shorten(found[0])}` is no single word", Span(*found.span()), "needs quotes",
        help=f"names stand in double quotes: `{shorten(double_quoted(found[0]))}`",
    )  # fmt: skip


def single_quoted(value: str) -> str:
    """Return a text literal."""
    if "\0" in value:
        # Only a text in double quotes can spell this character.
        return double_quoted(value)
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def double_quoted(value: str) -> str:
    """Return a quoted name."""
    escaped = value.replace("\\", "\\\\").replace('"', '""').replace("\0", "\\u0000")
    return f'"{escaped}"'


def unquoted(lexeme: str, start: int) -> str:
    """Return what a lexeme in either kind of quotes stands for; it begins at ``start``."""
    return unquoted_single(lexeme) if lexeme.startswith("'") else unquoted_double(lexeme, start)


def unquoted_single(lexeme: str) -> str:
    r"""Return the text that ``'...'`` stands for.

    Any backslash but ``\'`` and ``\\`` stays, so that a pattern may say ``'50\% off'``.
    """
    body = lexeme[1:-1]
    if "'" not in body and "\\" not in body:
        return body
    return _SINGLE_ESCAPES.sub(lambda match: match[1] or "'", body)


def unquoted_double(lexeme: str, start: int) -> str:
    """Return the name or text that ``"..."`` stands for, which begins at ``start``."""
    body = lexeme[1:-1]
    if '"' not in body and "\\" not in body:
        return body

    def decode(match: re.Match[str]) -> str:
        if match[0] == '""':
            return '"'
        text: str = json.loads(f'"{match[0]}"')
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            raise BtqlError.of(
                "B0105",
                f"`{match[0]}` is half of a surrogate pair, which is not a character",
                Span(start + 1 + match.start(), start + 1 + match.end()),
                "here",
                help=r'write both halves, as in `"\ud83d\ude00"`, or the character itself',
            )
        return text

    return _DOUBLE_ESCAPES.sub(decode, body)
