"""JSON text to Python values and back, for every text that was accepted.

``orjson`` reads nearly everything and is several times faster than the
standard library, but whole numbers beyond 64 bits become floats, and numbers
beyond float64 such as ``1e999`` are refused. Documents with them were accepted
and must come back as they were, so the standard library reads those: a whole
number of up to ``DIGITS_MAX`` digits is an exact ``int``, anything beyond
float64 is infinity. Half of a surrogate pair is U+FFFD (:mod:`btql_storage.surrogates`).

A *canonical* text spells a value in one way only: keys sorted, no white space,
no fraction where a number has none. Two values are the same when their
canonical texts are.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, TypeAlias, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

DIGITS_MAX = 4_000
"""Python refuses to read whole numbers of more than about this many digits, unless it is told to."""
_LONG = re.compile(rb"(?<![.0-9])[0-9]{19}")
_TO_ZEROS = bytes(48 if chr(byte).isdecimal() and byte < 128 else byte for byte in range(256))
_ZEROS = b"0" * 19
_QUOTE = ord('"')
_FRACTION = re.compile(rb"[0-9]\.0|[0-9]e")
_POINT_ZERO, _ZERO_E = re.compile(rb"\.0"), re.compile(rb"0e")
_LONG_TEXT = 1_000
_WHOLE_MAX = 2.0**63


def parse(raw: bytes) -> JsonValue:
    """Return the value of a JSON text; ValueError where it is none."""
    if len(raw) > 18 and raw[0] != _QUOTE and _may_round(raw):
        return _parse_slowly(raw)
    try:
        return cast("JsonValue", orjson.loads(raw))
    except orjson.JSONDecodeError:
        return _parse_slowly(raw)


def parse_all(texts: Sequence[bytes | None]) -> list[JsonValue]:
    """Return the values of JSON texts, None for none. Reading them in one go costs much less."""
    pieces = [b"null" if raw is None else raw for raw in texts]
    whole = b"[%b]" % b",".join(pieces)
    apart = _may_round_in(whole, pieces)
    if apart:
        for place in apart:
            pieces[place] = b"null"
        whole = b"[%b]" % b",".join(pieces)
    try:
        values = cast("list[JsonValue]", orjson.loads(whole))
    except orjson.JSONDecodeError:
        return [None if raw is None else parse(raw) for raw in texts]
    for place in apart:
        raw = texts[place]
        values[place] = None if raw is None else parse(raw)
    return values


def dumps(value: object) -> str:
    """Return a value as JSON text, keys in their order."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        from btql_storage.surrogates import mended_text

        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError:
            text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
        return mended_text(text)


def canonical(value: object) -> str:
    """Return the one JSON text of a value."""
    return canonical_bytes(value).decode()


def canonical_bytes(value: object) -> bytes:
    """Return the one JSON text of a value in UTF-8."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError):
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS) if _may_be_whole(text) else text


def _finite(value: object) -> object:
    """Return the value with null for what JSON has no number for, as ``orjson`` writes it."""
    match value:
        case float():
            return value if isfinite(value) else None
        case list():
            return [_finite(item) for item in cast("list[object]", value)]
        case dict():
            return {key: _finite(item) for key, item in cast("dict[str, object]", value).items()}
        case _:
            return value


def _plain(value: object) -> object:
    """Return the value with whole numbers for floats that are whole and not large, and null for what is no number."""
    match value:
        case float() if not isfinite(value):
            return None
        case float() if value.is_integer() and -_WHOLE_MAX <= value < _WHOLE_MAX:
            return int(value)
        case list():
            return [_plain(item) for item in cast("list[object]", value)]
        case dict():
            return {key: _plain(item) for key, item in cast("dict[str, object]", value).items()}
        case _:
            return value


def _may_be_whole(text: bytes) -> bool:
    """Whether there is a number that has a fraction and may need none."""
    # As below, fixed texts are looked for first; for ones as short as these an expression takes half as long as `in`.
    if len(text) > _LONG_TEXT and not _POINT_ZERO.search(text) and not _ZERO_E.search(text.translate(_TO_ZEROS)):
        return False
    return _FRACTION.search(text) is not None


def _may_round(raw: bytes) -> bool:
    """Whether there is a whole number that orjson may turn into a float."""
    # Looking for a fixed text is many times faster than looking for any digits.
    return _ZEROS in raw.translate(_TO_ZEROS) and _LONG.search(raw) is not None


def _may_round_in(whole: bytes, texts: Sequence[bytes]) -> list[int]:
    """Return the places of texts with as many digits as a number has that orjson may turn into a float.

    ``whole`` is the array of all of them.
    """
    joined = whole.translate(_TO_ZEROS)
    found: list[int] = []
    place, end = 0, 1
    at = joined.find(_ZEROS)
    while at >= 0:
        while end + len(texts[place]) < at:
            end += len(texts[place]) + 1
            place += 1
        found.append(place)
        at = joined.find(_ZEROS, end + len(texts[place]))
    return found


def _parse_slowly(raw: bytes) -> JsonValue:
    """Read what orjson refuses or rounds; nothing that is not JSON gets through."""
    from btql_storage.surrogates import mended

    try:
        whole = (mended(raw) or raw).decode()
        return cast("JsonValue", json.loads(whole, parse_int=_number, parse_constant=_refuse))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _number(text: str) -> int | float:
    return int(text) if len(text) <= DIGITS_MAX else float(text)


def _refuse(constant: str) -> object:
    raise ValueError(f"`{constant}` is not JSON")
