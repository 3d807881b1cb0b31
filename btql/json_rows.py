"""Rows as JSON text, column by column: what is in a document as JSON already is never read, only copied.

Most columns become an Arrow array of JSON texts by a handful of vectorised steps; the few others, such as previews,
go through Python values. Both give what :mod:`orjson` gives for the rows of :class:`btql.result.Result`: whole numbers
of any length, null for what is no number. Instants are ISO 8601 with ``Z`` and milliseconds, or with microseconds where
those say more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, cast

import orjson
import pyarrow as pa

from btql.values import json_of, natural, python_values
from btql_planner.engine_plan import OutputColumn
from btql_planner.types import Kind
from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BYTES_MAX = 256 << 20
"""Of a batch; a larger one is taken in pieces, as Arrow's texts end at 2 GiB."""
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FIRST_PLAIN = 0x20
_YEAR_10000 = 253_402_300_800_000_000


def json_rows(outputs: Sequence[OutputColumn], batch: pa.RecordBatch, before: str = "", after: str = "\n") -> bytes:
    """Return the rows of a batch as JSON objects, each with a text before and behind it."""
    if batch.nbytes > _BYTES_MAX and batch.num_rows > 1:
        middle = batch.num_rows // 2
        halves = batch.slice(0, middle), batch.slice(middle)
        return b"".join(json_rows(outputs, half, before, after) for half in halves)
    if not outputs:
        return f"{before}{{}}{after}".encode() * int(batch.num_rows)
    names = [orjson.dumps(output.name).decode() for output in outputs]
    starts = [f"{before}{{{names[0]}:", *(f",{name}:" for name in names[1:])]
    columns = [pc.coalesce(json_column(output, batch), "null") for output in outputs]
    pieces = chain.from_iterable(zip(starts, columns, strict=True))
    return _written(pc.binary_join_element_wise(*pieces, f"}}{after}", "")).tobytes()


def json_column(output: OutputColumn, batch: pa.RecordBatch) -> pa.Array:
    """Return a column as JSON texts; null stays null."""
    if output.preview is not None or any(kind not in _TEXTS for kind in output.parts):
        texts = [None if value is None else json_of(value) for value in python_values(output, batch)]
        return pa.array(texts, pa.string())
    arrays = [_TEXTS[kind](natural(batch, kind, name)) for kind, name in output.parts.items()]
    return pc.coalesce(*arrays[::-1]) if arrays else pa.nulls(batch.num_rows, pa.string())


def _written(texts: pa.Array) -> NDArray[np.uint8]:
    """Return the bytes of all texts of an array, one behind the other."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return np.empty(0, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]


def quoted(texts: pa.Array) -> pa.Array:
    """Return texts as JSON."""
    written = _written(texts)
    for character, escape in _ESCAPES.items():
        if (written == ord(character)).any():
            texts = pc.replace_substring(texts, character, escape)
    if (_written(texts) < _FIRST_PLAIN).any():
        return pa.array([None if text is None else _quoted_slowly(text) for text in texts.to_pylist()], pa.string())
    return pc.binary_join_element_wise('"', texts, '"', "")


def _quoted_slowly(escaped: str) -> str:
    """Return a text in quotes that has control characters beside the ones that were escaped."""
    return '"' + "".join(char if char >= " " else f"\\u{ord(char):04x}" for char in escaped) + '"'


def _plain(values: pa.Array) -> pa.Array:
    return values.cast(pa.string())


def _floats(values: pa.Array) -> pa.Array:
    numbers = np.ascontiguousarray(values.to_numpy(zero_copy_only=False))
    if not len(numbers):
        return pa.nulls(0, pa.string())
    listed = orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()
    texts = pc.split_pattern(pa.array([listed]), ",").flatten()
    return pc.if_else(values.is_valid(), texts, None) if values.null_count else texts


def instants(values: pa.Array) -> pa.Array:
    """Return instants as JSON: ISO 8601 with milliseconds, or with microseconds where those say more."""
    numbers = values.cast(pa.int64())
    # What Python has no name for is null, as it is among the rows.
    known = pc.and_(pc.greater_equal(numbers, -62_135_596_800_000_000), pc.less(numbers, _YEAR_10000))
    local = pc.if_else(known, values, None).cast(pa.timestamp("us"))
    floored = pc.floor_temporal(local, unit="millisecond")
    texts = _spelled(floored.cast(pa.timestamp("ms")))
    exact = pc.equal(local, floored)
    return texts if pc.all(exact).as_py() in (True, None) else pc.if_else(exact, texts, _spelled(local))


def _spelled(instants: pa.Array) -> pa.Array:
    """Return instants in ISO 8601, with as many digits as their unit has."""
    return pc.strftime(instants, format='"%Y-%m-%dT%H:%M:%SZ"')


def lists(values: pa.Array) -> pa.Array:
    """Return lists of texts as JSON."""
    flat = pc.coalesce(quoted(values.flatten()), "null")
    lengths = pc.coalesce(pc.list_value_length(values), 0)
    ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(to_numpy(lengths), dtype=np.int32)])
    listed = pa.ListArray.from_arrays(from_numpy(ends), flat)
    texts = pc.binary_join_element_wise("[", pc.binary_join(listed, ","), "]", "")
    return pc.if_else(values.is_valid(), texts, None) if values.null_count else texts


def one_line(texts: pa.Array) -> pa.Array:
    """Return JSON texts without line ends, which may stand between their values."""
    written = _written(texts)
    for character in "\n\r":
        if (written == ord(character)).any():
            texts = pc.replace_substring(texts, character, " ")
    return texts


_TEXTS: dict[Kind, Callable[[pa.Array], pa.Array]] = {
    Kind.BOOLEAN: _plain,
    Kind.INTEGER: _plain,
    Kind.BIG: _plain,
    Kind.FLOAT: _floats,
    Kind.TEXT: quoted,
    Kind.TIME: instants,
    Kind.LIST: lists,
    Kind.JSON: one_line,
    Kind.RAW: one_line,
    Kind.INTERVAL: quoted,
}
"""How each kind becomes JSON."""


def schema_of(output: OutputColumn) -> dict[str, object]:
    """Return the JSON schema of a column's values."""
    if output.preview is not None or any(kind in (Kind.JSON, Kind.RAW) for kind in output.parts):
        return {}
    schemas = [_SCHEMAS[kind] for kind in output.parts]
    found = [each for place, each in enumerate(schemas) if each not in schemas[:place]]
    if len(found) > 1 and all(each["type"] in ("integer", "number") for each in found):
        return {"type": "number"}
    if len(found) > 1:
        return {"anyOf": found}
    return found[0] if found else {"type": "null"}


_SCHEMAS: dict[Kind, dict[str, object]] = {
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.INTEGER: {"type": "integer"},
    Kind.BIG: {"type": "integer"},
    Kind.FLOAT: {"type": "number"},
    Kind.TEXT: {"type": "string"},
    Kind.TIME: {"type": "string", "format": "date-time"},
    Kind.LIST: {"type": "array", "items": {"type": "string"}},
    Kind.INTERVAL: {"type": "string"},
}


def schema_of_rows(outputs: Sequence[OutputColumn]) -> dict[str, object]:
    """Return the JSON schema of rows with these columns."""
    properties = cast("dict[str, object]", {output.name: schema_of(output) for output in outputs})
    return {"type": "array", "items": {"type": "object", "properties": properties}}
