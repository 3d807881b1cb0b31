"""Arrays as Postgres spells them in a text, ``{a,"b c",NULL}``, read as texts."""

from __future__ import annotations

import re

# Every part is possessive: what was read is not tried again in other ways, of which a long text has too many.
_ITEM = re.compile(r'\s*+(?:"((?:[^"\\]++|\\.)*+)"\s*+|((?:[^,{}"\\]++|\\.)++))(?=[,}])', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def texts_of(text: str) -> list[str | None] | None:
    """Return the items of an array of one dimension, null being None; None for a text that is no such array.

    >>> texts_of('{a,"b, c",NULL}')
    ['a', 'b, c', None]
    """
    text = text.strip()
    if not text.startswith("{"):
        return None
    if text[1:].lstrip() == "}":
        return []
    found: list[str | None] = []
    place = 0
    while place < len(text) and text[place] != "}":
        item = _ITEM.match(text, place + 1)
        plain = None if item is None else item[2]
        if item is None or (plain is not None and not plain.strip()):
            return None
        is_null = plain is not None and plain.strip().upper() == "NULL"
        found.append(None if is_null else _ESCAPE.sub(r"\1", item[1] if plain is None else plain.strip()))
        place = item.end()
    return found if place == len(text) - 1 else None
