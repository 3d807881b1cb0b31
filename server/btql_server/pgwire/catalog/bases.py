"""What the relations of the catalog are made of, as Arrow tables: types, their functions, schemas, columns.

Numbers (oids) are stable: those of Postgres for what Postgres has, too; for an object, four numbers that follow from
its number in the storage, of which the table has the first, its index the second and its constraint the third.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from btql.tables import SCHEMAS, Column, Table
from btql_grammar.sources import KINDS
from btql_planner import sql_text
from btql_server.pgwire.catalog.relations import SCHEMA_NUMBERS, relations
from btql_server.pgwire.types import NAMED, PgType

FIRST_OBJECT = 16_384
_FIRST_SCHEMA = 15_001


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
