"""Types: which kinds of value an expression may have.

A type is a set of kinds. ``{TEXT}`` is a text, ``{INTEGER, FLOAT}`` a number,
and a path whose value varies by row has every kind that was seen for it: that
is what *dynamic* means here. An empty set is null.

The rules for values of different kinds are in ``compare.py`` and ``value.py``
and nowhere else; documents keep 1, "1", true and null apart, so queries do too.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """One kind of value; the letter is the suffix of its engine column."""

    BOOLEAN = "b"
    INTEGER = "i"
    FLOAT = "f"
    TEXT = "t"
    TIME = "u"
    LIST = "l"
    """A list of texts, as ``tags`` is."""
    JSON = "j"
    """An array or object, as JSON text with sorted keys."""
    INTERVAL = "v"
    BIG = "n"
    """A whole number beyond 64 bits, as its digits; only documents and queries hold such."""
    RAW = "r"
    """Any value as JSON text, only ever for output."""


Type = frozenset[Kind]

NULL: Type = frozenset()
BOOLEAN: Type = frozenset({Kind.BOOLEAN})
INTEGER: Type = frozenset({Kind.INTEGER})
FLOAT: Type = frozenset({Kind.FLOAT})
NUMBER: Type = frozenset({Kind.INTEGER, Kind.FLOAT})
TEXT: Type = frozenset({Kind.TEXT})
TIME: Type = frozenset({Kind.TIME})
LIST: Type = frozenset({Kind.LIST})
INTERVAL: Type = frozenset({Kind.INTERVAL})
BIG: Type = frozenset({Kind.BIG})
JSON: Type = frozenset({Kind.JSON})
NUMERIC: Type = NUMBER | BIG
"""Every kind that is a number to the reader."""
CONTENTS: Type = LIST | JSON
"""Every kind that is an array or an object to the reader."""
SCALAR: Type = frozenset({Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.TEXT})
ANY: Type = SCALAR | {Kind.JSON, Kind.BIG}
"""Every kind that a value of a document may have."""

SQL_TYPES: dict[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INTEGER: "BIGINT",
    Kind.FLOAT: "DOUBLE",
    Kind.TEXT: "VARCHAR",
    Kind.TIME: "TIMESTAMP",
    Kind.LIST: "VARCHAR[]",
    Kind.JSON: "VARCHAR",
    Kind.INTERVAL: "INTERVAL",
    Kind.BIG: "VARCHAR",
    Kind.RAW: "VARCHAR",
}

ORDER: tuple[Kind, ...] = (
    Kind.BOOLEAN,
    Kind.INTEGER,
    Kind.FLOAT,
    Kind.BIG,
    Kind.TIME,
    Kind.INTERVAL,
    Kind.TEXT,
    Kind.LIST,
    Kind.JSON,
)
"""How kinds sort among one another; numbers of all three kinds sort as one, and so do lists and JSON."""

_NAMES: dict[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "number",
    Kind.FLOAT: "number",
    Kind.TEXT: "text",
    Kind.TIME: "time",
    Kind.LIST: "list",
    Kind.JSON: "array or object",
    Kind.INTERVAL: "interval",
    Kind.BIG: "number",
    Kind.RAW: "value",
}


def describe(type_: Type) -> str:
    """Return a type as a reader would call it: ``number``, ``text or time``, ``null``."""
    names = dict.fromkeys(_NAMES[kind] for kind in sorted(type_, key=list(Kind).index))
    return " or ".join(names) or "null"


def describe_one(type_: Type) -> str:
    """Return a type with its article: ``a number``, ``an interval``, ``null``."""
    name = describe(type_)
    return name if name == "null" else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
