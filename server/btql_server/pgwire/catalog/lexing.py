"""Words, names, texts and marks of a statement as Postgres reads them; fast enough to look at every statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from btql_server.pgwire.scanning import comment

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n\r]*)
    |(?P<comment>/\*)
    |(?P<text>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|[bBxXnN]?'(?:[^']|'')*(?:'|\Z)|\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z))
    |(?P<quoted>"(?:[^"]|"")*(?:"|\Z))
    |(?P<parameter>\$\d+)
    |(?P<number>\d[\w.]*)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<mark>::|[(),.;\[\]:]|(?:(?!--|/\*)[-+*/<>=~!@#%^&|`?])+|.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class Token:
    """One piece of a statement."""

    kind: str
    text: str
    """As it is written."""
    start: int

    @property
    def word(self) -> str:
        """The word or mark in lower case; nothing for texts and names in quotes."""
        return self.text.lower() if self.kind in ("word", "mark") else ""

    @property
    def name(self) -> str | None:
        """The name that it is, folded as Postgres does; None where it is none."""
        if self.kind == "word":
            return self.text.lower()
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else None


def tokens(sql: str) -> list[Token]:
    """Return the tokens of a statement, without what is between them."""
    return list(_tokens(sql))


def _tokens(sql: str) -> Iterator[Token]:
    at = 0
    while (found := _TOKEN.match(sql, at)) is not None:
        kind, start, at = found.lastgroup or "mark", at, found.end()
        if kind == "comment":
            _, at = comment(sql, start)
        elif kind != "space":
            yield Token("text" if kind == "tag" else kind, found.group(), start)
