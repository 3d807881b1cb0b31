"""Types of Postgres: what a column of an answer is called on the wire, and which numbers clients know it by.

A column's type follows from its kind, or from its Arrow type. What Postgres has no type for is ``jsonb`` if it is
nested, or else ``text``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.fixed_answer import PLAN_COLUMN
from btql_planner.types import NUMERIC, Kind

if TYPE_CHECKING:
    from btql_planner.engine_plan import OutputColumn


@dataclass(frozen=True, slots=True)
class PgType:
    """A type of Postgres."""

    oid: int
    size: int
    """Of a value in binary; -1 where values differ in length, -2 for ``cstring`` and ``unknown``."""
    name: str
    array: int = 0
    """The oid of arrays of it; 0 where there is none."""
    element: int = 0
    """The oid of its elements, if it is an array."""


_SCALARS = (
    PgType(16, 1, "bool", 1000),
    PgType(17, -1, "bytea", 1001),
    PgType(18, 1, "char", 1002),
    PgType(19, 64, "name", 1003),
    PgType(20, 8, "int8", 1016),
    PgType(21, 2, "int2", 1005),
    PgType(22, -1, "int2vector", 1006, 21),
    PgType(23, 4, "int4", 1007),
    PgType(24, 4, "regproc", 1008),
    PgType(25, -1, "text", 1009),
    PgType(26, 4, "oid", 1028),
    PgType(28, 4, "xid", 1011),
    PgType(29, 4, "cid", 1012),
    PgType(30, -1, "oidvector", 1013, 26),
    PgType(114, -1, "json", 199),
    PgType(142, -1, "xml", 143),
    PgType(194, -1, "pg_node_tree"),
    PgType(700, 4, "float4", 1021),
    PgType(701, 8, "float8", 1022),
    PgType(705, -2, "unknown"),
    PgType(1033, 12, "aclitem", 1034),
    PgType(1042, -1, "bpchar", 1014),
    PgType(1043, -1, "varchar", 1015),
    PgType(1082, 4, "date", 1182),
    PgType(1083, 8, "time", 1183),
    PgType(1114, 8, "timestamp", 1115),
    PgType(1184, 8, "timestamptz", 1185),
    PgType(1186, 16, "interval", 1187),
    PgType(1266, 12, "timetz", 1270),
    PgType(1700, -1, "numeric", 1231),
    PgType(2205, 4, "regclass", 2210),
    PgType(2206, 4, "regtype", 2211),
    PgType(2275, -2, "cstring", 1263),
    PgType(2278, 4, "void"),
    PgType(2950, 16, "uuid", 2951),
    PgType(3802, -1, "jsonb", 3807),
    PgType(4089, 4, "regnamespace", 4090),
    PgType(4096, 4, "regrole", 4097),
)
_ARRAYS = tuple(PgType(each.array, -1, f"_{each.name}", element=each.oid) for each in _SCALARS if each.array)

TYPES: dict[int, PgType] = {each.oid: each for each in (*_SCALARS, *_ARRAYS)}
"""Every type that has a place here, by its oid."""
NAMED: dict[str, PgType] = {each.name: each for each in TYPES.values()}
"""The same, by name; arrays have an underscore before it."""

_SPELLINGS = {
    "boolean": "bool",
    "smallint": "int2",
    "int": "int4",
    "integer": "int4",
    "bigint": "int8",
    "real": "float4",
    "float": "float8",
    "double": "float8",
    "double precision": "float8",
    "decimal": "numeric",
    "character": "bpchar",
    "character varying": "varchar",
    "string": "text",
    "datetime": "timestamptz",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}
TEXT = NAMED["text"]
JSON = NAMED["json"]
JSONB = NAMED["jsonb"]
TEXT_LIKE = frozenset(
    NAMED[name].oid
    for name in (
        *("text", "varchar", "bpchar", "name", "char", "json", "xml", "unknown", "cstring", "pg_node_tree", "aclitem"),
        *("regproc", "regclass", "regtype", "regnamespace", "regrole"),
    )
)
"""Types whose values have one form in text and in binary: their characters.

