"""A first look at what a client sends: one statement or several, in which language, and the words it begins with.

Comments end where the grammar says so (:mod:`btql_grammar.scan`), texts and names in quotes as in Postgres, whose
clients write them so: a backslash is itself. The grammar takes it for an escape, so it gets two (:func:`conforming`).
What is never closed goes to the end of everything, so that its end is looked for only once. BTQL is recognised by its
first clause, ``select: …``, behind EXPLAIN too, and is one statement, whatever stands in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from btql_grammar.diagnostic import BtqlError
from btql_grammar.scan import SPACE, STRING, TEXT_CHARS_MAX, after_space
from btql_grammar.span import Span
from btql_grammar.sql.texts import escaped_text
from btql_server.pgwire.bad_value import NOT_UTF8, BadValue

_BTQL = re.compile(r"[a-zA-Z_]+\s*:(?!:)")
_TAG = r"\$(?:[^\W\d]\w*)?\$"
_DOLLARS = rf"(?P<tag>{_TAG})(?s:.*?)(?P=tag)"
_TEXT = r"'(?:[^']|'')*+'"
"""In Postgres a backslash is no escape in a text, unless it begins with E."""
_NAME = r'"(?:[^"]|"")*+"'
_UNCLOSED = rf"(?:[eE]?'|\"|/\*|{_TAG})(?s:.*)"
_TOKEN = re.compile(
    rf"(?P<space>{SPACE})|(?P<string>{_DOLLARS}|[eE]{STRING}|{_TEXT})|(?P<quoted>{_NAME})|(?P<unclosed>{_UNCLOSED})"
    rf"|(?P<number>\d[\w.]*)|(?P<word>\w[\w$]*)|(?P<mark>::|.)",
    re.DOTALL,
)

_EXPLAIN = re.compile(r"EXPLAIN(?:\s++(?:ANALY[ZS]E|VERBOSE)\b|\s*+\([^()]*+\))*+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement of what a client has sent."""

    text: str
    offset: int
    """Where it begins, in characters."""
    is_btql: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """One word, text, number or mark; or what is never closed."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """A word in capitals; nothing where it is no word."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def value(self) -> str:
        """What it says, without its quotes; names without quotes are in lower case."""
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"')
        if self.kind == "string":
            if self.text[0] == "'":
                return self.text[1:-1].replace("''", "'")
            if self.text[0] in "eE":
                return _unescaped(self.text[1:])
            mark = self.text.index("$", 1) + 1
            return self.text[mark:-mark]
        return self.text.lower() if self.kind == "word" else self.text


def conforming(text: str) -> str:
    """Return a statement as the grammar reads it: in texts and names of SQL each backslash is doubled."""
    if "\\" not in text or len(text) > TEXT_CHARS_MAX or _is_btql_at(text, after_space(text)):
        return text
    return _TOKEN.sub(lambda found: found[0].replace("\\", "\\\\") if _is_plain(found[0]) else found[0], text)


def place_before(sent: str, at: int) -> int:
    """Return where a place in what :func:`conforming` has returned was before; characters from 0."""
    if "\\" not in sent or _is_btql_at(sent, after_space(sent)):
        return at
    doubled = 0
    for found in _TOKEN.finditer(sent):
        if found.start() >= at:
            break
        if _is_plain(found[0]):
            doubled += found[0][: at - found.start()].count("\\") // 2
    return at - doubled


def _is_plain(token: str) -> bool:
    """Whether a backslash in a token is itself."""
    return token.startswith(("'", '"'))


def _unescaped(quoted: str) -> str:
    try:
        return escaped_text(quoted, Span(0, len(quoted)))
    except BtqlError as error:
        first = error.diagnostics[0]
        raise BadValue(NOT_UTF8, first.message, first.help) from None


def is_btql(text: str) -> bool:
    """Whether a text begins with a clause of BTQL."""
    return _BTQL.match(text, after_space(text)) is not None


def _is_btql_at(text: str, start: int) -> bool:
    """Whether a clause of BTQL begins at a place, or behind the EXPLAIN that stands there."""
    explain = _EXPLAIN.match(text, start)
    return _BTQL.match(text, start if explain is None else after_space(text, explain.end())) is not None


def split(text: str) -> list[Piece]:
    """Return the statements of a text; none where there is nothing but space."""
    found: list[Piece] = []
    start = 0
    while (start := after_space(text, start)) < len(text):
        if text[start] == ";":
            start += 1
            continue
        if _is_btql_at(text, start):
            explained = _BTQL.match(text, start) is None
            found.append(Piece(text[start:].rstrip().rstrip(";"), start, is_btql=not explained))
            break
        end = _end(text, start)
        found.append(Piece(text[start:end].rstrip(), start))
        start = end + 1
    return found


def _end(text: str, start: int) -> int:
    """Return where a statement ends: before a semicolon that stands in nothing."""
    if text.find(";", start) < 0:
        return len(text)
    for match in _TOKEN.finditer(text, start):
        if match["mark"] == ";":
            return match.start()
    return len(text)


def tokens(text: str, most: int | None = None) -> list[Token]:
    """Return the tokens of a statement, the first ones with ``most``."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is None or match["space"] is not None:
            continue
        found.append(Token(kind, match[0], match.start(), match.end()))
        if len(found) == most:
            break
    return found
