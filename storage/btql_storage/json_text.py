"""JSON text to Python values, for every text that was accepted.

``orjson`` reads nearly everything and is several times faster than the
standard library, but it refuses numbers beyond float64 such as ``1e999``.
Documents with them were accepted, so they must stay readable: the standard
library reads them, as infinity.

Both agree on numbers: a whole number between -2**63 and 2**64 is an ``int``,
every other number the nearest ``float``.
"""

from __future__ import annotations

import json
from typing import TypeAlias, cast

import orjson

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

_INT_CHARS_MAX = 20


def parse(raw: bytes) -> JsonValue:
    """Return the value of a JSON text; ValueError where it is none."""
    try:
        return cast("JsonValue", orjson.loads(raw))
    except orjson.JSONDecodeError:
        return _parse_slowly(raw)


def _parse_slowly(raw: bytes) -> JsonValue:
    """Read what orjson refuses and JSON allows; nothing that is not JSON gets through."""
    try:
        value = cast("JsonValue", json.loads(raw.decode(), parse_int=_number, parse_constant=_refuse))
        # A lone surrogate is no Unicode text. Encoding raises UnicodeEncodeError,
        # a ValueError, instead of letting it break a writer later.
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _number(text: str) -> int | float:
    # Also spares int() the digits beyond which it refuses to work.
    if len(text) <= _INT_CHARS_MAX and -(2**63) <= (number := int(text)) < 2**64:
        return number
    return float(text)


def _refuse(constant: str) -> object:
    raise ValueError(f"`{constant}` is not JSON")
