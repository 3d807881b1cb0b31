"""The types that values have, as clients of ODBC and JDBC want to know them."""

from __future__ import annotations

import pyarrow as pa

_TEXTS = pa.list_(pa.field("item", pa.string(), nullable=False))
_NOT_NULL = ("type_name", "data_type", "nullable", "case_sensitive", "searchable", "fixed_prec_scale", "sql_data_type")
_FIELDS: dict[str, pa.DataType] = {
    "type_name": pa.string(),
    "data_type": pa.int32(),
    "column_size": pa.int32(),
    "literal_prefix": pa.string(),
    "literal_suffix": pa.string(),
    "create_params": _TEXTS,
    "nullable": pa.int32(),
    "case_sensitive": pa.bool_(),
    "searchable": pa.int32(),
    "unsigned_attribute": pa.bool_(),
    "fixed_prec_scale": pa.bool_(),
    "auto_increment": pa.bool_(),
    "local_type_name": pa.string(),
    "minimum_scale": pa.int32(),
    "maximum_scale": pa.int32(),
    "sql_data_type": pa.int32(),
    "datetime_subcode": pa.int32(),
    "num_prec_radix": pa.int32(),
    "interval_precision": pa.int32(),
}
SCHEMA = pa.schema([pa.field(name, kind, name not in _NOT_NULL) for name, kind in _FIELDS.items()])
_NULLABLE, _SEARCHABLE = 1, 3
_DATETIME, _TIMESTAMP_CODE = 9, 3


def _type(name: str, number: int, **more: object) -> dict[str, object]:
    found: dict[str, object] = {
        **dict.fromkeys(_FIELDS),
        "type_name": name,
        "data_type": number,
        "sql_data_type": number,
        "nullable": _NULLABLE,
        "case_sensitive": False,
        "searchable": _SEARCHABLE,
        "fixed_prec_scale": False,
        "local_type_name": name,
    }
    return found | more


_QUOTED = {"literal_prefix": "'", "literal_suffix": "'"}
_TYPES = (
    _type("boolean", -7, column_size=1),
    _type("bigint", -5, column_size=19, unsigned_attribute=False, auto_increment=False, num_prec_radix=10),
    _type("text", -1, column_size=2_147_483_647, case_sensitive=True, **_QUOTED),
    _type("double precision", 8, column_size=15, unsigned_attribute=False, num_prec_radix=10),
    _type("jsonb", 12, column_size=2_147_483_647, case_sensitive=True, **_QUOTED),
    _type("text[]", 12, column_size=2_147_483_647, case_sensitive=True, **_QUOTED),
    _type(
        "timestamptz", 93, column_size=32, maximum_scale=6, minimum_scale=0, sql_data_type=_DATETIME,
        datetime_subcode=_TIMESTAMP_CODE, **_QUOTED,
    ),
)  # fmt: skip


def table(number: int | None) -> pa.Table:
    """Return all types, or those with a number."""
    found = [each for each in _TYPES if number in (None, each["data_type"])]
    return pa.Table.from_pylist(sorted(found, key=lambda each: int(str(each["data_type"]))), SCHEMA)
