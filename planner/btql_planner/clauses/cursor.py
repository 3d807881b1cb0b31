"""Cursors: tokens that say where the next page begins.

A token holds the pagination key of the last row of a page, not its number, so
rows that are added or changed between two pages neither repeat nor hide others.
A key is given to a row when it is first written and never changes.

============  ===============================  ==========================
sorted by     token, before base64             next page
============  ===============================  ==========================
nothing, or   the last row's key, 8 bytes      rows with a smaller (asc:
a key                                          larger) key
``_xact_id``  its transaction and key, 16      rows behind that pair
traces, asc   the last trace's first key, 8    traces that begin later
traces, desc  the last trace's newest key and  traces whose newest key is
              the newest key of all, 16        smaller; keys above the
                                               second are not looked at
============  ===============================  ==========================

For traces, newest first, the second number keeps a trace in its place that
gets another span while somebody pages towards it. One that loses the span with
its key goes further back: it is not missed, but what is left of it may come
again. A summary has the key of its root span.

Traces and summaries sorted by ``_xact_id`` have no cursor, and no query sorted
by anything else has one. A query that sends one anyway is refused.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass
from typing import Literal

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_storage.transactions import PREFIX

KEY_BYTES = 8
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Paging:
    """How a query can be paged through."""

    by: Literal["key", "transaction", "trace"]
    descending: bool

    @property
    def numbers(self) -> int:
        """How many numbers a token has."""
        return 2 if self.by == "transaction" or (self.by == "trace" and self.descending) else 1


def encode(*numbers: int) -> str:
    """Return the token of some 64-bit numbers: base64 without padding."""
    return b64encode(b"".join(number.to_bytes(KEY_BYTES, "big") for number in numbers)).decode().rstrip("=")


def decode(token: str, paging: Paging, span: Span) -> tuple[int, ...]:
    """Return the numbers of a token of this way of paging."""
    try:
        content = b64decode(token + "=" * (-len(token) % 4), validate=True)
    except (Error, ValueError):
        content = b""
    numbers = tuple(
        int.from_bytes(content[start : start + KEY_BYTES], "big") for start in range(0, len(content), KEY_BYTES)
    )
    whole = len(content) == paging.numbers * KEY_BYTES and encode(*numbers) == token.rstrip("=")
    if not whole or _begins_with_transaction(numbers) != (paging.by == "transaction"):
        raise BtqlError.of(
            errors.BAD_CURSOR, "the cursor is not one that this query gave", span, "this cursor",
            help="send the cursor of the page before, unchanged, with the same query; for the first page send none",
        )  # fmt: skip
    return numbers


def _begins_with_transaction(numbers: tuple[int, ...]) -> bool:
    # The first 16 bits of a key are of its time, and these would be in 1977.
    return numbers[0] >> 48 == PREFIX >> 48


def key_text(number: int) -> str:
    """Return a pagination key as rows have it."""
    return f"p{number:0{_DIGITS}d}"


def key_number(text: str) -> int:
    """Return the number in a pagination key."""
    return int(text[1:])
