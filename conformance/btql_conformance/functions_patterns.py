"""Functions of regular expressions and likeness, as Postgres has them."""

from __future__ import annotations

import re
from typing import cast

from btql_conformance.functions import function
from btql_conformance.values import Value


def _flags(flags: str) -> int:
    return re.IGNORECASE if "i" in flags else 0


@function("regexp_like", "text text text?")
def _regexp_like(value: str, pattern: str, flags: str = "") -> Value:
    return re.search(pattern, value, _flags(flags)) is not None


@function("regexp_replace", "text text text text?")
def _regexp_replace(value: str, pattern: str, new: str, flags: str = "") -> Value:
    new = re.sub(r"\\&", r"\\g<0>", new)
    return re.sub(pattern, new, value, count=0 if "g" in flags else 1, flags=_flags(flags))


@function("regexp_match", "text text text?")
def _regexp_match(value: str, pattern: str, flags: str = "") -> Value:
    found = re.search(pattern, value, _flags(flags))
    return None if found is None else list(found.groups()) if found.re.groups else [found[0]]


@function("regexp_count", "text text any? text?")
def _regexp_count(value: str, pattern: str, start: Value = 1, flags: str = "") -> Value:
    return len(re.findall(pattern, value[cast("int", start) - 1 :], _flags(flags)))


@function("regexp_substr", "text text")
def _regexp_substr(value: str, pattern: str) -> Value:
    found = re.search(pattern, value)
    return None if found is None else found[0]


@function("levenshtein", "text text")
def _levenshtein(one: str, other: str) -> Value:
    row = list(range(len(other) + 1))
    for number, character in enumerate(one, 1):
        before, row[0] = row[0], number
        for at, against in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (character != against))
    return row[-1]


@function("similarity", "text text")
def _similarity(one: str, other: str) -> Value:
    """Postgres' pg_trgm: words with two blanks before and one behind, in pieces of three."""

    def pieces(text: str) -> set[str]:
        words = [f"  {word} " for word in re.findall(r"[^\W_]+", text.lower())]
        return {word[at : at + 3] for word in words for at in range(len(word) - 2)}

    left, right = pieces(one), pieces(other)
    return len(left & right) / len(left | right) if left | right else 0.0
