"""The pieces of a text as the formatter sees them, and where space goes between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal as Choice

Role = Choice[
    "head",  # Begins a clause.
    "value",  # A name or a literal.
    "word",  # A keyword.
    "and",  # AND or OR between conditions, where a line likes to break.
    "choice",  # ``?`` and ``:`` of a choice.
    "operator",
    "sign",  # A minus or plus before its operand.
    "comma",
    "dot",  # What has no space on either side: ``.``, ``::``.
    "pair",  # The colon behind a key.
    "open",
    "call",  # A bracket right behind what it belongs to: ``f(``, ``tags[``.
    "close",
    "suffix",  # ``[]`` behind a type.
    "case",
    "when",  # WHEN or ELSE.
    "end",
    "own",  # A comment on lines of its own.
    "trailing",  # A comment up to the end of the line, behind code.
    "inline",  # A comment between code.
]
COMMENTS = frozenset({"own", "trailing", "inline"})
OPERANDS = frozenset({"value", "close", "suffix", "end"})
"""Pieces that an operand may end with."""

_NO_SPACE_BEFORE = frozenset({"comma", "dot", "pair", "call", "close", "suffix"})
_NO_SPACE_BEHIND = frozenset({"dot", "open", "call"})
_COMMENT = re.compile(r"--[^\n]*|/\*(?s:.*?)\*/")


@dataclass(frozen=True, slots=True)
class Piece:
    """A token or a comment, as it is printed."""

    text: str
    role: Role


def needs_space(before: Piece, behind: Piece) -> bool:
    """Tell whether a space goes between two pieces on one line."""
    if behind.role in _NO_SPACE_BEFORE or before.role in _NO_SPACE_BEHIND:
        return False
    # Two signs in a row would begin a comment.
    return before.role != "sign" or behind.role == "sign"


def comments(text: str, start: int, end: int) -> Iterator[Piece]:
    """Give the comments between two tokens."""
    for match in _COMMENT.finditer(text, start, end):
        written = match[0].rstrip()
        newline = text.find("\n", match.end(), end)
        behind = text[match.end() : newline if newline >= 0 else end]
        ends_line = not behind.strip() and (newline >= 0 or end == len(text))
        begins_line = not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
        if "\n" in written or (begins_line and ends_line):
            yield Piece(written, "own")
        else:
            yield Piece(written, "trailing" if written.startswith("--") else "inline")


class ColonSense:
    """Tells the colon of a choice from the one behind a key, bracket by bracket."""

    def __init__(self) -> None:
        self._open_choices = [0]

    def role(self, symbol: str) -> Role:
        """Return what ``?`` or ``:`` is, which comes next; brackets are only noted."""
        if symbol in ("(", "[", "{"):
            self._open_choices.append(0)
        elif symbol in (")", "]", "}") and len(self._open_choices) > 1:
            self._open_choices.pop()
        elif symbol == "?":
            self._open_choices[-1] += 1
        elif symbol == ":" and self._open_choices[-1] == 0:
            return "pair"
        elif symbol == ":":
            self._open_choices[-1] -= 1
        return "choice"


def in_order(pieces: list[Piece]) -> list[Piece]:
    """Move commas before the comments that stand between them and their entry."""
    made: list[Piece] = []
    for piece in pieces:
        place = len(made)
        if piece.role == "comma":
            while place and made[place - 1].role in ("own", "trailing"):
                place -= 1
        made.insert(place, piece)
    return [
        replace(piece, role="own") if piece.role == "trailing" and i == 0 else piece for i, piece in enumerate(made)
    ]
