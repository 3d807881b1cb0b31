"""A first look at what a client sends: one statement or several, in which language, and the words it begins with.

Comments and quoted names end where the grammar says so (:mod:`btql_grammar.scan`), texts as in Postgres, whose clients
write them so: a backslash is itself. The grammar takes it for an escape, so it gets two (:func:`conforming`). What is
never closed goes to the end of everything, so that its end is looked for only once. BTQL is recognised by its first
clause, ``select: …``, and is one statement, whatever stands in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from btql_grammar.scan import DOUBLE_QUOTED, SPACE, STRING, after_space

_BTQL = re.compile(r"[a-zA-Z_]+\s*:(?!:)")
_TAG = r"\$(?:[^\W\d]\w*)?\$"
_DOLLARS = rf"(?P<tag>{_TAG})(?s:.*?)(?P=tag)"
_TEXT = r"'(?:[^']|'')*+'"
"""In Postgres a backslash is no escape in a text, unless it begins with E."""
_UNCLOSED = rf"(?:'|\"|/\*|{_TAG})(?s:.*)"
_TOKEN = re.compile(
    rf"(?P<space>{SPACE})|(?P<string>{_DOLLARS}|[eE]{STRING}|{_TEXT})|(?P<quoted>{DOUBLE_QUOTED})"
    rf"|(?P<number>\d[\w.]*)|(?P<word>\w+)|(?P<unclosed>{_UNCLOSED})|(?P<mark>::|.)",
    re.DOTALL,
)


_ESCAPED = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))|''", re.DOTALL)
_EXPLAIN = re.compile(r"EXPLAIN(?:\s++(?:ANALY[ZS]E|VERBOSE)\b|\s*+\([^()]*+\))*+", re.IGNORECASE)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


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
                return _ESCAPED.sub(_character, self.text[2:-1])
            mark = self.text.index("$", 1) + 1
            return self.text[mark:-mark]
        return self.text.lower() if self.kind == "word" else self.text


def conforming(text: str) -> str:
    """Return a statement as the grammar reads it: in texts of SQL each backslash is doubled."""
    if not _has_texts_of_sql(text):
        return text
    return _TOKEN.sub(lambda found: found[0].replace("\\", "\\\\") if _is_plain(found) else found[0], text)


def place_before(sent: str, at: int) -> int:
    """Return where a place in what :func:`conforming` has returned was before; characters from 0."""
    if not _has_texts_of_sql(sent):
        return at
    plain = (found for found in _TOKEN.finditer(sent) if found.start() < at and _is_plain(found))
    return at - sum(found[0][: at - found.start()].count("\\") // 2 for found in plain)


def _has_texts_of_sql(text: str) -> bool:
    """Whether a statement is SQL, and has a backslash; BTQL may stand behind EXPLAIN, too."""
    if "\\" not in text:
        return False
    explain = _EXPLAIN.match(text, after_space(text))
    return not is_btql(text if explain is None else text[explain.end() :])


def _is_plain(found: re.Match[str]) -> bool:
    return found["string"] is not None and found[0].startswith("'")


def _character(escaped: re.Match[str]) -> str:
    if escaped[1] or escaped[2]:
        return chr(int(escaped[1], 16) if escaped[1] else int(escaped[2], 8) & 0xFF)
    return _LETTERS.get(escaped[3], escaped[3]) if escaped[3] else "'"


def is_btql(text: str) -> bool:
    """Whether a text begins with a clause of BTQL."""
    return _BTQL.match(text, after_space(text)) is not None


def split(text: str) -> list[Piece]:
    """Return the statements of a text; none where there is nothing but space."""
    found: list[Piece] = []
    start = 0
    while (start := after_space(text, start)) < len(text):
        if text[start] == ";":
            start += 1
            continue
        if _BTQL.match(text, start):
            found.append(Piece(text[start:].rstrip().rstrip(";"), start, is_btql=True))
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
