"""Functions of text, as Postgres has them; characters are code points."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sized
from functools import reduce
from typing import cast

from btql_conformance.functions import function
from btql_conformance.operators import text_of
from btql_conformance.values import Value, number_in


@function("lower", "text")
def _lower(value: str) -> Value:
    return value.lower()


@function("upper", "text")
def _upper(value: str) -> Value:
    return value.upper()


@function("concat", "any*")
def _concat(*items: Value) -> Value:
    return "".join(text_of(item) or "" for item in items)


@function("textcat", "any*")
def _textcat(*items: Value) -> Value:
    if None in items:
        return None
    if not all(isinstance(item, list | dict) for item in items):
        return "".join(text_of(item) or "" for item in items)
    return reduce(_merged, items)


def _merged(one: Value, other: Value) -> Value:
    """Return two objects as one object, anything else as the elements of both."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **other}
    left, right = (each if isinstance(each, list) else [each] for each in (one, other))
    return [*left, *right]


@function("concat_ws", "text any*")
def _concat_ws(separator: str, *items: Value) -> Value:
    return separator.join(cast("str", text_of(item)) for item in items if item is not None)


@function("len", "any")
def _len(value: Value) -> Value:
    return len(cast("Sized", value)) if isinstance(value, str | list | dict) else None


@function("length char_length character_length", "text")
def _length(value: str) -> Value:
    return len(value)


@function("octet_length", "text")
def _octet_length(value: str) -> Value:
    return len(value.encode())


@function("bit_length", "text")
def _bit_length(value: str) -> Value:
    return 8 * len(value.encode())


@function("trim btrim", "text text?")
def _trim(value: str, characters: str = " \t\n\r") -> Value:
    return value.strip(characters)


@function("ltrim", "text text?")
def _ltrim(value: str, characters: str = " \t\n\r") -> Value:
    return value.lstrip(characters)


@function("rtrim", "text text?")
def _rtrim(value: str, characters: str = " \t\n\r") -> Value:
    return value.rstrip(characters)


@function("left", "text integer")
def _left(value: str, count: int) -> Value:
    return value[:count]


@function("right", "text integer")
def _right(value: str, count: int) -> Value:
    if count < 0:
        return value[-count:]
    return value[-count:] if count else ""


@function("substring substr", "text any integer?")
def _substring(value: str, start: Value, count: int | None = None) -> Value:
    if isinstance(start, str):
        found = re.search(start, value)
        return None if found is None else found[1 if found.re.groups else 0]
    if not isinstance(start, int):
        return None
    end = len(value) if count is None else start - 1 + count
    return value[max(start - 1, 0) : max(end, 0)]


@function("replace", "text text text")
def _replace(value: str, old: str, new: str) -> Value:
    return value.replace(old, new) if old else value


@function("translate", "text text text")
def _translate(value: str, old: str, new: str) -> Value:
    table = {ord(character): new[at] if at < len(new) else None for at, character in reversed(list(enumerate(old)))}
    return value.translate(table)


@function("reverse", "text")
def _reverse(value: str) -> Value:
    return value[::-1]


@function("repeat", "text integer")
def _repeat(value: str, count: int) -> Value:
    return value * count


@function("strpos", "text text")
def _strpos(value: str, part: str) -> Value:
    return value.find(part) + 1


@function("position", "text text")
def _position(part: str, value: str) -> Value:
    return value.find(part) + 1


@function("split_part", "text text integer")
def _split_part(value: str, separator: str, number: int) -> Value:
    pieces = value.split(separator) if separator else [value]
    at = number - 1 if number > 0 else len(pieces) + number
    return pieces[at] if 0 <= at < len(pieces) else ""


@function("starts_with", "text text")
def _starts_with(value: str, start: str) -> Value:
    return value.startswith(start)


@function("ends_with", "text text")
def _ends_with(value: str, end: str) -> Value:
    return value.endswith(end)


@function("lpad", "text integer text?")
def _lpad(value: str, width: int, fill: str = " ") -> Value:
    missing = max(width - len(value), 0)
    return (fill * missing)[:missing] + value[: max(width, 0)] if fill else value[: max(width, 0)]


@function("rpad", "text integer text?")
def _rpad(value: str, width: int, fill: str = " ") -> Value:
    return (value + fill * max(width, 0))[: max(width, 0)]


@function("initcap", "text")
def _initcap(value: str) -> Value:
    return re.sub(r"[^\W_]+", lambda m: m[0][0].upper() + m[0][1:].lower(), value)


@function("ascii", "text")
def _ascii(value: str) -> Value:
    return ord(value[0]) if value else 0


@function("chr", "integer")
def _chr(code: int) -> Value:
    return chr(code) if 0 < code < 0x110000 else None


@function("md5", "text")
def _md5(value: str) -> Value:
    return hashlib.md5(value.encode()).hexdigest()  # noqa: S324 - Postgres has this function


@function("to_hex", "integer")
def _to_hex(value: int) -> Value:
    return f"{value & ((1 << 64) - 1):x}"


@function("string_to_array", "text any")
def _string_to_array(value: str, separator: Value) -> Value:
    if separator is None:
        return list(value)
    return value.split(cast("str", separator)) if value else []


@function("to_string text", "any")
def _to_string(value: Value) -> Value:
    return text_of(value)


@function("to_number", "any")
def _to_number(value: Value) -> Value:
    return int(value) if isinstance(value, bool) else number_in(value)


def _within(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote


@function("quote_literal", "text")
def _quote_literal(value: str) -> Value:
    return _within(value, "'")


@function("encode", "text text")
def _encode(value: str, form: str) -> Value:
    raw = value.encode()
    return raw.hex() if form == "hex" else base64.b64encode(raw).decode() if form == "base64" else None


@function("format", "text any*")
def _format(pattern: str, *items: Value) -> Value:
    place = 0

    def take(written: str | None) -> Value:
        nonlocal place
        place = int(written) if written else place + 1
        return items[place - 1]

    def piece(matched: re.Match[str]) -> str:
        if matched[0] == "%%":
            return "%"
        star = (matched[3] or "").startswith("*")
        width = cast("int", take(matched[4]) or 0) if star else int(matched[3] or 0)
        item = text_of(take(matched[1]))
        if matched[5] == "L":
            text = "NULL" if item is None else _within(item, "'")
        else:
            text = _quote_ident(item or "") if matched[5] == "I" else item or ""
        return text.ljust(abs(width)) if matched[2] or width < 0 else text.rjust(width)

    return re.sub(r"%%|%(?:(\d+)\$)?(-*)(\d+|\*(?:(\d+)\$)?)?([sIL])", piece, pattern)


@function("quote_ident", "text")
def _quote_ident(value: str) -> str:
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", value)
    return value if plain else _within(value, '"')


@function("decode", "text text")
def _decode(value: str, form: str) -> Value:
    try:
        raw = bytes.fromhex(value) if form == "hex" else base64.b64decode(value, validate=True)
        return raw.decode()
    except ValueError:
        return None


@function("sha256", "text")
def _sha256(value: str) -> Value:
    return hashlib.sha256(value.encode()).hexdigest()
