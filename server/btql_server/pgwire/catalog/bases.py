"""What the relations of the catalog are made of, as Arrow tables: types, their functions, schemas, columns.

Numbers (oids) are stable: those of Postgres for what Postgres has, too; for an object, four numbers that follow from
its number in the storage, of which the table has the first, its index the second and its constraint the third.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from btql.tables import SCHEMAS, Column, Table
from btql_grammar.sources import KINDS
from btql_planner import sql_text
from btql_server.pgwire.catalog.relations import SCHEMA_NUMBERS, RelationColumn, relations
from btql_server.pgwire.types import NAMED, TYPES, PgType

FIRST_OBJECT = 16_384
_FIRST_SCHEMA = 15_001
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


def schema_number(kind: str) -> int:
    """Return the number of the schema of a kind of object."""
    return SCHEMA_NUMBERS.get(kind) or _FIRST_SCHEMA + KINDS.index(kind)


def table_number(table: Table) -> int:
    """Return the number of a table; the three after it are also its own."""
    return FIRST_OBJECT + 4 * table.number


def schema_rows() -> pa.Table:
    """Return all schemas."""
    rows: list[dict[str, object]] = [
        {"oid": number, "nspname": name, "note": None, "always": True} for name, number in SCHEMA_NUMBERS.items()
    ]
    of_kinds: list[dict[str, object]] = [
        {"oid": schema_number(kind), "nspname": kind, "note": SCHEMAS.get(kind), "always": kind in SCHEMAS}
        for kind in KINDS
    ]
    rows += of_kinds
    shape = {"oid": pa.uint32(), "nspname": pa.string(), "note": pa.string(), "always": pa.bool_()}
    return pa.Table.from_pylist(rows, pa.schema(list(shape.items())))


def relation_rows() -> pa.Table:
    """Return the relations of the catalog itself."""
    rows = [
        {
            "oid": each.oid,
            "relname": each.name,
            "relnamespace": SCHEMA_NUMBERS[each.schema],
            "relkind": each.kind,
            "columns": len(each.columns),
            "spelled": _spelled(each.schema, each.name, each.schema == "pg_catalog"),
        }
        for each in relations().values()
    ]
    shape = {
        "oid": pa.uint32(),
        "relname": pa.string(),
        "relnamespace": pa.uint32(),
        "relkind": pa.string(),
        "columns": pa.int16(),
        "spelled": pa.string(),
    }
    return pa.Table.from_pylist(rows, pa.schema(list(shape.items())))


def relation_column_rows() -> pa.Table:
    """Return the columns of the relations of the catalog."""
    rows = [
        {"attrelid": relation.oid, "attnum": number, "attname": column.name, "atttypid": column.type.oid}
        for relation in relations().values()
        for number, column in enumerate(relation.columns, 1)
    ]
    shape = {"attrelid": pa.uint32(), "attnum": pa.int16(), "attname": pa.string(), "atttypid": pa.uint32()}
    return pa.Table.from_pylist(rows, pa.schema(list(shape.items())))


def column_rows(shape: int, columns: Sequence[Column]) -> pa.Table:
    """Return the columns of all tables of a shape."""
    rows = [
        {
            "shape": shape,
            "attnum": number,
            "attname": column.name,
            "atttypid": column_type(column).oid,
            "attnotnull": not column.nullable,
            "note": column.note,
        }
        for number, column in enumerate(columns, 1)
    ]
    return pa.Table.from_pylist(rows, COLUMN_SHAPE)


COLUMN_SHAPE = pa.schema(
    [
        ("shape", pa.int32()),
        ("attnum", pa.int16()),
        ("attname", pa.string()),
        ("atttypid", pa.uint32()),
        ("attnotnull", pa.bool_()),
        ("note", pa.string()),
    ]
)
TABLE_SHAPE = pa.schema(
    [
        ("oid", pa.uint32()),
        ("relnamespace", pa.uint32()),
        ("nspname", pa.string()),
        ("relname", pa.string()),
        ("note", pa.string()),
        ("shape", pa.int32()),
        ("visible", pa.bool_()),
        ("spelled", pa.string()),
        ("spelled_index", pa.string()),
    ]
)
_RESERVED_WORDS = """
all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate collation
column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except exists false fetch for foreign freeze
from full grant group having ilike in initially inner insert intersect into is isnull join lateral leading left like
limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
references returning right select session_user similar some symmetric table tablesample then to trailing true union
unique user using values variadic verbose when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())
"""Words that are written in quotes where they are names."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")


def reserved_rows() -> pa.Table:
    """Return the words that are no names."""
    return pa.table({"word": sorted(RESERVED)})


def quoted(name: str) -> str:
    """Return a name as it is written in a statement."""
    if _PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    return sql_text.name(name)


def _spelled(schema: str, name: str, visible: bool) -> str:  # noqa: FBT001  one of three facts
    return quoted(name) if visible else f"{quoted(schema)}.{quoted(name)}"


def column_type(column: Column) -> PgType:
    """Return the type of a column of a table."""
    return NAMED[{"text[]": "_text", "boolean": "bool"}.get(column.type, column.type)]


def table_rows(tables: Sequence[Table], shapes: Sequence[int]) -> pa.Table:
    """Return the tables that somebody sees; without its schema, a name means the first of the search path."""
    first: dict[str, Table] = {}
    for each in sorted(tables, key=lambda table: KINDS.index(table.schema)):
        first.setdefault(each.name, each)
    columns: list[list[object]] = [
        [table_number(each) for each in tables],
        [schema_number(each.schema) for each in tables],
        [each.schema for each in tables],
        [each.name for each in tables],
        [each.note for each in tables],
        list(shapes),
        [first[each.name] is each for each in tables],
        [_spelled(each.schema, each.name, first[each.name] is each) for each in tables],
        [_spelled(each.schema, f"{each.name}_pkey", first[each.name] is each) for each in tables],
    ]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, TABLE_SHAPE, strict=True)]
    return pa.Table.from_arrays(arrays, schema=TABLE_SHAPE)


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
    "UINTEGER": pa.uint32(),
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
