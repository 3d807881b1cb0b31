"""The answer to a query: rows, Arrow, data frames.

1. An answer is computed while it is read, and can be read once, in whichever form. Until then, or until
   :meth:`Result.close`, it holds on to what it reads from: a snapshot with its files, or an answer of a server.
2. Where the rows come from is an :class:`Answer`: the engine, memory, a server. Whoever asks sees the same of each.
3. The engine has several columns for a value that may be of several kinds. ``engine_batches`` gives those, for who
   writes them by himself; everything else has one column for each that the query names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

import pyarrow as pa

from btql.errors import Error
from btql.values import arrow_type, arrow_values, python_values
from btql_planner.engine_plan import OutputColumn
from btql_planner.lint import Lint
from btql_storage.closing import Closing

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from btql.execution.infer import JsonSchema
    from btql.execution.stop import Stop
    from btql.explaining.explanation import Explanation

_EXACT_FLOAT = 2**53
"""Up to here floats have all whole numbers."""
_READ = "the answer was read before: keep it with `.arrow()`, which can be read any number of times"
_CLOSED = "the answer was closed before all of it was read: ask again"


class Answer(Protocol):
    """What a result reads from."""

    @property
    def has_cursor(self) -> bool:
        """Whether a next page can be asked for."""
        ...

    def outputs(self) -> Sequence[OutputColumn]:
        """Return the columns."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        ...

    def cursor(self) -> str | None:
        """Return the token of the next page, once all rows were read."""
        ...

    def inferred(self) -> JsonSchema | None:
        """Return the schema that ``infer`` has asked for."""
        ...


class Result(Closing):
    """An answer, computed while it is read. Read it once: as rows, as Arrow, or in batches."""

    def __init__(
        self, answer: Answer, warnings: Sequence[str] = (), lints: Sequence[Lint] = (), stop: Stop | None = None
    ) -> None:
        self._answer = answer
        self._stop = stop
        self._batches = answer.batches()
        self._begun = False
        self._closed = False
        self.exhausted = False
        """Whether all rows have been read."""
        self.rows_read = 0
        self.warnings = list(warnings)
        """What the query may not have meant, such as names that no row has."""
        self.lints = list(lints)
        """What may be slow about the query; only where ``lint`` was asked for."""
        self.default_limit: int | None = None
        """The limit that the query has only because it has none of its own."""
        self.xact_id: int | None = None
        """The latest transaction that the answer takes in; None where it reads no object."""
        self.is_bulk = False
        """Whether it is an export, which gives way to other queries."""
        self.rows_written: int | None = None
        """How many rows an INSERT, UPDATE or DELETE has written; None for any other statement."""
        self.explanation: Callable[[], Explanation] | None = None
        """Tells what the query took once all rows have been read; only where it was watched."""
        self.release: Callable[[], object] = _nothing
        """Lets go of what the answer keeps beside its rows: snapshots, a connection."""

    def __repr__(self) -> str:
        """Say whether it was read, and how it is; a notebook shows this of a query whose answer nobody reads."""
        if self.exhausted:
            return f"<btql.Result: its rows were read ({self.rows_read:,})>"
        return "<btql.Result: not read yet, by .rows(), .to_pandas(), .to_polars(), .arrow() or a loop over it>"

    @property
    def outputs(self) -> Sequence[OutputColumn]:
        """The columns with the kinds of their values. A pivot has to be computed for it."""
        return self._answer.outputs()

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order. A pivot has to be computed for it."""
        return [output.name for output in self._answer.outputs()]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of :meth:`batches`."""
        return pa.schema([pa.field(output.name, arrow_type(output)) for output in self._answer.outputs()])

    @property
    def has_cursor(self) -> bool:
        """Whether a next page can be asked for, once all rows have been read."""
        return self._answer.has_cursor

    @property
    def cursor(self) -> str | None:
        """The token that asks for the next page; None where there is none.

        A query with a limit has one, if it is sorted by nothing, by ``_pagination_key`` or by
        ``_xact_id``. It is known once all rows have been read.
        """
        if not self._answer.has_cursor:
            return None
        if not self.exhausted:
            raise Error("the cursor is known once all rows were read")
        return self._answer.cursor()

    @property
    def inferred(self) -> JsonSchema | None:
        """The JSON schema that a query with ``infer`` asks for; None for any other query."""
        return self._answer.inferred()

    def cancel(self) -> None:
        """Stop the query, from any thread: whoever reads the answer gets :class:`btql.Cancelled`.

        In a folder only a query that was asked with a ``timeout`` can be stopped; on a server any can.
        """
        if self._stop is None:
            raise Error("only a query that has a timeout can be cancelled")
        self._stop.cancel()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as Arrow record batches, as they are computed."""
        schema, outputs = self.schema, self._answer.outputs()
        for batch in self.engine_batches():
            arrays = [arrow_values(output, batch) for output in outputs]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def engine_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the columns that the engine has, one for each kind."""
        if self._closed and not self.exhausted:
            raise Error(_CLOSED)
        if self._begun:
            raise Error(_READ)
        self._begun = True
        for batch in self._batches:
            self.rows_read += batch.num_rows
            yield batch
        if self._closed:
            raise Error(_CLOSED)
        self.exhausted = True

    def json(self, before: str = "", after: str = "\n") -> Iterator[bytes]:
        """Yield the rows as JSON objects, several at a time, each with a text before and behind it.

        This is much faster than making them from :meth:`rows`. Instants have milliseconds, or
        microseconds where those say more.
        """
        from btql.json_rows import json_rows

        outputs = self._answer.outputs()
        for batch in self.engine_batches():
            yield json_rows(outputs, batch, before, after)

    @property
    def json_schema(self) -> JsonSchema:
        """The JSON schema of the rows, or the one that a query with ``infer`` asks for."""
        from btql.json_rows import schema_of_rows

        return self._answer.inferred() or schema_of_rows(self._answer.outputs())

    def arrow(self) -> pa.Table:
        """Return all rows as an Arrow table."""
        return pa.Table.from_batches(list(self.batches()), self.schema)

    def reader(self) -> pa.RecordBatchReader:
        """Return the rows as a reader of Arrow record batches, which computes them while it is read."""
        return pa.RecordBatchReader.from_batches(self.schema, self.batches())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the rows out over the Arrow C stream: to DuckDB, polars, pandas, ADBC and others, without a copy.

        Columns of JSON are text of the extension type ``arrow.json``, unless the schema asks for plain text.
        """
        if self._begun:
            raise Error(_READ)
        return c_stream(self.schema, self.batches(), requested_schema)

    def chunks(self) -> Iterator[list[dict[str, object]]]:
        """Yield the rows as dictionaries, as many at a time as were computed together."""
        outputs = self._answer.outputs()
        names = [output.name for output in outputs]
        for batch in self.engine_batches():
            values = [python_values(output, batch) for output in outputs]
            yield [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]

    def __iter__(self) -> Iterator[dict[str, object]]:
        """Yield the rows as dictionaries, as they are computed."""
        for rows in self.chunks():
            yield from rows

    def rows(self) -> list[dict[str, object]]:
        """Return all rows as dictionaries; values are as in the documents, times are datetimes in UTC."""
        return list(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return all rows as a pandas data frame; pandas has to be installed."""
        return pandas_frame(self.arrow())

    def to_polars(self) -> pl.DataFrame:
        """Return all rows as a polars data frame; polars has to be installed."""
        return polars_frame(self.arrow())

    def close(self) -> None:
        """Let go of what was not read: of the snapshot, or of the server's answer. Called again it does nothing."""
        self._closed = True
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()
        self.release()


