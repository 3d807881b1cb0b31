"""The terms of one field of a text index, in memory, to find those that have some characters.

They stand in one long text, a line each, so that a regular expression looks
through all of them at once. The index itself takes many times as long; reading
them all takes longer still, but happens once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from btql_storage.collector import collector_paused
from btql_storage.later import np
from btql_storage.text.tokens import TOKEN_CHARS_MAX

if TYPE_CHECKING:
    import tantivy
    from numpy.typing import NDArray

    from btql_storage.text.probe import Piece

_PREFIX_CHARS_MIN = 2
"""With so many first characters, the index itself is quick to name the terms."""


class Lexicon:
    """The terms of a field, and how many rows have each."""

    def __init__(self, searcher: tantivy.Searcher, field: str) -> None:
        terms, self.rows = _terms(searcher, field, "")
        self._text = "\n".join(["", *terms, ""])
        """A line before and after each term."""
        lengths = np.fromiter(map(len, terms), np.int64, len(terms))
        self._ends = np.cumsum(lengths + 1)
        """Where the line after each term is."""
        self._cut = np.flatnonzero(lengths == TOKEN_CHARS_MAX)
        """Terms that were the start or the middle of a longer run."""

    def __len__(self) -> int:
        """Return how many terms there are."""
        return len(self._ends)

    def find(self, pieces: Sequence[Piece]) -> NDArray[np.int64]:
        """Return the numbers of the terms that have one of the pieces, in order."""
        found = [np.empty(0, np.int64)]
        for piece in pieces:
            pattern = _regex(piece)
            places = np.fromiter((match.start() for match in pattern.finditer(self._text)), np.int64)
            # A match may begin with the line before its term.
            found.append(np.searchsorted(self._ends, places + piece.starts, side="left"))
            if not piece.starts:
                found.append(self._ending_inside(piece))
        return np.unique(np.concatenate(found))

    def terms(self, numbers: NDArray[np.int64]) -> list[str]:
        """Return some terms by number."""
        ends = self._ends[numbers]
        starts = np.where(numbers > 0, self._ends[numbers - 1], 0) + 1
        return [self._text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]

    def _ending_inside(self, piece: Piece) -> NDArray[np.int64]:
        """Return the cut terms that end inside the piece: the rest of it may begin the term that follows."""
        if not len(self._cut):
            return np.empty(0, np.int64)
        pattern = re.compile(_ending(piece))
        found = [pattern.search(term) is not None for term in self.terms(self._cut)]
        return self._cut[np.array(found, np.bool_)]


def starting_with(searcher: tantivy.Searcher, field: str, pieces: Sequence[Piece]) -> list[tuple[str, int]] | None:
    """Return the terms that begin with one of the pieces, and how many rows have each, without a lexicon.

    None where it takes one.
    """
    found: dict[str, int] = {}
    for piece in pieces:
        heads = list(_heads(piece))
        if not piece.starts or not heads:
            return None
        pattern = _regex(piece)
        for head in heads:
            terms, rows = _terms(searcher, field, head)
            fits = (pattern.match(f"\n{term}\n") is not None for term in terms)
            found.update((term, count) for term, count, fit in zip(terms, rows.tolist(), fits, strict=True) if fit)
    return list(found.items())


def _heads(piece: Piece) -> Iterator[str]:
    """Yield the first characters as all that they may be; nothing where they are too few, or may be too much."""
    head: list[str] = []
    for letters in piece.letters:
        if len(letters) > 1:
            break
        head.append(letters)
    if len(head) >= min(_PREFIX_CHARS_MIN, len(piece.letters)):
        yield "".join(head)


def _terms(searcher: tantivy.Searcher, field: str, prefix: str) -> tuple[list[str], NDArray[np.int64]]:
    with collector_paused():
        found = searcher.terms_with_prefix(field, prefix)
        terms = [term for term, _ in found]
        return terms, np.fromiter((count for _, count in found), np.int64, len(found))


def _regex(piece: Piece) -> re.Pattern[str]:
    inside = "".join(map(_class, piece.letters))
    return re.compile(f"{chr(10) if piece.starts else ''}{inside}{'(?=' + chr(10) + ')' if piece.ends else ''}")


def _ending(piece: Piece) -> str:
    """Return a pattern for texts that end with some of the first letters of a piece, but not all."""
    pattern = ""
    for letters in reversed(piece.letters[:-1]):
        pattern = f"{_class(letters)}(?:{pattern})?" if pattern else _class(letters)
    return rf"(?:{pattern})\Z" if pattern else r"(?!)"


def _class(letters: str) -> str:
    return re.escape(letters) if len(letters) == 1 else f"[{re.escape(letters)}]"