The names of catalog objects (``regclass`` …) would be numbers in binary; here they only come as names, and clients
ask for them in text."""

_KINDS = {
    Kind.BOOLEAN: "bool",
    Kind.INTEGER: "int8",
    Kind.FLOAT: "float8",
    Kind.BIG: "numeric",
    Kind.TEXT: "text",
    Kind.TIME: "timestamptz",
    Kind.INTERVAL: "interval",
    Kind.LIST: "_text",
    Kind.JSON: "jsonb",
    Kind.RAW: "jsonb",
}
_ARROW: dict[pa.DataType, str] = {
    pa.null(): "text",
    pa.bool_(): "bool",
    pa.int8(): "int2",
    pa.int16(): "int2",
    pa.int32(): "int4",
    pa.int64(): "int8",
    pa.uint8(): "int2",
    pa.uint16(): "int4",
    pa.uint32(): "int8",
    pa.uint64(): "numeric",
    pa.float16(): "float4",
    pa.float32(): "float4",
    pa.float64(): "float8",
    pa.date32(): "date",
    pa.date64(): "date",
    pa.month_day_nano_interval(): "interval",
}


@cache
def pg_type(of: Kind | pa.DataType) -> PgType:
    """Return the type that values of a kind, or of an Arrow type, have on the wire."""
    return NAMED[_KINDS[of] if isinstance(of, Kind) else _name(of)]


def column_type(output: OutputColumn) -> PgType:
    """Return the type of a column of an answer."""
    kinds = frozenset(output.parts)
    if output.name == PLAN_COLUMN and kinds == frozenset({Kind.JSON}):
        # Postgres' plans are `json`, which drivers read into what they show.
        return JSON
    if not kinds:
        return JSONB if output.whole_field else TEXT
    if output.preview is not None:
        return JSONB
    if len(kinds) == 1:
        return pg_type(next(iter(kinds)))
    if kinds <= NUMERIC:
        return NAMED["numeric"] if output.wide or Kind.BIG in kinds else NAMED["float8"]
    return JSONB


def type_named(written: str) -> PgType | None:
    """Return the type that a statement names, ``bigint``, ``numeric(10,2)`` or ``text[]``; None for one unknown."""
    base, brackets, _ = written.lower().partition("[")
    name = base.partition("(")[0].strip()
    name = _SPELLINGS.get(name, name)
    return NAMED.get(f"_{name}" if brackets else name)


def _name(arrow: pa.DataType) -> str:
    found = _ARROW.get(arrow)
    if found is not None:
        return found
    is_ = pa.types
    if isinstance(arrow, pa.JsonType) or is_.is_struct(arrow) or is_.is_map(arrow):
        return "jsonb"
    if isinstance(arrow, pa.UuidType):
        return "uuid"
    if isinstance(arrow, pa.BaseExtensionType):
        return _name(arrow.storage_type)
    if is_.is_dictionary(arrow) or is_.is_run_end_encoded(arrow):
        return _name(arrow.value_type)
    if is_.is_timestamp(arrow):
        return "timestamp" if arrow.tz is None else "timestamptz"
    if is_.is_time(arrow):
        return "time"
    if is_.is_duration(arrow):
        return "interval"
    if is_.is_decimal(arrow):
        return "numeric"
    if is_.is_binary(arrow) or is_.is_large_binary(arrow) or is_.is_fixed_size_binary(arrow) or is_binary_view(arrow):
        return "bytea"
    if is_list(arrow):
        # Postgres' arrays have one shape; lists of lists need not.
        return "jsonb" if is_list(arrow.value_type) else f"_{_name(arrow.value_type)}"
    return "text"


def is_binary_view(arrow: pa.DataType) -> bool:
    """Whether values are bytes, kept as views."""
    return bool(arrow == pa.binary_view())


def is_list(arrow: pa.DataType) -> bool:
    """Whether values are lists, of whichever layout."""
    is_ = pa.types
    views = is_.is_list_view(arrow) or is_.is_large_list_view(arrow)
    return bool(is_.is_list(arrow) or is_.is_large_list(arrow) or is_.is_fixed_size_list(arrow) or views)
