"""Paths, kinds and the names of shredded columns.

A *path* is a tuple of keys that begins with a top-level field, for example
``("metadata", "model")``. Every scalar that a document holds under a path is
*shredded* into one flat column per path and kind, so that a column has one
Arrow type whatever clients write. A value sits in exactly one column:

========  =======  ==========================================================
suffix    Arrow    values
========  =======  ==========================================================
``b``     bool     true and false
``i``     int64    whole numbers that fit, also when written ``1.0``
``f``     float64  every other number up to 1.8e308, as the nearest float64
``t``     utf8     texts of at most :data:`TEXT_BYTES_MAX` UTF-8 bytes
``x``     int8     no value but a :class:`Marker`: it is in the document only
========  =======  ==========================================================

So ``i`` and ``f`` are disjoint, and ``1`` and ``1.0`` are one value. An object
has marker 3 at its own path and its children at theirs. JSON null and a
missing key look the same: every column of the path is null.

Whole numbers beyond 64 bits are the only values in two columns: their nearest
float64 is in ``f``, and marker 4 says that the document has the digits.
"""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import TypeAlias

import pyarrow as pa

FieldPath: TypeAlias = tuple[str, ...]

TEXT_BYTES_MAX = 1024
INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1


class Kind(StrEnum):
    """What a shredded column holds; the value is the column's suffix."""

    BOOLEAN = "b"
    INTEGER = "i"
    FLOAT = "f"
    TEXT = "t"
    MARKER = "x"


class Marker(IntEnum):
    """Why a value is in the document only."""

    LONG_TEXT = 1
    ARRAY = 2
    OBJECT = 3
    NUMBER = 4
    """A number that no column has exactly: a whole one beyond 64 bits, or one beyond float64 such as 1e999."""


ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.utf8(),
    Kind.MARKER: pa.int8(),
}

_SUFFIXES = frozenset(Kind)
_SPECIAL = re.compile(r"[\\.#\0]")
_PIECE = re.compile(r"((?:[^\\.#]|\\.)*)([.#])", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@lru_cache(maxsize=1 << 14)
def column_name(path: FieldPath, kind: Kind) -> str:
    r"""Return the name of the column for ``path`` and ``kind``.

    >>> column_name(("metadata", "a.b", "c"), Kind.TEXT)
    'metadata.a\\.b.c#t'
    """
    return ".".join(_SPECIAL.sub(_escaped, piece) for piece in path) + "#" + kind


def split_column_name(name: str) -> tuple[FieldPath, Kind] | None:
    """Return path and kind of a shredded column, None for any other name."""
    pieces: list[str] = []
    place = 0
    while match := _PIECE.match(name, place):
        pieces.append(_ESCAPED.sub(_unescaped, match[1]))
        place = match.end()
        if match[2] == "#":
            suffix = name[place:]
            return (tuple(pieces), Kind(suffix)) if suffix in _SUFFIXES else None
    return None


def _escaped(match: re.Match[str]) -> str:
    # Names of columns pass through C, where a NUL would end them.
    return "\\0" if match[0] == "\0" else "\\" + match[0]


def _unescaped(match: re.Match[str]) -> str:
    return "\0" if match[1] == "0" else match[1]
