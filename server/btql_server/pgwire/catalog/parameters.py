"""Which types the parameters of a statement have, told from where they stand, for clients that ask before they send."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from btql_server.pgwire.catalog.reader import read
from btql_server.pgwire.catalog.relations import column_types
from btql_server.pgwire.catalog.type_names import type_name
from btql_server.pgwire.types import NAMED, TYPES, PgType

_TEXT = NAMED["text"]
_NAMES = {
    "integer": "int4",
    "int": "int4",
    "bigint": "int8",
    "smallint": "int2",
    "boolean": "bool",
    "double": "float8",
    "float": "float4",
    "decimal": "numeric",
    "character varying": "varchar",
}
_COUNTED = (exp.Limit, exp.Offset)
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)


def parameter_types(sql: str, given: Sequence[int] = ()) -> tuple[PgType, ...]:
    """Return the type of each parameter; what the client has said of one goes first."""
    if "$" not in sql and not given:
        return ()
    found: dict[int, PgType] = {number: TYPES[oid] for number, oid in enumerate(given, 1) if oid in TYPES}
    for node in read(sql).find_all(exp.Parameter):
        if node.name.isdigit() and int(node.name) not in found:
            found[int(node.name)] = _type(node)
    return tuple(found.get(number, _TEXT) for number in range(1, max(found, default=0) + 1))


def nothing_of(of: PgType) -> object:
    """Return a value that stands for a parameter whose value is not there yet."""
    return [] if of.element else None


def _type(node: exp.Expr) -> PgType:
    parent = node.parent
    while isinstance(parent, exp.Paren):
        node, parent = parent, parent.parent
    match parent:
        case exp.Cast():
            return _named(type_name(parent.to))
        case exp.Any() | exp.All():
            return _array_of(_beside(parent))
        case exp.In():
            return _of(parent.this)
        case exp.Between():
            return _of(parent.this)
        case _ if isinstance(parent, _COMPARED):
            return _beside(node)
        case _ if isinstance(parent, _COUNTED):
            return NAMED["int8"]
        case _:
            return _TEXT


def _beside(node: exp.Expr) -> PgType:
    """Return the type of what a parameter is compared with."""
    parent = node.parent
    if not isinstance(parent, exp.Binary):
        return _TEXT
    return _of(parent.right if parent.left is node else parent.left)


def _of(node: exp.Expr) -> PgType:
    inner = node.unnest()
    match inner:
        case exp.Cast():
            return _named(type_name(inner.to))
        case exp.Column():
            found = column_types().get(inner.name.lower(), _TEXT)
            return _TEXT if found.name == "char" else found
        case exp.Literal() if not inner.is_string:
            return NAMED["int4"]
        case _:
            return _TEXT


def _named(name: str) -> PgType:
    if name == "char":
        # Drivers take one byte for it; a text does as well.
        return _TEXT
    if name.endswith("[]"):
        return _array_of(_named(name.removesuffix("[]")))
    return NAMED.get(_NAMES.get(name, name), _TEXT)


def _array_of(element: PgType) -> PgType:
    return TYPES.get(element.array, NAMED["_text"])
