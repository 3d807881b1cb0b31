"""The files of the reading by hand, and how documents become rows of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from benchmarks.beside.spans.questions import JSON_FIELDS, WHOLE

PARQUET = "columns.parquet"
ROWS = "rows.arrow"
IDS, ID_ROWS = "ids.npy", "id_rows.npy"
TRACES, TRACE_STARTS = "traces.npy", "trace_starts.npy"
SCORES = "scores.json"
INDEX = "index"
BLOCK_ROWS = 128
"""Rows of a block of the Arrow file: what has to be decoded to read one of them."""

PLAIN_FIELDS = tuple(name for name in WHOLE if name not in JSON_FIELDS)
ROWS_SCHEMA = pa.schema([(name, pa.utf8()) for name in (*PLAIN_FIELDS, *JSON_FIELDS)])
_LABEL = pa.dictionary(pa.int32(), pa.utf8())
COLUMNS: dict[str, pa.DataType] = {
    "row": pa.int64(),
    "id": pa.utf8(),
    "created": pa.timestamp("us"),
    "root_span_id": pa.utf8(),
    "_pagination_key": pa.utf8(),
    "is_root": pa.bool_(),
    "name": _LABEL,
    "type": _LABEL,
    "model": _LABEL,
    "version": _LABEL,
    "user": pa.utf8(),
    "session": pa.utf8(),
    "tokens": pa.float64(),
    "start": pa.float64(),
    "end": pa.float64(),
    "has_error": pa.bool_(),
    "input": pa.utf8(),
}
"""Columns of the Parquet file, without one for each score."""

Document = dict[str, Any]


def column_values(document: Document, row: int) -> dict[str, object]:
    """Return what goes into the Parquet file of a document in a place."""
    metadata, metrics = document.get("metadata") or {}, document.get("metrics") or {}
    attributes = document.get("span_attributes") or {}
    release = metadata.get("release")
    return {
        "row": row,
        "id": document["id"],
        "root_span_id": document["root_span_id"],
        "_pagination_key": document["_pagination_key"],
        "is_root": document.get("span_parents") is None,
        "name": attributes.get("name"),
        "type": attributes.get("type"),
        "model": metadata.get("model"),
        "version": release.get("version") if isinstance(release, dict) else None,
        "user": metadata.get("user_id"),
        "session": metadata.get("session_id"),
        "tokens": metrics.get("tokens"),
        "start": metrics.get("start"),
        "end": metrics.get("end"),
        "has_error": document.get("error") is not None,
        "input": as_json(document.get("input")),
    }


def row_values(document: Document) -> list[str | None]:
    """Return what goes into the Arrow file."""
    texts: list[str | None] = [document.get(name) for name in PLAIN_FIELDS]
    return texts + [as_json(document.get(name)) for name in JSON_FIELDS]


def as_json(value: object) -> str | None:
    """Return a value as JSON, a text as it is."""
    return None if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()


def places(folder: Path) -> tuple[Path, Path, Path]:
    """Return the Parquet file, the Arrow file and the folder of the index."""
    return folder / PARQUET, folder / ROWS, folder / INDEX
