"""Exported rows as JSON texts, a column at a time: what is JSON already is copied and never read.

The columns of an export (:data:`EXPORT_SCHEMA`) are those of a document: ids, times and keys with types of their own,
``tags`` and ``span_parents`` as lists, any other field as JSON. ``_other`` is an object with all fields that have no
column; as a JSON text they stand beside the others.
"""

from __future__ import annotations

import json

import pyarrow as pa

from btql.json_rows import instants, lists, one_line, quoted
from btql_storage.arrow_functions import compute as pc
from btql_storage.fields import ARRAY_FIELDS, KNOWN_FIELDS, OTHER

MARK = b"btql.export"
VERSION = b"1"
_TEXTS = pa.list_(pa.utf8())
EXPORT_SCHEMA = pa.schema(
    {
        "id": pa.utf8(),
        "span_id": pa.utf8(),
        "root_span_id": pa.utf8(),
        "created": pa.timestamp("us", tz="UTC"),
        "_xact_id": pa.utf8(),
        "_pagination_key": pa.utf8(),
        **{name: _TEXTS if name in ARRAY_FIELDS else pa.json_(pa.utf8()) for name in KNOWN_FIELDS},
        OTHER: pa.json_(pa.utf8()),
    },
    metadata={MARK: VERSION},
)
"""What an exported file has; its metadata say that it is one."""


def json_texts(batch: pa.RecordBatch) -> pa.Array:
    """Return the document of each row as JSON on one line; what is null is left out."""
    pieces = ['{"id":', quoted(batch.column("id"))]
    for field, column in zip(list(batch.schema)[1:], batch.columns[1:], strict=True):
        if column.null_count < len(column):
            pieces.append(_members(field.name, column))
    return pc.binary_join_element_wise(*pieces, "}", "")


def _members(name: str, column: pa.Array) -> pa.Array:
    """Return a comma, the name of a field and its value; an empty text where there is none."""
    if name == OTHER:
        # Without its braces.
        inner = pc.binary_slice(one_line(_storage(column)).cast(pa.binary()), 1, -1).cast(pa.utf8())
        members = pc.binary_join_element_wise(",", inner, "")
        return pc.coalesce(pc.if_else(pc.equal(inner, ""), "", members), "")
    return pc.coalesce(pc.binary_join_element_wise(f",{json.dumps(name)}:", _values(column), ""), "")


def _values(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return instants(column)
    if pa.types.is_list(column.type):
        return lists(column)
    return one_line(_storage(column)) if isinstance(column.type, pa.JsonType) else quoted(column)


def _storage(column: pa.Array) -> pa.Array:
    return column.storage if isinstance(column, pa.ExtensionArray) else column
