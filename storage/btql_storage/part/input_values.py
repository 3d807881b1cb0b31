"""The values of inputs in pieces: what rows have in common is parsed once, and is the same object in all of them.

The pieces of a conversation are the messages that each of its calls adds (:mod:`btql_storage.part.deltas`). So the
value of a call is a list of messages most of which are known from calls before it, and so is its canonical text.
Values are shared and must not be changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql_storage.json_text import JsonValue, canonical_bytes, parse, parse_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from btql_storage.part.deltas import Pieces

_GOES_ON = "the array goes on here"
_GOES_ON_TEXT = canonical_bytes(_GOES_ON)
"""Is put where it does, to find out where that is in the value."""


@dataclass(slots=True)
class _Elements:
    """The elements of an array that a piece has."""

    piece: bytes
    """Kept, as it is known by its place in memory."""
    values: list[JsonValue]
    _text: bytes | None = None

    @property
    def text(self) -> bytes:
        """The canonical text of the elements."""
        if self._text is None:
            self._text = canonical_bytes(self.values)[1:-1]
        return self._text


@dataclass(frozen=True, slots=True)
class _Around:
    """What is around an array that goes on: nothing, or the object that has it."""

    members: dict[str, JsonValue]
    key: str | None
    before: bytes
    """Canonical text."""
    after: bytes

    def value(self, array: list[JsonValue]) -> JsonValue:
        """Return the value for all elements of the array."""
        return array if self.key is None else {**self.members, self.key: array}


class InputValues:
    """The values of some inputs; None where a row has none."""

    def __init__(self, inputs: Sequence[Pieces | None]) -> None:
        self._inputs = inputs
        self._begun: dict[tuple[int, bytes], tuple[_Elements, _Around]] = {}
        self._added: dict[int, _Elements] = {}
        in_one = parse_all([pieces[0] if pieces is not None and len(pieces) == 1 else None for pieces in inputs])
        self.values: list[JsonValue] = [
            self._value(pieces) if pieces is not None and len(pieces) > 1 else value
            for pieces, value in zip(inputs, in_one, strict=True)
        ]

    def canonical(self, row: int) -> list[bytes]:
        """Return the canonical text of a value, in pieces."""
        pieces = self._inputs[row]
        found = self._parts(pieces) if pieces is not None and len(pieces) > 1 else None
        if found is None:
            return [canonical_bytes(self.values[row])]
        elements, around = found
        texts = [text for each in elements for text in (b",", each.text)]
        return [around.before, b"[", *texts[1:], b"]", around.after]

    def _value(self, pieces: Pieces) -> JsonValue:
        found = self._parts(pieces)
        if found is None:
            return parse(b"".join(pieces))
        elements, around = found
        return around.value([value for each in elements for value in each.values])

    def _parts(self, pieces: Pieces) -> tuple[list[_Elements], _Around] | None:
        """Return the elements that each piece has and what is around them; None where pieces are cut inside elements.

        That is so where elements are arrays, one of which goes on itself.
        """
        first, *added, closing = pieces
        try:
            elements, around = self._beginning(first, closing)
            return [elements, *map(self._elements, added)], around
        except ValueError:
            return None

    def _beginning(self, first: bytes, closing: bytes) -> tuple[_Elements, _Around]:
        known = self._begun.get((id(first), closing))
        if known is None:
            known = self._begun[id(first), closing] = _begun(first, closing)
        return known

    def _elements(self, piece: bytes) -> _Elements:
        known = self._added.get(id(piece))
        if known is None:
            values = parse(b"[%b]" % piece[1:])
            assert isinstance(values, list)
            known = self._added[id(piece)] = _Elements(piece, values)
        return known


def _begun(first: bytes, closing: bytes) -> tuple[_Elements, _Around]:
    """Return what a text begins with, up to where its array goes on; ValueError where that is further inside."""
    whole = parse(b"%b,%b%b" % (first, _GOES_ON_TEXT, closing))
    array = whole
    around = _Around({}, None, b"", b"")
    if isinstance(whole, dict):
        ((key, array),) = [(key, each) for key, each in whole.items() if isinstance(each, list) and _GOES_ON in each]
        before, after = canonical_bytes({**whole, key: _GOES_ON}).split(_GOES_ON_TEXT)
        around = _Around(whole, key, before, after)
    if not isinstance(array, list) or array.pop() != _GOES_ON:
        raise ValueError
    return _Elements(first, array), around
