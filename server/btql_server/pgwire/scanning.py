"""A first look at what a client sends: one statement or several, in which language, and the words it begins with.

Comments, texts and names in quotes end where Postgres ends them, whose clients write them so: comments nest, a line
ends with a carriage return too, and a backslash is itself. :mod:`.conforming` says it in the grammar's words. What is
never closed goes to the end of everything, so that its end is looked for only once. BTQL is recognised by its first
clause, ``select: …``, behind EXPLAIN too, and is one statement, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from btql_grammar.diagnostic import BtqlError
from btql_grammar.scan import STRING
from btql_grammar.span import Span
from btql_grammar.sql.texts import escaped_text, unicode_text
from btql_server.pgwire.bad_value import NOT_UTF8, BadValue

_BTQL = re.compile(r"[a-zA-Z_]+\s*:(?!:)")
_TAG = r"\$(?:[^\W\d]\w*)?\$"
_DOLLARS = rf"(?P<tag>{_TAG})(?s:.*?)(?P=tag)"
_TEXT = r"(?:[nN]|[uU]&)?'(?:[^']|'')*+'"
"""In Postgres a backslash is no escape in a text, unless it begins with E."""
_NAME = r'(?:[uU]&)?"(?:[^"]|"")*+"'
_UNCLOSED = rf"(?:[eEnN]|[uU]&)?'|(?:[uU]&)?\"|{_TAG}"
_TOKEN = re.compile(
    rf"(?P<space>[\s\ufeff]+|--[^\n\r]*)|(?P<comment>/\*)|(?P<string>{_DOLLARS}|[eE]{STRING}|{_TEXT})|(?P<quoted>{_NAME})"
    rf"|(?P<unclosed>(?:{_UNCLOSED})(?s:.*))|(?P<number>\d[\w.]*)|(?P<word>\w[\w$]*)|(?P<mark>::|.)",
    re.DOTALL,
)
_BETWEEN = ("space", "comment")
_COMMENT_MARK = re.compile(r"/\*|\*/")
_EXPLAIN = re.compile(r"EXPLAIN(?:\s++(?:ANALY[ZS]E|VERBOSE)\b|\s*+\([^()]*+\))*+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement of what a client has sent."""

    text: str
    offset: int
    """Where it begins, in characters."""
    is_btql: bool = False


NOTHING = Piece("", 0)
"""No statement, or none yet."""


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
        match self.kind:
            case "quoted":
                return name_of(self.text)
            case "string":
                return _decoded(escaped_text, self.text[1:]) if self.text[0] in "eE" else text_of(self.text)
            case "word":
                return self.text.lower()
            case _:
                return self.text


def text_of(written: str, escape: str = "\\") -> str:
    """Return what a text says that is written ``'…'``, ``N'…'``, ``$$…$$``, or ``U&'…'`` with an escape character."""
    if written[0] == "$":
        mark = written.index("$", 1) + 1
        return written[mark:-mark]
    text = written[written.index("'") + 1 : -1].replace("''", "'")
    return _decoded(unicode_text, text, escape) if written[0] in "uU" else text


def name_of(written: str, escape: str = "\\") -> str:
    """Return the name that is written ``"…"``, or ``U&"…"`` with an escape character."""
    name = written[written.index('"') + 1 : -1].replace('""', '"')
    return _decoded(unicode_text, name, escape) if written[0] in "uU" else name


def _decoded(decode: Callable[..., str], *written: str) -> str:
    try:
        return decode(*written, Span(0, len(written[0])))
    except BtqlError as error:
        first = error.diagnostics[0]
        raise BadValue(NOT_UTF8, first.message, first.help) from None


def is_btql(text: str) -> bool:
    """Whether a text begins with a clause of BTQL."""
    return _BTQL.match(text, _after_space(text)) is not None


def begins_btql(text: str, start: int = 0) -> bool:
    """Whether a clause of BTQL comes next at a place, or behind the EXPLAIN that does."""
    start = _after_space(text, start)
    explain = _EXPLAIN.match(text, start)
    return _BTQL.match(text, start if explain is None else _after_space(text, explain.end())) is not None


def split(text: str) -> list[Piece]:
    """Return the statements of a text; none where there is nothing but space."""
    found: list[Piece] = []
    start = 0
    while (start := _after_space(text, start)) < len(text):
        if text[start] == ";":
            start += 1
            continue
        if begins_btql(text, start):
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
    for kind, at, _ in pieces(text, start):
        if kind == "mark" and text[at] == ";":
            return at
    return len(text)


def tokens(text: str, most: int | None = None) -> list[Token]:
    """Return the tokens of a statement, the first ones with ``most``."""
    found = (Token(kind, text[start:end], start, end) for kind, start, end in pieces(text) if kind not in _BETWEEN)
    return list(islice(found, most))


def pieces(text: str, start: int = 0) -> Iterator[tuple[str, int, int]]:
    """Yield kind, beginning and end of each token, and of space and comments between them."""
    while start < len(text):
        match = _TOKEN.match(text, start)
        assert match is not None, "the pattern matches any character"
        kind, end = match.lastgroup or "mark", match.end()
        if kind == "comment":
            kind, end = comment(text, start)
        yield kind, start, end
        start = end


def comment(text: str, start: int) -> tuple[str, int]:
    """Return whether a comment is closed, and where it ends; comments nest."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return "comment", mark.end()
    return "unclosed", len(text)


def _after_space(text: str, start: int = 0) -> int:
    """Return where the first token at or after a place begins."""
    return next((at for kind, at, _ in pieces(text, start) if kind not in _BETWEEN), len(text))
