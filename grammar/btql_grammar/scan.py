"""The first look at a text, whatever language it is in.

Before a parser sees a text this module makes sure that it is of a bearable
size, that it holds only characters that can be stored and sent, that every
quote, comment and bracket is closed, and that brackets are not nested without
end. Both parsers may rely on it, and the mistakes that confuse a parser most
are told in the same words for both languages.
"""

from __future__ import annotations

import re

from btql_grammar.diagnostic import BtqlError, Label
from btql_grammar.span import Span

TEXT_CHARS_MAX = 1 << 20
PIECES_MAX = 20_000
"""Words, values and symbols; a value with the comma behind it is one. Compiling that many takes about a second."""
DEPTH_MAX = 200

SPACE = r"[\s\ufeff]+|--[^\n]*|/\*(?s:.*?)\*/"
"""What may stand between two tokens."""
STRING = r"'(?:[^'\\]|''|\\(?s:.))*+'"
DOUBLE_QUOTED = r'"(?:[^"\\]|""|\\(?s:.))*+"'

_PIECE = re.compile(
    rf"""(?:{SPACE})*+(?:
    (?:{STRING}|[0-9][\w.]*+)(?:\s*+,)?
    |{DOUBLE_QUOTED}
    |\w++
    |(?P<mark>/\*|[()\[\]{{}}'"])
    |.
    )?""",
    re.VERBOSE,
)
# The same without counting, from one mark to the next: several times faster.
_MARK = re.compile(
    rf"""(?:{SPACE}|{STRING}|{DOUBLE_QUOTED}|\w++|(?!/\*)[^()\[\]{{}}'"\w\s])*+
    (?:(?P<mark>/\*|[()\[\]{{}}'"])|\Z)""",
    re.VERBOSE,
)
_LEADING = re.compile(rf"(?:{SPACE})*+")
_OPENING = {")": "(", "]": "[", "}": "{"}
_CLOSING = {opening: closing for closing, opening in _OPENING.items()}


def check(text: str) -> None:
    """Raise unless ``text`` is of bearable size, clean, and closes what it opens."""
    if len(text) > TEXT_CHARS_MAX:
        raise _too_long(f"the query is longer than {TEXT_CHARS_MAX:,} characters", Span(0, 0))
    _check_characters(text)
    _check_pieces(text)


def after_space(text: str, offset: int = 0) -> int:
    """Return where the first token at or after ``offset`` begins."""
    match = _LEADING.match(text, offset)
    assert match is not None, "the pattern matches the empty text"
    return match.end()


def _check_characters(text: str) -> None:
    nul = text.find("\0")
    if nul >= 0:
        raise BtqlError.of(
            "B0105",
            "the query holds a NUL character",
            Span(nul, nul + 1),
            "here",
            help='remove it; in a text in double quotes it is written `"\\u0000"`',
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BtqlError.of(
            "B0105",
            "the query holds half of a surrogate pair, which is not a character",
            Span(error.start, error.start + 1),
            "here",
            help="read the text as UTF-8",
        ) from None


def _check_pieces(text: str) -> None:
    opened: list[int] = []
    # A text has no more pieces than characters.
    pattern = _PIECE if len(text) > PIECES_MAX else _MARK
    for number, match in enumerate(pattern.finditer(text)):
        if number == PIECES_MAX:
            place = Span(match.end(), match.end())
            raise _too_long(f"the query has more than {PIECES_MAX:,} words, values and symbols", place)
        if match.lastgroup is None:
            continue
        mark, start = match["mark"], match.start("mark")
        if mark in _CLOSING:
            opened.append(start)
            if len(opened) > DEPTH_MAX:
                raise too_deep(Span(start, start + 1))
        elif mark in _OPENING:
            if not opened or text[opened[-1]] != _OPENING[mark]:
                raise _unopened(text, mark, start, opened)
            opened.pop()
        else:
            raise _unclosed(mark, start)
    if opened:
        opening = text[opened[-1]]
        raise BtqlError.of(
            "B0102",
            f"`{opening}` is never closed",
            Span(opened[-1], opened[-1] + 1),
            "opened here",
            help=f"add the missing `{_CLOSING[opening]}`",
        )


def _too_long(message: str, span: Span) -> BtqlError:
    return BtqlError.of(
        "B0107", message, span, "too long",
        help="split the query, or replace a long list of values by a filter that says the same",
    )  # fmt: skip


def too_deep(span: Span) -> BtqlError:
    """Return the error for a query that is nested without end."""
    return BtqlError.of(
        "B0107",
        f"the query is nested more than {DEPTH_MAX} levels deep",
        span,
        "too deep here",
        help="split the query, or name parts of it with `as`",
    )


def _unopened(text: str, mark: str, start: int, opened: list[int]) -> BtqlError:
    secondary: tuple[Label, ...] = ()
    message = f"`{mark}` closes nothing"
    help_ = f"remove it, or add the missing `{_OPENING[mark]}`"
    if opened:
        opening = text[opened[-1]]
        message = f"`{mark}` cannot close `{opening}`"
        secondary = (Label(Span(opened[-1], opened[-1] + 1), "opened here"),)
        help_ = f"add the missing `{_CLOSING[opening]}`"
    return BtqlError.of("B0102", message, Span(start, start + 1), "here", help=help_, secondary=secondary)


def _unclosed(mark: str, start: int) -> BtqlError:
    what, end = ("comment", "*/") if mark == "/*" else ("text", mark)
    help_ = f"add the missing `{end}`"
    if mark == "'":
        help_ += "; a quote inside the text is written `''`"
    return BtqlError.of(
        "B0102", f"the {what} is never closed", Span(start, start + len(mark)), "opened here", help=help_
    )
