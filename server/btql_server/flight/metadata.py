"""Catalogs, schemas, tables and keys, as Flight SQL lists them: only what the caller may read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.tables import Table, schemas, tables
from btql_server.flight import messages, sql_info, type_info
from btql_server.reading.directory import Visible

if TYPE_CHECKING:
    from btql_server.access.asker import Asker

CATALOG = "btql"
"""The one catalog."""
_TABLE = "TABLE"
_NAMES = [pa.field("catalog_name", pa.string()), pa.field("db_schema_name", pa.string())]
CATALOGS = pa.schema([pa.field("catalog_name", pa.string(), nullable=False)])
SCHEMAS = pa.schema([_NAMES[0], pa.field("db_schema_name", pa.string(), nullable=False)])
TABLES = pa.schema(
    [
        *_NAMES,
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("table_type", pa.string(), nullable=False),
    ]
)
TABLES_WITH_SCHEMA = TABLES.append(pa.field("table_schema", pa.binary(), nullable=False))
TABLE_TYPES = pa.schema([pa.field("table_type", pa.string(), nullable=False)])
PRIMARY_KEYS = pa.schema(
    [
        *_NAMES,
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("column_name", pa.string(), nullable=False),
        pa.field("key_name", pa.string()),
        pa.field("key_sequence", pa.int32(), nullable=False),
    ]
)
_KEY_SIDES = [
    pa.field(f"{side}_{name}", pa.string(), nullable=name.endswith("schema_name") or name == "catalog_name")
    for side in ("pk", "fk")
    for name in ("catalog_name", "db_schema_name", "table_name", "column_name")
]
FOREIGN_KEYS = pa.schema(
    [
        *_KEY_SIDES,
        pa.field("key_sequence", pa.int32(), nullable=False),
        pa.field("fk_key_name", pa.string()),
        pa.field("pk_key_name", pa.string()),
        pa.field("update_rule", pa.uint8(), nullable=False),
        pa.field("delete_rule", pa.uint8(), nullable=False),
    ]
)


def schema_of(command: messages.Command) -> pa.Schema | None:
    """Return the schema of what a command lists; None where it lists nothing."""
    match command:
        case messages.CommandGetCatalogs():
            return CATALOGS
        case messages.CommandGetDbSchemas():
            return SCHEMAS
        case messages.CommandGetTables():
            return TABLES_WITH_SCHEMA if command.include_schema else TABLES
        case messages.CommandGetTableTypes():
            return TABLE_TYPES
        case messages.CommandGetPrimaryKeys():
            return PRIMARY_KEYS
        case (
            messages.CommandGetExportedKeys() | messages.CommandGetImportedKeys() | messages.CommandGetCrossReference()
        ):
            return FOREIGN_KEYS
        case messages.CommandGetSqlInfo():
            return sql_info.SCHEMA
        case messages.CommandGetXdbcTypeInfo():
            return type_info.SCHEMA
        case _:
            return None


def listed(command: messages.Command, asker: Asker) -> pa.Table:
    """Return what a command lists."""
    match command:
        case messages.CommandGetCatalogs():
            return pa.table({"catalog_name": [CATALOG]}, CATALOGS)
        case messages.CommandGetDbSchemas():
            return _schemas(command, asker)
        case messages.CommandGetTables():
            return _tables(command, asker)
        case messages.CommandGetTableTypes():
            return pa.table({"table_type": [_TABLE]}, TABLE_TYPES)
        case messages.CommandGetSqlInfo():
            return sql_info.table(command.info, round(asker.state.settings.limits.query_seconds_max))
        case messages.CommandGetXdbcTypeInfo():
            return type_info.table(command.data_type)
        case _:
            # There are no keys.
            schema = schema_of(command)
            assert schema is not None, "asked before"
            return schema.empty_table()


def _schemas(command: messages.CommandGetDbSchemas, asker: Asker) -> pa.Table:
    names: list[str] = []
    if command.catalog in (None, CATALOG):
        fits = _like(command.db_schema_filter_pattern)
        names = sorted(name for name in schemas(tables(Visible(asker))) if fits(name))
    return pa.table({"catalog_name": [CATALOG] * len(names), "db_schema_name": names}, SCHEMAS)


def _tables(command: messages.CommandGetTables, asker: Asker) -> pa.Table:
    found: list[Table] = []
    if command.catalog in (None, CATALOG) and (not command.table_types or _TABLE in command.table_types):
        in_schema, named = _like(command.db_schema_filter_pattern), _like(command.table_name_filter_pattern)
        found = [each for each in tables(Visible(asker)) if in_schema(each.schema) and named(each.name)]
    columns: dict[str, list[object]] = {
        "catalog_name": [CATALOG for _ in found],
        "db_schema_name": [each.schema for each in found],
        "table_name": [each.name for each in found],
        "table_type": [_TABLE for _ in found],
    }
    if not command.include_schema:
        return pa.table(columns, TABLES)
    columns["table_schema"] = [_described(each).serialize().to_pybytes() for each in found]
    return pa.table(columns, TABLES_WITH_SCHEMA)


def _described(table: Table) -> pa.Schema:
    """Return the schema of a table, its columns with what clients look for in their metadata."""
    return pa.schema(
        [
            pa.field(
                each.name,
                each.arrow_type,
                each.nullable,
                {
                    "ARROW:FLIGHT:SQL:CATALOG_NAME": CATALOG,
                    "ARROW:FLIGHT:SQL:SCHEMA_NAME": table.schema,
                    "ARROW:FLIGHT:SQL:TABLE_NAME": table.name,
                    "ARROW:FLIGHT:SQL:TYPE_NAME": each.type,
                    "ARROW:FLIGHT:SQL:REMARKS": each.note or "",
                },
            )
            for each in table.columns
        ]
    )


def _like(pattern: str | None) -> Callable[[str], bool]:
    """Return what tells whether a name fits a pattern of SQL: ``%`` is any text, ``_`` is any character."""
    if pattern is None:
        return lambda _: True
    pieces: list[str] = []
    escaped = False
    for each in pattern:
        if escaped or each not in "%_\\":
            pieces.append(re.escape(each))
            escaped = False
        elif each == "\\":
            escaped = True
        elif each == "_":
            pieces.append(".")
        elif pieces[-1:] != [".*"]:
            pieces.append(".*")
    wanted = re.compile("".join(pieces), re.DOTALL)
    return lambda name: wanted.fullmatch(name) is not None
