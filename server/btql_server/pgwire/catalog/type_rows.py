"""The types that the catalog lists, and the functions by which they are read and written, as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from btql_server.pgwire.catalog.relations import RelationColumn, relations
from btql_server.pgwire.types import TYPES, PgType

_FIRST_PROCEDURE = 8_001
_CATEGORIES = {
    "B": ("bool",),
    "N": ("int8", "int2", "int4", "oid", "float4", "float8", "numeric", "regproc", "regclass", "regtype",
          "regnamespace", "regrole"),
    "S": ("name", "text", "bpchar", "varchar"),
    "D": ("date", "time", "timestamp", "timestamptz", "timetz"),
    "T": ("interval",),
    "X": ("unknown",),
    "Z": ("char", "pg_node_tree"),
    "P": ("cstring", "void"),
}  # fmt: skip
_PREFERRED = frozenset({"text", "bool", "timestamptz", "interval", "float8", "oid"})
_SQL_NAMES = {
    "bool": "boolean",
    "int8": "bigint",
    "int4": "integer",
    "int2": "smallint",
    "float4": "real",
    "float8": "double precision",
    "varchar": "character varying",
    "bpchar": "character",
    "char": '"char"',
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
}
_COLLATIONS = {"text": 100, "varchar": 100, "bpchar": 100, "name": 950}
_PROCEDURE_NUMBERS = {"array_in": 750, "array_out": 751, "array_recv": 2400, "array_send": 2401}
_WITH_UNDERSCORE = frozenset(
    {"date", "time", "timetz", "timestamp", "timestamptz", "interval", "numeric", "json", "jsonb", "uuid", "xml",
     "cstring", "void", "cash", "pg_node_tree"}
)  # fmt: skip
"""Types whose functions are called ``date_in`` and not ``datein``."""


@cache
def procedure_rows() -> pa.Table:
    """Return the functions by which types are read and written, and which clients know arrays by."""
    rows = [
        {"oid": oid, "proname": name, "arguments": "cstring", "result": "internal", "note": None}
        for name, oid in _procedures().items()
    ]
    columns = relations()["pg_catalog", "pg_proc"].columns
    wanted: dict[str, object] = {
        "pronamespace": 11, "proowner": 10, "prolang": 12, "procost": 1.0, "prokind": "f", "provolatile": "i",
        "proparallel": "s", "pronargs": 1, "prorettype": 2278, "proargtypes": [], "proisstrict": True,
    }  # fmt: skip
    return _rows([{**wanted, **row} for row in rows], columns, ("arguments", "result", "note"))


@cache
def type_rows() -> pa.Table:
    """Return all types; ``sqlname`` is the name in SQL, ``alias`` another one that is understood."""
    rows = [_type_row(each) for each in TYPES.values()]
    return _rows(rows, relations()["pg_catalog", "pg_type"].columns, ("sqlname", "alias"))


def sql_name(of: PgType) -> str:
    """Return the name of a type in SQL."""
    element = TYPES.get(of.element)
    if element is not None and of.name.startswith("_"):
        return f"{_SQL_NAMES.get(element.name, element.name)}[]"
    return _SQL_NAMES.get(of.name, of.name)


def type_kind(of: PgType) -> str:
    """Return ``b`` for a type that columns may have, ``p`` for another."""
    return "p" if of.name in (*_CATEGORIES["P"], *_CATEGORIES["X"]) else "b"


def _type_row(of: PgType) -> dict[str, object]:
    element = TYPES.get(of.element)
    is_array = element is not None and of.name.startswith("_")
    category = (
        "A" if element is not None else next((key for key, names in _CATEGORIES.items() if of.name in names), "U")
    )
    name = element.name if is_array and element is not None else of.name
    align = {1: "c", 2: "s", 8: "d"}.get(of.size, "c" if of.name in ("name", "unknown", "cstring", "uuid") else "i")
    procedures = {
        f"typ{kind}": _procedures()[_procedure(of, short)]
        for kind, short in (("input", "in"), ("output", "out"), ("receive", "recv"), ("send", "send"))
    }
    return {
        "oid": of.oid,
        "typname": of.name,
        "typnamespace": 11,
        "typowner": 10,
        "typlen": of.size,
        "typbyval": of.size in (1, 2, 4, 8),
        "typtype": type_kind(of),
        "typcategory": category,
        "typispreferred": of.name in _PREFERRED,
        "typisdefined": True,
        "typdelim": ",",
        "typelem": of.element,
        "typarray": of.array,
        "typalign": align,
        "typstorage": "p" if of.size > 0 or of.size == -2 else "x",
        "typtypmod": -1,
        "typcollation": _COLLATIONS.get(name, 0),
        **procedures,
        "sqlname": sql_name(of),
        "alias": "int" if of.name == "int4" else "decimal" if of.name == "numeric" else of.name,
    }


@cache
def _procedures() -> dict[str, int]:
    names = dict.fromkeys(_procedure(each, short) for each in TYPES.values() for short in ("in", "out", "recv", "send"))
    return {name: _PROCEDURE_NUMBERS.get(name) or _FIRST_PROCEDURE + at for at, name in enumerate(names)}


def _procedure(of: PgType, short: str) -> str:
    if of.name.startswith("_"):
        return f"array_{short}"
    return f"{of.name}_{short}" if of.name in _WITH_UNDERSCORE else f"{of.name}{short}"


_ARROW = {
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "UBIGINT": pa.uint64(),
    "BOOLEAN": pa.bool_(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
}
_NOTHING = {"bool": False, "int2": 0, "int4": 0, "int8": 0, "oid": 0, "regproc": 0, "name": "", "char": ""}


def _rows(rows: Sequence[dict[str, object]], columns: Sequence[RelationColumn], more: Sequence[str]) -> pa.Table:
    """Return rows with all columns of a relation, and texts after them."""
    fields = [pa.field(each.name, _arrow(each.duckdb_type)) for each in columns]
    fields += [pa.field(name, pa.string()) for name in more]
    nothing = {each.name: _NOTHING.get(each.type.name) for each in columns}
    return pa.Table.from_pylist([{**nothing, **row} for row in rows], pa.schema(fields))


def _arrow(duckdb_type: str) -> pa.DataType:
    if duckdb_type.endswith("[]"):
        return pa.list_(_arrow(duckdb_type.removesuffix("[]")))
    return _ARROW.get(duckdb_type, pa.string())
