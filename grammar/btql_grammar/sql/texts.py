r"""Texts and patterns in spellings that only SQL has: ``E'a\n'``, LIKE … ESCAPE, SIMILAR TO.

They become the one spelling that the rest of the engine knows: a text as it is, a
LIKE pattern with backslashes, a regular expression.
"""

from __future__ import annotations

import re

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span

_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"''|\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|((?s:.)))")
_SPECIAL_IN_REGEXP = ".^$\\"


def escaped_text(lexeme: str, span: Span) -> str:
    """Return the text that ``E'…'`` stands for; ``lexeme`` is the part in quotes."""

    def decode(match: re.Match[str]) -> str:
        octal, byte, short, long, other = match.groups()
        if match[0] == "''":
            return "'"
        if other is not None:
            return _ESCAPES.get(other, other)
        code = int(octal, 8) if octal else int(byte or short or long, 16)
        if code == 0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
            raise _no_character(f"`{match[0]}`", span, "remove it")
        return chr(code)

    return _ESCAPE.sub(decode, lexeme[1:-1])


def unicode_text(text: str, escape: str, span: Span) -> str:
    r"""Return the text that ``U&'…'`` stands for, ``text`` being what its quotes hold: ``d\0061t\+000061``."""

    def decode(match: re.Match[str]) -> str:
        digits = match[1] or match[2]
        if match[0] == escape * 2:
            return escape
        if digits is None or int(digits, 16) == 0 or int(digits, 16) > 0x10FFFF:
            help_ = f"four digits follow `{escape}`, or `+` and six; the character itself is written `{escape * 2}`"
            raise _no_character(f"`{match[0]}`", span, help_)
        return chr(int(digits, 16))

    sign = re.escape(escape)
    found = re.sub(rf"{sign}(?:([0-9a-fA-F]{{4}})|\+([0-9a-fA-F]{{6}})|{sign})?", decode, text)
    try:
        # Two halves of a surrogate pair are one character.
        return found.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _no_character("half of a surrogate pair", span, "write both halves, or `+` and six digits") from None


def like_pattern(pattern: str, escape: str, span: Span) -> str:
    r"""Return a LIKE pattern with backslashes for one with ``escape``: ``50!%`` with ``!`` is ``50\%``."""
    made: list[str] = []
    chars = iter(pattern)
    for char in chars:
        if char == escape:
            following = next(chars, None)
            if following is None:
                raise _ends_in_escape(span)
            made.append(f"\\{following}" if following in "%_\\" else following)
        else:
            made.append("\\\\" if char == "\\" else char)
    return "".join(made)


def similar_pattern(pattern: str, escape: str, span: Span) -> str:
    """Return the regular expression that a pattern of SIMILAR TO means; it covers the whole text."""
    made: list[str] = []
    chars = iter(pattern)
    in_class = False
    for char in chars:
        if char == escape:
            following = next(chars, None)
            if following is None:
                raise _ends_in_escape(span)
            made.append(f"\\{following}" if following in f"{_SPECIAL_IN_REGEXP}|*+?{{}}()[]" else following)
        elif in_class:
            in_class = char != "]"
            made.append("\\\\" if char == "\\" else char)
        elif char == "[":
            in_class = True
            made.append(char)
        elif char in "%_":
            made.append(".*" if char == "%" else ".")
        else:
            made.append(f"\\{char}" if char in _SPECIAL_IN_REGEXP else char)
    return f"^(?s:{''.join(made)})$"


def _no_character(what: str, span: Span, help_: str) -> BtqlError:
    return BtqlError.of("B0105", f"{what} is not a character", span, "in this text", help=help_)


def _ends_in_escape(span: Span) -> BtqlError:
    return BtqlError.of(
        "B0109",
        "a pattern cannot end in its escape character",
        span,
        "ends in an escape",
        help="write the escape twice",
    )
