"""What the server can do, as numbers and values of Flight SQL's ``SqlInfo``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TypeAlias

import pyarrow as pa

_Value: TypeAlias = str | bool | int | list[str] | dict[int, list[int]]
_MEMBERS = (
    pa.field("string_value", pa.string()),
    pa.field("bool_value", pa.bool_()),
    pa.field("bigint_value", pa.int64()),
    pa.field("int32_bitmask", pa.int32()),
    pa.field("string_list", pa.list_(pa.string())),
    pa.field("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32()))),
)
SCHEMA = pa.schema(
    [
        pa.field("info_name", pa.uint32(), nullable=False),
        pa.field("value", pa.dense_union(list(_MEMBERS)), nullable=False),
    ]
)
_STRING, _BOOL, _BIGINT, _BITMASK, _STRINGS, _MAP = range(6)
_TIMEOUT = 100
_BITMASKS = frozenset({8, 503, 505, 507, 520, 523, 524, 527, 533, 540, 561, 564, 566, 568, 572, 573, 574, 575})
"""The numbers whose values are enumerations, or sets of bits."""

_VALUES: Mapping[int, _Value] = {
    0: "btql",
    1: version("btql"),
    2: pa.__version__,
    3: False,  # read only
    4: True,  # SQL
    5: False,  # Substrait
    8: 0,  # transactions: none
    9: True,  # cancel
    10: True,  # bulk ingestion
    11: False,  # bulk ingestion in transactions
    101: 0,  # timeout of transactions
    500: False,  # create a catalog
    501: False,  # create a schema
    502: False,  # create a table
    503: 1,  # names: as they are written
    504: '"',
    505: 1,
    506: True,  # every table that is listed can be read
    507: 0,  # nulls are sorted as the largest
    508: ["any_span", "dimensions", "infer", "measures", "pivot", "sample", "shape", "summary", "traces", "unpivot"],
    509: ["abs", "ceil", "floor", "round", "sqrt"],
    510: ["concat", "length", "lower", "replace", "substring", "trim", "upper"],
    511: ["coalesce", "nullif"],
    512: ["current_date", "current_timestamp", "date_trunc", "day", "hour", "minute", "month", "now", "year"],
    513: "\\",
    514: "",
    515: True,  # names of columns
    516: True,  # null with anything is null
    518: True,  # names of tables
    519: False,
    520: 0,
    521: True,
    522: True,
    530: 0,
    531: False,
    532: False,
    534: "project",  # what a schema is called
    536: "catalog",
    541: 0,  # longest binary literal: no limit
    542: 0,
    543: 0,
    544: 0,
    545: 0,
    546: 0,
    547: 0,
    548: 0,
    549: 0,
    550: 0,
    551: 0,
    552: 0,
    555: 0,
    556: 0,
    557: 0,
    558: 0,
    560: 0,  # isolation of transactions: none
}


def table(numbers: Sequence[int], timeout_s: int) -> pa.Table:
    """Return the values of some numbers, all of them for none; unknown numbers have no value."""
    values = {**_VALUES, _TIMEOUT: timeout_s * 1_000}
    wanted = [number for number in (numbers or sorted(values)) if number in values]
    kinds = [_kind(number, values[number]) for number in wanted]
    columns: list[list[_Value]] = [[] for _ in _MEMBERS]
    places: list[int] = []
    for number, kind in zip(wanted, kinds, strict=True):
        places.append(len(columns[kind]))
        columns[kind].append(values[number])
    union = pa.UnionArray.from_dense(
        pa.array(kinds, pa.int8()),
        pa.array(places, pa.int32()),
        [pa.array(column, each.type) for column, each in zip(columns, _MEMBERS, strict=True)],
        [each.name for each in _MEMBERS],
    )
    return pa.Table.from_arrays([pa.array(wanted, pa.uint32()), union], schema=SCHEMA)


def _kind(number: int, value: _Value) -> int:
    match value:
        case bool():
            return _BOOL
        case int():
            return _BITMASK if number in _BITMASKS else _BIGINT
        case str():
            return _STRING
        case list():
            return _STRINGS
        case dict():
            return _MAP
