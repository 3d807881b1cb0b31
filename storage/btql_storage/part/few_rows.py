"""The columns of a few rows, made from their documents instead of read from ``columns.parquet``.

To open a Parquet file means to decode a footer with every column of every row
group, and to plan a scan of it: milliseconds, however few rows are wanted. The
block of documents that has a row is found by its number and decoded in a
fraction of one. What comes out is what the file has, value for value, since
both are made by :mod:`btql_storage.sparse`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pyarrow as pa

from btql_storage.arrow import from_numpy, nulls, one_array, to_array
from btql_storage.arrow_functions import compute as pc
from btql_storage.block import BLOCK_ROWS_MAX
from btql_storage.fields import ARRAY_FIELDS, KNOWN_FIELDS, OTHER, SYSTEM_COLUMNS
from btql_storage.json_text import parse_all
from btql_storage.kinds import ARROW_TYPES, FieldPath, Kind, split_column_name
from btql_storage.later import np
from btql_storage.part.format import ROW_BITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from btql_storage.arrow import Array
    from btql_storage.json_text import JsonValue
    from btql_storage.part.reader import Part

STORED_NAMES = {"_xact_id": "xact_id", "_pagination_key": "pagination_key", "is_root": "span_parents"}
"""Where the documents have a system column under another name."""
_XACT_DIGITS = 19
BLOCKS_MAX = 128
"""From more blocks of documents than this, all parts together, columns are read more quickly from their files."""
SCATTERED_BLOCKS_MAX = 16
"""The same where a bound says which rows they are: a block is decoded whole, so few rows in many blocks are dear."""
JSON_BYTES_MAX = 4 << 20
"""The same where values have to be looked for in the documents' JSON."""


def are_few(
    parts: Sequence[Part], rows: Sequence[NDArray[np.int64]], names: Sequence[str], blocks_max: int = BLOCKS_MAX
) -> bool:
    """Return whether some rows of some parts are so few that their documents give columns more quickly."""
    if sum(map(len, rows)) > BLOCKS_MAX * BLOCK_ROWS_MAX:
        return False
    chosen = list(zip(parts, rows, strict=True))
    if sum(part.blocks(some) for part, some in chosen) > blocks_max:
        return False
    if all(name in SYSTEM_COLUMNS for name in names):
        return True
    return sum(int(part.json_bytes(some).sum()) for part, some in chosen) <= JSON_BYTES_MAX


def columns_of(part: Part, rows: NDArray[np.int64], names: Sequence[str]) -> pa.Table:
    """Return some columns of ``columns.parquet`` for some rows, in the order asked for."""
    shredded = {name: found for name in names if (found := split_column_name(name)) is not None}
    fields = fields_of(names)
    documents = part.documents(rows, fields) if fields else pa.table({})
    values = _shredded(documents, len(rows), list(shredded.values()))
    arrays: dict[str, Array] = {}
    for name in names:
        if name == "_row":
            arrays[name] = from_numpy(rows + (part.part_id << ROW_BITS))
        elif name in shredded:
            arrays[name] = values[shredded[name]]
        else:
            arrays[name] = system_column(name, one_array(documents.column(STORED_NAMES.get(name, name))))
    return pa.table(arrays)


def fields_of(names: Sequence[str]) -> list[str]:
    """Return the columns of ``rows.arrow`` that some columns are made of."""
    shredded = {name: found for name in names if (found := split_column_name(name)) is not None}
    fields = {STORED_NAMES.get(name, name) for name in names if name not in shredded and name != "_row"}
    return sorted(fields | {_field(path) for path, _ in shredded.values()})


def _field(path: FieldPath) -> str:
    return path[0] if path[0] in KNOWN_FIELDS else OTHER


def system_column(name: str, stored: Array) -> Array:
    """Return a system column as queries have it, from what the documents have in its place."""
    if name == "_xact_id":
        digits = stored.cast(pa.string())
        return cast("Array", pc.utf8_lpad(digits, _XACT_DIGITS, "0"))
    if name not in (*ARRAY_FIELDS, "is_root"):
        return stored
    if name == "is_root" and (roots := _without_texts(stored)) is not None:
        return roots
    # Siblings have the same parents, and many rows the same tags, or none: each text is parsed once.
    coded = cast("pa.DictionaryArray", pc.dictionary_encode(stored, null_encoding="encode"))
    lists = [_texts(value) for value in parse_all(coded.dictionary.cast(pa.binary()).to_pylist())]
    values = [not texts for texts in lists] if name == "is_root" else lists
    return cast("Array", to_array(values, SYSTEM_COLUMNS[name]).take(coded.indices))


def _without_texts(arrays: Array) -> Array | None:
    """Return which arrays have no text, without parsing them; None where there is more than plain arrays."""
    if pc.any(pc.match_substring_regex(arrays, r"(?s)^[^\[]|.[\[{]")).as_py():
        return None
    return cast("Array", pc.fill_null(pc.invert(pc.match_substring(arrays, '"')), True))  # noqa: FBT003


def _texts(value: JsonValue) -> list[str] | None:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else None


def _shredded(
    documents: pa.Table, count: int, columns: Sequence[tuple[FieldPath, Kind]]
) -> dict[tuple[FieldPath, Kind], Array]:
    if not columns:
        return {}
    from btql_storage.sparse import ColumnBuilder

    parsed: dict[str, list[JsonValue]] = {}
    builder = ColumnBuilder(count)
    places = np.arange(count, dtype=np.int32)
    for path in dict.fromkeys(path for path, _ in columns):
        field = _field(path)
        if field not in parsed:
            parsed[field] = parse_all(documents.column(field).cast(pa.binary()).to_pylist())
        below = path if field == OTHER else path[1:]
        builder.add(path, [_at(value, below) for value in parsed[field]], places)
    found = {(column.path, column.kind): column.dense(count) for column in builder.result()[0]}
    return {key: found[key] if key in found else nulls(count, ARROW_TYPES[key[1]]) for key in columns}


def _at(value: JsonValue, path: FieldPath) -> JsonValue:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
