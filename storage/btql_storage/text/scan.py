"""Finds texts in documents themselves, where no index knows them.

That is so in the tail, in parts of a few rows, and in rows of which an index has the words and not their order.
What the index of a part would hold, the tokens of a field, is made when a field is first searched, and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import reduce
from sys import getsizeof
from typing import TYPE_CHECKING, TypeAlias, assert_never

import numpy as np
import pyarrow as pa

from btql_storage.collector import collector_paused
from btql_storage.json_text import parse, parse_all
from btql_storage.text.probe import AllOf, AnyOf, Found, Phrase, TextProbe, Without, Word
from btql_storage.text.tokens import PATTERN_TOKENS_MAX, TOKEN_CHARS_MAX, index_texts, matches, texts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql_storage.cache_budget import Cache

Rows: TypeAlias = "NDArray[np.int64]"
KEPT_BYTES_MAX = 64 << 20
"""Of larger fields no tokens are kept."""
_NUMBER_LIKE = re.compile("[0-9einfa]+")
"""What may stand for a number that JSON spells otherwise, as 100.0 for 1e2."""
_BETWEEN = b"[^a-z0-9]+"
"""What is between two words in JSON text without escapes; it may be long, and one class takes no memory for that."""
_ESCAPES = (rb"\\", rb"\b", rb"\f", rb"\n", rb"\r", rb"\t")
"""Those that have a letter, after the one that may seem to be before a letter."""
_HIDING = (b"\\u", "İ".encode(), "\N{KELVIN SIGN}".encode())
"""An escape may be any letter, and these two are ASCII in lower case."""


class TextScan:
    """The documents of some rows, to be asked like a :class:`~btql_storage.text.index.TextIndex`."""

    def __init__(
        self, rows: int, field: Callable[[str], pa.ChunkedArray], kept: Cache[str, list[str]] | None = None
    ) -> None:
        """``field`` returns the JSON texts of a field; ``kept`` holds, for each field, the tokens of each row.

        Without it the rows are those that are asked about once.
        """
        self._rows = rows
        self._field = field
        self._kept = kept

    def find(
        self,
        probe: TextProbe,
        rows_max: int | None = None,  # noqa: ARG002 - as of an index, also what follows
        *,
        loosely: bool = False,  # noqa: ARG002
        check: Callable[[], None] | None = None,  # noqa: ARG002
    ) -> Found:
        """Return the rows that a probe holds for, none where only an index could tell."""
        rows = self._find(probe)
        return Found(rows, self._rows if rows is None else len(rows))

    def count(self, probe: TextProbe, check: Callable[[], None] | None = None) -> int | None:  # noqa: ARG002
        """Return how many rows a probe holds for; None where only an index could tell."""
        rows = self._find(probe)
        return None if rows is None else len(rows)

    def match(self, field: str, tokens: Sequence[str]) -> Rows:
        """Return the rows whose field has the tokens as a phrase, in order."""
        prepared = None if self._kept is None else self._kept.get(field)
        if prepared is None:
            column = self._field(field)
            if self._kept is None or column.nbytes > KEPT_BYTES_MAX:
                return _search(column, tokens)
            # Applications ask all the time, so that the same rows are asked often.
            prepared = _prepare(column)
            self._kept.keep(field, prepared, sum(map(getsizeof, prepared)))
        phrase = f" {' '.join(tokens)} "
        found = [number for number, text in enumerate(prepared) if phrase in text] if tokens else []
        return np.array(found, dtype=np.int64)

    def close(self) -> None:
        """Keep nothing of it."""
        if self._kept is not None:
            self._kept.clear()

    def _find(self, probe: TextProbe) -> Rows | None:
        match probe:
            case Phrase():
                return self.match(probe.field, probe.tokens)
            case Word() | Without():
                return None
            case AllOf():
                found = [rows for each in probe.probes if (rows := self._find(each)) is not None]
                without = [each.phrase for each in probe.probes if isinstance(each, Without)]
                dropped = [self.match(phrase.field, phrase.tokens) for phrase in without]
                return reduce(np.setdiff1d, dropped, reduce(np.intersect1d, found)) if found else None
            case AnyOf():
                known = [rows for each in probe.probes if (rows := self._find(each)) is not None]
                return reduce(np.union1d, known) if len(known) == len(probe.probes) else None
            case _:
                assert_never(probe)


def _prepare(column: pa.ChunkedArray) -> list[str]:
    """Return the tokens of each row, between spaces."""
    with collector_paused():
        values = parse_all(_texts(column))
        prepared = index_texts([texts_of(value) for value in values])
    return [f" {' '.join(text.split())} " for text in prepared]


def _search(column: pa.ChunkedArray, tokens: Sequence[str]) -> Rows:
    """Do what :meth:`TextScan.match` does without keeping anything."""
    patterns = [re.compile(_BETWEEN.join(map(re.escape, run))) for run in _runs(tokens[:PATTERN_TOKENS_MAX])]
    found = [
        number
        for number, text in enumerate(_texts(column))
        if text is not None and _may_match(text, patterns) and matches(parse(text), tokens)
    ]
    return np.array(found, dtype=np.int64)


def _runs(tokens: Sequence[str]) -> list[list[bytes]]:
    """Return what of a phrase stands in a JSON text as it is, but for capitals."""
    runs: list[list[bytes]] = [[]]
    for token in tokens:
        # A run that was cut goes on without anything in between.
        if token.isascii() and not _NUMBER_LIKE.fullmatch(token) and len(token) < TOKEN_CHARS_MAX:
            runs[-1].append(token.encode())
        else:
            runs.append([])
    return [run for run in runs if run]


def _may_match(text: bytes, patterns: Sequence[re.Pattern[bytes]]) -> bool:
    """Whether a JSON text may have what all patterns say; false only where that is certain without parsing it."""
    if any(hidden in text for hidden in _HIDING):
        return True
    lowered = text.lower()
    if patterns and b"\\" in lowered:
        for escape in _ESCAPES:
            lowered = lowered.replace(escape, b"  ")
    return all(pattern.search(lowered) for pattern in patterns)


def _texts(column: pa.ChunkedArray) -> list[bytes | None]:
    texts: list[bytes | None] = column.cast(pa.binary()).to_pylist()
    return texts
