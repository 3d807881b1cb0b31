"""What a handler gives back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from btql_server.http.pools import PoolName

if TYPE_CHECKING:
    from btql.execution.reader import Reader

JSON = "application/json"
LINES = "application/x-jsonlines"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: a body at once, or piece by piece."""

    body: bytes | Iterator[bytes] = b""
    """An iterator runs on the threads of a pool; it is closed when the client goes away."""
    media: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    pool: PoolName | None = None
    """Whose threads compute the pieces of a stream; None is the route's pool."""
    reader: Reader | None = None
    """Who takes the pieces of a stream, where it may be ended because nobody takes them."""

    def rest_of(self, piece: bytes, start: int) -> bytes:
        """Return what of a piece has to follow, so that a last line or message may stand behind it."""
        if not start or piece[start - 1 : start] == b"\n":
            return b""
        end = piece.find(b"\n", start) + 1 if self.media == LINES else len(piece)
        return piece[start:end]


def json_answer(value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a value as a JSON answer."""
    return Answer(json_bytes(value), JSON, headers=headers or {})


def text_answer(text: str) -> Answer:
    """Return plain text as an answer."""
    return Answer(text.encode(), TEXT)


def json_bytes(value: object) -> bytes:
    """Return a value as JSON: times as ISO 8601 with milliseconds and ``Z``, whole numbers of any length."""
    try:
        return orjson.dumps(value, default=_time, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:
        # Some whole number has more than 64 bits.
        return json.dumps(value, default=_time, ensure_ascii=False, separators=(",", ":")).encode()


def _time(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
