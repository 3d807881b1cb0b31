"""The relations of ``pg_catalog`` and ``information_schema``: their names, numbers, columns and types.

``relations.txt`` has one line for each: schema and name, number, kind (``r`` a table, ``v`` a view), columns with
their types. Many are always empty; they are there because clients join them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from btql_server.pgwire.types import NAMED, PgType

INTERNAL_SCHEMAS = {"pg_catalog": "pgc", "information_schema": "infs"}
"""Schemas as clients write them, to what they are called in DuckDB, which has relations of its own so called."""
SCHEMA_NUMBERS = {"pg_catalog": 11, "information_schema": 13207}
_TYPES = {
    "name[]": "_name",
    "text[]": "_text",
    "char[]": "_char",
    "oid[]": "_oid",
    "int2[]": "_int2",
    "float4[]": "_float4",
    "float8[]": "_float8",
    "bool[]": "_bool",
    "regtype[]": "_regtype",
    "aclitem[]": "_aclitem",
    "regtype": "regtype",
}
_DUCKDB = {
    "oid": "UINTEGER",
    "regproc": "UINTEGER",
    "regtype": "UINTEGER",
    "xid": "UINTEGER",
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "numeric": "DOUBLE",
    "timestamptz": "TIMESTAMPTZ",
    "interval": "INTERVAL",
    "bytea": "BLOB",
    # No other lists are of these types, so that an answer shows what is a vector.
    "int2vector": "USMALLINT[]",
    "oidvector": "UBIGINT[]",
}
"""Types of columns in DuckDB; all others are texts."""
_DEFAULTS = {
    "bool": "false",
    "int2": "0",
    "int4": "0",
    "int8": "0",
    "oid": "0",
    "regproc": "0",
    "name": "''",
    "char": "''",
}
"""What a column of ``pg_catalog`` holds where its contents say nothing; all others hold null."""


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """One column of a relation."""

    name: str
    type: PgType

    @property
    def duckdb_type(self) -> str:
        """What DuckDB calls its type."""
        name = self.type.name
        return f"{_DUCKDB.get(name[1:], 'VARCHAR')}[]" if name.startswith("_") else _DUCKDB.get(name, "VARCHAR")


@dataclass(frozen=True, slots=True)
class Relation:
    """One table or view of the catalog."""

    schema: str
    name: str
    oid: int
    kind: str
    columns: tuple[RelationColumn, ...]

    @property
    def internal(self) -> str:
        """Its name in DuckDB."""
        return f'{INTERNAL_SCHEMAS[self.schema]}."{self.name}"'

    def has(self, column: str) -> bool:
        """Whether it has a column of this name."""
        return any(each.name == column for each in self.columns)

    def default(self, column: RelationColumn) -> str:
        """Return what a column holds where the contents say nothing."""
        found = _DEFAULTS.get(column.type.name, "NULL") if self.schema == "pg_catalog" else "NULL"
        return f"CAST({found} AS {column.duckdb_type})"


@cache
def relations() -> dict[tuple[str, str], Relation]:
    """Return all relations, by schema and name."""
    text = files("btql_server.pgwire.catalog").joinpath("relations.txt").read_text(encoding="utf-8")
    found = [_relation(line) for line in text.splitlines() if line]
    return {(each.schema, each.name): each for each in found}


def _relation(line: str) -> Relation:
    named, oid, kind, rest = line.split(" ", 3)
    schema, name = named.split(".")
    columns = (each.rsplit(" ", 1) for each in rest.split(", "))
    return Relation(schema, name, int(oid), kind, tuple(RelationColumn(name, _type(of)) for name, of in columns))


def _type(name: str) -> PgType:
    return NAMED.get(_TYPES.get(name, name), NAMED["text"])


VECTORS = frozenset({"indkey", "indclass", "indcollation", "indoption", "proargtypes", "partattrs", "tgattr"})
"""Columns that count from 0 in Postgres, and are spelled ``1 2``."""


@cache
def procedures() -> frozenset[str]:
    """Return the columns that are shown as the name of a function."""
    columns = (column for relation in relations().values() for column in relation.columns)
    return frozenset(each.name for each in columns if each.type.name == "regproc")


@cache
def column_types() -> dict[str, PgType]:
    """Return the types of columns by their names alone, which nearly always tell."""
    return {column.name: column.type for relation in relations().values() for column in relation.columns}


@cache
def numbers() -> frozenset[str]:
    """Return the columns that hold numbers of the catalog."""
    numbered = {name for name, of in column_types().items() if of.name in ("oid", "regproc")}
    return frozenset({*numbered, "tableoid"})
