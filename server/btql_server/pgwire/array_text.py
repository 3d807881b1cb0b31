"""Arrays in Postgres' text form, ``{1,2,NULL}`` or ``[0:1]={{"a b"},{c}}``, read."""

from __future__ import annotations

import re
from collections.abc import Callable

from btql_server.pgwire.bad_value import INVALID_TEXT, BadValue

_BOUNDS = re.compile(r"\s*(?:\[[+-]?\d+(?::[+-]?\d+)?\])+\s*=")
_TOKEN = re.compile(r'\s*(?:([{},])|"((?:[^"\\]|\\.)*)"|((?:[^{},"\\]|\\.)+))\s*', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_DEPTH_MAX = 6


def read_array(text: str, read: Callable[[str], object]) -> list[object]:
    """Return an array as a list, of lists where it has several dimensions; ``read`` reads an element."""
    bounds = _BOUNDS.match(text)
    return _Reader(text, bounds.end() if bounds else 0, read).whole()


class _Reader:
    def __init__(self, text: str, place: int, read: Callable[[str], object]) -> None:
        self._text = text
        self._place = place
        self._read = read

    def whole(self) -> list[object]:
        """Return the array, which is all of the text."""
        if self._next()[0] != "{":
            raise self._bad('Array value must start with "{" or dimension information.')
        found = self._list(1)
        if self._place != len(self._text):
            raise self._bad("Junk after closing right brace.")
        return found

    def _list(self, depth: int) -> list[object]:
        if depth > _DEPTH_MAX:
            raise self._bad(f"number of array dimensions exceeds the maximum allowed ({_DEPTH_MAX})")
        found: list[object] = []
        while True:
            mark, text, plain = self._next()
            if mark == "{":
                found.append(self._list(depth + 1))
            elif mark == "}" and not found:
                return found
            elif mark:
                raise self._bad(f'Unexpected "{mark}" character.')
            elif text is None and plain is not None and plain.upper() == "NULL" and "\\" not in plain:
                found.append(None)
            else:
                found.append(self._read(_ESCAPE.sub(r"\1", text if text is not None else str(plain).rstrip())))
            mark, _, _ = self._next()
            if mark == "}":
                self._check_shape(found)
                return found
            if mark != ",":
                raise self._bad("Unexpected array element.")

    def _check_shape(self, found: list[object]) -> None:
        shapes = {len(each) if isinstance(each, list) else -1 for each in found}
        if len(shapes) > 1:
            raise self._bad("Multidimensional arrays must have sub-arrays with matching dimensions.")

    def _next(self) -> tuple[str | None, str | None, str | None]:
        """Return the next mark, text in quotes, or text without."""
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            raise self._bad("Unexpected end of input.")
        self._place = found.end()
        return found[1], found[2], found[3]

    def _bad(self, why: str) -> BadValue:
        return BadValue(INVALID_TEXT, f'malformed array literal: "{self._text[:60]}"', why)
