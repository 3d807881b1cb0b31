"""JSON without its texts, which has the brackets and commas that count, found without decoding it.

It takes memory for a copy of the text, however many texts are in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from btql_storage.later import np

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_FEW = 64 << 10
_PIECE = 256 << 10
_QUOTE = ord('"')


def outside_texts(text: bytes) -> Iterator[bytes]:
    """Yield JSON without the texts that it has, in slices."""
    if len(text) <= _FEW:
        yield _STRINGS.sub(b"", text)
        return
    # Without what is escaped, every quote begins a text or ends it. The expression would keep each piece between two.
    text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    is_within = 0
    for start in range(0, len(text), _PIECE):
        piece = np.frombuffer(text, np.uint8, min(_PIECE, len(text) - start), start)
        quotes = piece == _QUOTE
        quotes_before = quotes.cumsum(dtype=np.uint8) + np.uint8(is_within)
        is_within = int(quotes_before[-1]) & 1
        yield piece[((quotes_before & 1) == 0) & ~quotes].tobytes()