def pandas_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table as a pandas data frame.

    Beside nulls pandas makes whole numbers floats, which have no others beyond 2^53 than even ones: where there are
    such, the column is of pandas' own type for whole numbers and nulls.
    """
    pandas = _require("pandas")
    frame = cast("pd.DataFrame", table.to_pandas())
    for place, column in enumerate(table.columns):
        if pa.types.is_int64(column.type) and column.null_count and not _fits_floats(column):
            frame.isetitem(place, column.to_pandas(types_mapper={pa.int64(): pandas.Int64Dtype()}.get))
    return frame


def _fits_floats(column: pa.ChunkedArray) -> bool:
    from btql_storage.arrow_functions import compute

    ends = compute.min_max(column).as_py()
    return ends["min"] is None or (ends["min"] >= -_EXACT_FLOAT and ends["max"] <= _EXACT_FLOAT)


def polars_frame(table: pa.Table) -> pl.DataFrame:
    """Return a table as a polars data frame; JSON is text in it."""
    polars = _require("polars")
    plain = [column.cast(pa.string()) if isinstance(column.type, pa.JsonType) else column for column in table.columns]
    return cast("pl.DataFrame", polars.from_arrow(pa.table(plain, names=table.column_names)))


def c_stream(schema: pa.Schema, batches: Iterator[pa.RecordBatch], requested_schema: object) -> object:
    """Return batches as an Arrow C stream, which hands them to a reader outside of Python."""
    reader = pa.RecordBatchReader.from_batches(schema, _without_trace(batches))
    return reader.__arrow_c_stream__(requested_schema)


def _without_trace(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches to a reader outside of Python, which prints where an error was raised behind what it says."""
    try:
        yield from batches
    except Error as error:
        raise ValueError(str(error)) from None


def _nothing() -> None:
    """Let go of nothing."""


def _require(library: str) -> ModuleType:
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        raise Error(f"{library} is not installed; write `pip install 'btql[{library}]'`") from error
