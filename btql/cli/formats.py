"""Write a result as a table, JSON, JSON lines, CSV, Arrow or Parquet.

All but the table go through the result one record batch at a time and keep
nothing of it, so a result may be larger than memory. A table holds the rows it
shows, at most 1,000 and 64 MiB, and says how many more there are.
"""

from __future__ import annotations

import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from btql.cli import units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import IOBase
    from pathlib import Path

    import pyarrow as pa

    from btql.result import Result

Item = TypeVar("Item")

TABLE_ROWS_MAX = 1000
TABLE_CHARACTERS_MAX = 64 << 20
ROW_GROUP_ROWS = 131_072
ROW_GROUP_BYTES = 64 << 20


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


BINARY = (Format.ARROW, Format.PARQUET)

_SUFFIXES = {
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".arrow": Format.ARROW,
    ".parquet": Format.PARQUET,
}


def from_name(path: Path) -> Format | None:
    """Return the format that a file name asks for."""
    return _SUFFIXES.get(path.suffix.lower())


def write(result: Result, form: Format, stream: BinaryIO, *, seekable: bool) -> int:
    """Write ``result`` to ``stream`` and return how many rows it had."""
    match form:
        case Format.JSON:
            return _write_json(result, stream)
        case Format.JSONL:
            return _write_jsonl(result, stream)
        case Format.CSV:
            return _write_csv(result, stream)
        case Format.ARROW:
            return _write_arrow(result, stream, file=seekable)
        case Format.PARQUET:
            return _write_parquet(result, stream)
        case Format.TABLE:
            raise AssertionError("tables are drawn, not written")


def _write_json(result: Result, stream: BinaryIO) -> int:
    rows = 0
    for row in _begun(result):
        stream.write(b",\n" if rows else b"[\n")
        stream.write(json_bytes(row))
        rows += 1
    stream.write(b"\n]\n" if rows else b"[]\n")
    return rows


def _write_jsonl(result: Result, stream: BinaryIO) -> int:
    rows = 0
    for row in _begun(result):
        stream.write(json_bytes(row) + b"\n")
        rows += 1
    return rows


def _write_csv(result: Result, stream: BinaryIO) -> int:
    import csv
    import io

    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        rows = _begun(result)
        writer.writerow(result.columns)
        written = 0
        for row in rows:
            writer.writerow(["" if value is None else plain(value) for value in row.values()])
            written += 1
        return written
    finally:
        text.detach()


def _write_arrow(result: Result, stream: BinaryIO, *, file: bool) -> int:
    import pyarrow as pa

    new = pa.ipc.new_file if file else pa.ipc.new_stream
    rows = 0
    batches = _begun(result.batches())
    with new(_sink(stream), result.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_parquet(result: Result, stream: BinaryIO) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    rows = 0
    batches = _begun(result.batches())
    waiting: list[pa.RecordBatch] = []
    with parquet.ParquetWriter(_sink(stream), result.schema, compression="zstd") as writer:
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            if (
                sum(held.num_rows for held in waiting) >= ROW_GROUP_ROWS
                or sum(held.nbytes for held in waiting) >= ROW_GROUP_BYTES
            ):
                writer.write_table(pa.Table.from_batches(waiting, result.schema))
                waiting.clear()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, result.schema))
    return rows


def _sink(stream: BinaryIO) -> pa.PythonFile:
    """Wrap a stream for Arrow, which wants to know that it is written to."""
    import pyarrow as pa

    return pa.PythonFile(cast("IOBase", stream), mode="w")


def draw_table(result: Result, width: int | None = None) -> tuple[int, list[str]]:
    """Draw ``result`` on standard output; return its number of rows, and what to say about it.

    ``width`` is the number of cells to fit into, by default the terminal's.
    """
    from btql.cli.table import NULL, Cell, draw

    shown: list[list[Cell]] = []
    rows = characters = 0
    for row in result:
        rows += 1
        if len(shown) < TABLE_ROWS_MAX and characters < TABLE_CHARACTERS_MAX:
            cells = [Cell(NULL, null=True) if value is None else Cell(one_line(value)) for value in row.values()]
            characters += sum(len(cell.text) for cell in cells)
            shown.append(cells)
    sys.stdout.flush()
    was_cut = draw([one_line(name) for name in result.columns], shown, _numeric(result.schema), width)
    # What is said of the rows comes after them, also where both go to one file.
    sys.stdout.flush()
    remarks: list[str] = []
    if rows > len(shown):
        remarks.append(f"the first {units.count(len(shown))} are shown")
    if was_cut:
        remarks.append("values that end in … are cut")
    if remarks:
        remarks.append("--format jsonl has all")
    return rows, remarks


def _numeric(schema: pa.Schema) -> list[bool]:
    from pyarrow import types

    kinds: list[pa.DataType] = [schema.field(i).type for i in range(len(schema))]
    return [types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) for kind in kinds]


def one_line(value: object) -> str:
    """Return a value as text that stays on its line, and does nothing else to the terminal."""
    text = f"{value:.10g}" if isinstance(value, float) else plain(value)
    return "".join(char if char.isprintable() else _visible(char) for char in text) if not text.isprintable() else text


def _visible(char: str) -> str:
    """Return what to show for a character that would move the cursor or do worse."""
    return {"\n": "↵", "\t": " ", "\r": ""}.get(char, "�")


def plain(value: object) -> str:
    """Return a value as text, the way CSV and tables have it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, datetime | date | time | timedelta):
        return json_bytes(value).decode().strip('"')
    return json_bytes(value).decode()


def json_bytes(value: object) -> bytes:
    """Return a value as compact JSON."""
    import orjson

    options = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(value, default=_other, option=options)
    except TypeError:
        import json

        # A whole number beyond 64 bits is fine in JSON, but not for orjson.
        return json.dumps(value, default=_other, ensure_ascii=False, separators=(",", ":")).encode()


def _iso(value: datetime) -> str:
    """Return a time in ISO 8601 with as many digits as it needs: none, three or six."""
    precision = (
        "seconds" if value.microsecond == 0 else "milliseconds" if value.microsecond % 1000 == 0 else "microseconds"
    )
    return value.isoformat(timespec=precision).replace("+00:00", "Z")


def _other(value: object) -> object:
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"no JSON for {type(value).__name__}")


def _begun(items: Iterable[Item]) -> Iterator[Item]:
    """Return an iterator whose first item is there: what fails at once has written nothing yet."""
    iterator = iter(items)
    first = list(islice(iterator, 1))
    return chain(first, iterator)
