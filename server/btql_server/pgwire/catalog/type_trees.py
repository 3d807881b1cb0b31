"""What asyncpg asks of types that it does not know: all of them with their elements, by one recursive query.

The engine takes a good part of a second for it, and its answer follows from the types alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from btql_server.pgwire.catalog.type_rows import sql_name, type_kind
from btql_server.pgwire.types import NAMED, TYPES, PgType

_SHAPE: dict[str, tuple[pa.DataType, str]] = {
    "oid": (pa.uint32(), "oid"),
    "ns": (pa.string(), "name"),
    "name": (pa.string(), "name"),
    "kind": (pa.string(), "char"),
    "basetype": (pa.uint32(), "oid"),
    "elemtype": (pa.uint32(), "oid"),
    "elemdelim": (pa.string(), "char"),
    "range_subtype": (pa.uint32(), "oid"),
    "attrtypoids": (pa.list_(pa.uint32()), "_oid"),
    "attrnames": (pa.list_(pa.string()), "_text"),
    "depth": (pa.int32(), "int4"),
    "basetype_name": (pa.string(), "text"),
    "elemtype_name": (pa.string(), "text"),
    "range_subtype_name": (pa.string(), "text"),
}
PARAMETERS = (NAMED["_oid"],)
COLUMN_TYPES = tuple(NAMED[name] for _, name in _SHAPE.values())


def asks_for_type_trees(sql: str) -> bool:
    """Whether this is asyncpg's query, for types by their numbers."""
    return "typeinfo_tree(" in sql and "any($1::oid[])" in sql.lower().replace(" ", "")


def type_trees(oids: Sequence[object]) -> pa.Table:
    """Return the types, those that others are made of first."""
    wanted = [TYPES[oid] for oid in oids if isinstance(oid, int) and oid in TYPES]
    elements = [TYPES[each.element] for each in wanted if each.size == -1 and each.element in TYPES]
    rows = [_row(each, 1) for each in dict.fromkeys(elements)] + [_row(each, 0) for each in dict.fromkeys(wanted)]
    shape = pa.schema([(name, of) for name, (of, _) in _SHAPE.items()])
    return pa.Table.from_pylist(rows, shape)


def _row(of: PgType, depth: int) -> dict[str, object]:
    element = TYPES.get(of.element)
    return {
        "oid": of.oid,
        "ns": "pg_catalog",
        "name": of.name,
        "kind": type_kind(of),
        "elemtype": of.element,
        "elemdelim": None if element is None else ",",
        "depth": depth,
        "elemtype_name": "-" if element is None else sql_name(element),
    }
