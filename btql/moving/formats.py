"""The formats of exported rows."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """How rows are written."""

    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"


SUFFIXES = {
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".parquet": Format.PARQUET,
    ".arrow": Format.ARROW,
    ".feather": Format.ARROW,
}
"""What the end of a file name says."""
