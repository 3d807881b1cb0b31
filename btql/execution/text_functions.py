"""Functions of texts and numbers, row by row; see ``functions.py`` for how they are reached."""

from __future__ import annotations

import base64
import binascii
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache

from btql_planner import sql_text
from btql_planner.format_directives import DIRECTIVE, WIDTHS_MAX
from btql_storage import json_text
from btql_storage.json_text import JsonValue
from btql_storage.text import tokens


def match(kind: str, value: str, phrase: str) -> bool:
    """Whether a value has the words of a phrase, one after the other."""
    if kind == "l":
        return any(tokens.matches(item, phrase.split()) for item in value.split("\n"))
    return tokens.matches(json_text.parse(value.encode()) if kind == "j" else value, phrase.split())


def like(items: list[str | None], pattern: str) -> bool:
    """Whether ``LIKE`` fits any of the texts."""
    return any(item is not None and _wild(pattern, re.DOTALL).fullmatch(item) for item in items)


def ilike(items: list[str | None], pattern: str) -> bool:
    """Whether ``ILIKE`` fits any of the texts."""
    return any(item is not None and _wild(pattern, re.DOTALL | re.IGNORECASE).fullmatch(item) for item in items)


@lru_cache
def _wild(pattern: str, flags: re.RegexFlag) -> re.Pattern[str]:
    wild = {"%": ".*", "_": "."}
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    return re.compile("".join(wild.get(piece) or re.escape(piece[-1]) for piece in pieces), flags)


def number(value: float, pattern: str) -> str:
    """Return a number by a pattern of ``to_char``: 9 and 0 are digits, and ``. , D G S FM %`` as in Postgres."""
    fill = not pattern.upper().startswith("FM")
    body = pattern if fill else pattern[2:]
    marks = body.upper().replace("D", ".").replace("G", ",")
    before, _, after = marks.partition(".")
    decimals = after.count("9") + after.count("0")
    if not decimals:
        # A point behind which no digit can stand is none.
        marks = marks.replace(".", "")
    with localcontext(prec=400):
        rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        whole, _, fraction = f"{abs(rounded):f}".partition(".")
    places = before.count("9") + before.count("0")
    if len(whole.lstrip("0")) > places:
        whole, fraction = "#" * places, "#" * decimals
    shown = _digits(before, whole)
    if "." in marks:
        behind = _fraction(after, fraction, fill=fill)
        # Before a fraction a zero is only shown where the pattern has one: `.5`.
        shown = f"{'' if behind and shown == '0' and '0' not in before else shown}.{behind}"
    sign = "-" if rounded < 0 else "+" if "S" in marks else ""
    text = sign + shown.lstrip() if shown.strip() else sign + "0"
    width = len(marks.replace("S", "").replace("%", "")) + 1
    text = text.rjust(width) if fill else text
    return text + ("%" if marks.endswith("%") else "")


def _digits(pattern: str, whole: str) -> str:
    """Return the digits before the point, with the separators of the pattern between them."""
    slots = [char for char in pattern if char in "90,"]
    digits = list(whole.lstrip("0")) if not whole.startswith("#") else list(whole)
    first_zero = next((place for place, char in enumerate(slots) if char == "0"), len(slots))
    shown: list[str] = []
    for place in range(len(slots) - 1, -1, -1):
        if slots[place] == ",":
            shown.append("," if digits or place > first_zero else "")
        elif digits:
            shown.append(digits.pop())
        else:
            shown.append("0" if place >= first_zero else "")
    return "".join(reversed(shown)) or ("0" if "9" in pattern and not pattern.strip("9,S%") else "")


def _fraction(pattern: str, digits: str, *, fill: bool) -> str:
    if fill:
        return digits
    kept = pattern.rfind("0") + 1
    return digits[:kept] + digits[kept:].rstrip("0")


def encode(value: str, form: str) -> str | None:
    """Return the UTF-8 bytes of a text in ``hex`` or ``base64``."""
    return value.encode().hex() if form == "hex" else base64.b64encode(value.encode()).decode()


def decode(value: str, form: str) -> str | None:
    """Return the text whose UTF-8 bytes are spelled in ``hex`` or ``base64``; None where there is none."""
    try:
        return (bytes.fromhex(value) if form == "hex" else base64.b64decode(value, validate=True)).decode()
    except (ValueError, binascii.Error):
        return None


def format_(pattern: str, arguments: str) -> str | None:
    """Return a pattern with items in the place of ``%s``, ``%I`` and ``%L``; None where one is missing or too wide."""
    values = json_text.parse(arguments.encode())
    assert isinstance(values, list)
    try:
        return DIRECTIVE.sub(_Items(values).instead_of, pattern)
    except LookupError:
        return None


class _Items:
    """The items of a call of ``format``, which are taken by their places or one after the other."""

    def __init__(self, values: list[JsonValue]) -> None:
        self._values = values
        self._place = 0
        self._room = WIDTHS_MAX

    def instead_of(self, directive: re.Match[str]) -> str:
        if directive["sign"]:
            return "%"
        width = self._width(directive)
        text = _written(self._take(directive["place"]), directive["kind"])
        return text.ljust(-width) if width < 0 else text.rjust(width)

    def _take(self, place: str | None) -> JsonValue:
        self._place = int(place) if place else self._place + 1
        if not 1 <= self._place <= len(self._values):
            raise LookupError
        return self._values[self._place - 1]

    def _width(self, directive: re.Match[str]) -> int:
        """Return how wide an item is at least, negative where it stands on the left."""
        width = self._take(directive["width_place"]) if directive["star"] else directive["width"] or 0
        number = re.fullmatch(r"-?\d{1,9}", "0" if width is None else str(width), re.ASCII)
        if number is None or abs(int(number[0])) > self._room:
            raise LookupError
        self._room -= abs(int(number[0]))
        return -abs(int(number[0])) if directive["left"] else int(number[0])


def _written(value: JsonValue, kind: str) -> str:
    text = "" if value is None else value if isinstance(value, str) else json_text.canonical(value)
    if kind == "L":
        return "NULL" if value is None else sql_text.text(text)
    return _identifier(text) if kind == "I" else text


def _identifier(text: str) -> str:
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", text)
    return text if plain else sql_text.name(text)


def similarity(one: str, other: str) -> float:
    """Return the share of three-character pieces that two texts have in common, as Postgres' pg_trgm counts."""
    left, right = _trigrams(one), _trigrams(other)
    return len(left & right) / len(left | right) if left | right else 0.0


def _trigrams(text: str) -> set[str]:
    words = [f"  {word} " for word in re.findall(r"\w+", text.lower())]
    return {word[start : start + 3] for word in words for start in range(len(word) - 2)}
