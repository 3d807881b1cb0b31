r"""Lone halves of surrogate pairs in what is written: each becomes U+FFFD, the character that stands for none.

A program in JavaScript that cuts a text in the middle of an emoji has half of a character left, and its JSON says
``"\ud83d"``. No text in UTF-8 can hold that, so decoders refuse it, and with it the whole document. Whoever decodes
what came from outside therefore mends what was refused, and decodes it once more; other documents cost nothing.
JavaScript's ``String.toWellFormed`` and ``TextEncoder`` replace the same halves by the same character.

A module that imports next to nothing, as queries need it, too.
"""

from __future__ import annotations

import re
from typing import cast

_ESCAPES = re.compile(
    # Escaped backslashes, which escape nothing; whole pairs; halves. Whatever else is escaped ends before the next one.
    rb"\\(?:\\(?:\\\\)*+"
    rb"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)


def mended(text: bytes) -> bytes | None:
    r"""Return JSON with ``\ufffd`` for each lone half, of the same length; None where there is none."""
    whole = _ESCAPES.sub(lambda escape: rb"\ufffd" if escape["half"] else escape[0], text)
    return None if whole == text else whole


def mended_text(text: str) -> str:
    """Return a text of Python with U+FFFD for each lone half in it; two that are a pair become one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mended_value(value: object) -> object:
    """Return a Python value with its texts and keys mended."""
    match value:
        case str():
            return mended_text(value)
        case dict():
            members = cast("dict[object, object]", value)
            return {
                mended_text(key) if isinstance(key, str) else key: mended_value(each) for key, each in members.items()
            }
        case list() | tuple():
            return [mended_value(each) for each in cast("list[object]", value)]
        case _:
            return value
