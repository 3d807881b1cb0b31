"""The answer to a query: rows, Arrow, data frames.

Inside, a column whose values are of several kinds is one engine column for each
kind. Here they become one again: in Python each value has its own type, in
Arrow the column is JSON text (extension type ``arrow.json``), and a column of
whole and fractional numbers is float64 as long as that is exact.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, cast

import orjson
import pyarrow as pa

from btql.errors import Error
from btql_planner.engine_plan import OutputColumn
from btql_planner.types import NUMBER, Kind
from btql_storage import json_text
from btql_storage.arrow_functions import compute as pc

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_NATIVE = (Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.TEXT, Kind.TIME, Kind.LIST)
_INSTANT = pa.timestamp("us", tz="UTC")


class Result:
    """An answer, computed while it is read. Read it once: as rows, as Arrow, or in batches."""

    def __init__(
        self,
        outputs: Sequence[OutputColumn],
        batches: Iterator[pa.RecordBatch],
        schema: Callable[[], pa.Schema],
        warnings: Sequence[str] = (),
    ) -> None:
        self._outputs = outputs
        self._batches = batches
        self._schema = schema
        self._types: pa.Schema | None = None
        self.warnings = list(warnings)
        """What the query may not have meant, such as names that no row has."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return [output.name for output in self._outputs]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of :meth:`batches`."""
        if self._types is None:
            engine = self._schema()
            self._types = pa.schema([pa.field(output.name, _arrow_type(output, engine)) for output in self._outputs])
        return self._types

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as Arrow record batches, as they are computed."""
        schema = self.schema
        for batch in self._batches:
            yield pa.RecordBatch.from_arrays([_arrow(output, batch) for output in self._outputs], schema=schema)

    def arrow(self) -> pa.Table:
        """Return all rows as an Arrow table."""
        return pa.Table.from_batches(list(self.batches()), self.schema)

    def __iter__(self) -> Iterator[dict[str, object]]:
        """Yield the rows as dictionaries, as they are computed."""
        names = self.columns
        for batch in self._batches:
            values = [_python(output, batch) for output in self._outputs]
            for row in zip(*values, strict=True):
                yield dict(zip(names, row, strict=True))

    def rows(self) -> list[dict[str, object]]:
        """Return all rows as dictionaries; values are as in the documents, times are datetimes in UTC."""
        return list(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return all rows as a pandas data frame; pandas has to be installed."""
        _require("pandas")
        return cast("pd.DataFrame", self.arrow().to_pandas())

    def to_polars(self) -> pl.DataFrame:
        """Return all rows as a polars data frame; polars has to be installed."""
        polars = _require("polars")
        table = self.arrow()
        plain = [
            column.cast(pa.string()) if isinstance(column.type, pa.JsonType) else column for column in table.columns
        ]
        return cast("pl.DataFrame", polars.from_arrow(pa.table(plain, names=table.column_names)))


def _require(library: str) -> ModuleType:
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        raise Error(f"{library} is not installed; write `pip install 'btql[{library}]'`") from error


def _arrow_type(output: OutputColumn, engine: pa.Schema) -> pa.DataType:
    kinds = frozenset(output.parts)
    if not kinds:
        return pa.null()
    if kinds <= NUMBER and len(kinds) > 1 and not output.wide:
        return pa.float64()
    if len(kinds) == 1:
        (kind,) = kinds
        if kind is Kind.TIME:
            return _INSTANT
        if kind in _NATIVE:
            return cast("pa.DataType", engine.field(output.parts[kind]).type)
    return pa.json_(pa.string())


def _arrow(output: OutputColumn, batch: pa.RecordBatch) -> pa.Array:
    parts = {kind: _column(batch, kind, name) for kind, name in output.parts.items()}
    kinds = frozenset(parts)
    if not kinds:
        return pa.nulls(batch.num_rows)
    if len(kinds) == 1:
        ((kind, array),) = parts.items()
        return array if kind in _NATIVE else pa.ExtensionArray.from_storage(pa.json_(pa.string()), array)
    if kinds <= NUMBER and not output.wide:
        return pc.coalesce(parts[Kind.INTEGER].cast(pa.float64(), safe=False), parts[Kind.FLOAT])
    texts = [None if value is None else _json(value) for value in _python(output, batch)]
    return pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(texts, pa.string()))


def _column(batch: pa.RecordBatch, kind: Kind, name: str) -> pa.Array:
    column = batch.column(name)
    if kind is not Kind.TIME or column.type == _INSTANT:
        return column
    # The engine's functions return instants in several units, with and without a zone; all are UTC.
    return column.cast(pa.timestamp("us"), safe=False).cast(_INSTANT)


def _json(value: object) -> str:
    try:
        return orjson.dumps(value, default=_json_time).decode()
    except TypeError:
        return json.dumps(value)


def _json_time(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _python(output: OutputColumn, batch: pa.RecordBatch) -> list[object]:
    """Return the column as Python values, whichever engine column each of them is in."""
    values: list[object] = [None] * batch.num_rows
    for kind, name in output.parts.items():
        column = _column(batch, kind, name)
        if column.null_count == batch.num_rows:
            continue
        listed = column.to_pylist()
        if kind in (Kind.JSON, Kind.RAW):
            listed = [None if text is None else json_text.parse(text.encode()) for text in listed]
        if len(output.parts) == 1:
            return list(listed)
        values = [value if new is None else new for value, new in zip(values, listed, strict=True)]
    return values
