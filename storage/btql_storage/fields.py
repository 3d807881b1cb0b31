"""The top-level fields of a document and the system columns of every part.

Known fields have a column of their own in ``rows.arrow``. Any other top-level
key is kept, too: inside the one JSON object ``_other``, with the key itself
as the first piece of its path.
"""

from __future__ import annotations

import pyarrow as pa

OTHER = "_other"
"""The column of ``rows.arrow`` with every top-level key that is not known."""

ARRAY_FIELDS = ("tags", "span_parents")
"""Fields that are arrays of texts: columns of type list, never shredded."""

OBJECT_FIELDS = ("scores", "metadata", "metrics", "context", "span_attributes")
"""Fields that are objects."""

NUMBER_FIELDS = ("scores", "metrics")
"""Fields that are objects with nothing but numbers below them."""

KNOWN_FIELDS = (
    "input",
    "output",
    "expected",
    "error",
    "scores",
    "metadata",
    "metrics",
    "context",
    "span_attributes",
    "origin",
    "comments",
    "audit_data",
    "classifications",
    "facets",
    "_async_scoring_state",
    *ARRAY_FIELDS,
)
"""Fields of a document with a JSON column of their own in ``rows.arrow``."""

INDEXED_FIELDS = ("input", "output", "expected", "error", "metadata", "tags", "span_attributes")
"""Fields whose text is in the text index."""

SYSTEM_COLUMNS: dict[str, pa.DataType] = {
    "_row": pa.int64(),
    "id": pa.utf8(),
    "span_id": pa.utf8(),
    "root_span_id": pa.utf8(),
    "_xact_id": pa.utf8(),
    "_pagination_key": pa.utf8(),
    "created": pa.timestamp("us", tz="UTC"),
    "is_root": pa.bool_(),
    "tags": pa.list_(pa.utf8()),
    "span_parents": pa.list_(pa.utf8()),
}
"""Columns that every part and every tail chunk has, in this order."""

SYSTEM_FIELDS = frozenset(SYSTEM_COLUMNS) - {"_row"}
"""Top-level keys that are never shredded, whatever a document holds there; no document gives ``_row`` its column."""
