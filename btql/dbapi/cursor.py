"""A cursor of PEP 249: runs one statement after the other, and hands out the rows of the last one.

Rows are computed while they are fetched: a cursor keeps no more than the batch that it is at. It is for one thread at
a time, except for :meth:`Cursor.cancel`, which any thread may call; connections are for any number of threads.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Self, TypeAlias

import pyarrow as pa

from btql.arguments import options_of
from btql.dbapi.failures import as_pep249
from btql.dbapi.parameters import checked
from btql.dbapi.rows import Row, Rows
from btql.errors import InterfaceError, ProgrammingError
from btql.result import c_stream, pandas_frame, polars_frame
from btql_storage.closing import Closing

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from btql.connection import Connection
    from btql.execution.stop import Stop
    from btql.result import Result
    from btql_grammar.parameters import Values

Column: TypeAlias = tuple[str, pa.DataType, None, None, None, None, bool]
_NAME = re.compile(r"[A-Za-z_]\w*")


class Cursor(Closing):
    """What runs statements on a connection."""

    arraysize = 1
    """How many rows :meth:`fetchmany` returns where it is not told."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        """The connection that made the cursor."""
        self.timeout: float | None = connection.timeout
        """How many seconds a statement may take; None is as long as the database lets it."""
        self.warnings: list[str] = []
        """What the last statement may not have meant, such as names that no row has."""
        self._stop: Stop | None = None
        self._result: Result | None = None
        self._rows: Rows | None = None
        self._rowcount = -1
        self._closed = False

    # What runs.

    def execute(
        self,
        operation: str | Mapping[str, object],
        parameters: Values | None = None,
        *,
        timeout: float | None = None,
        tz_offset: int = 0,
        version: str | int | None = None,
    ) -> Self:
        """Run a statement in BTQL or SQL, or a query in the JSON form of BTQL; return the cursor.

        ``parameters`` are values for ``?`` or ``$1``, in a list or tuple, or for ``:name``, in a dictionary; nothing
        in them is read as a part of the statement. ``tz_offset`` and ``version`` are those of
        :meth:`btql.Connection.query`.
        """
        with as_pep249():
            stop = self._begin(timeout)
            _check_statement(operation)
            values = None if parameters is None else checked(parameters)
            options = options_of(tz_offset=tz_offset, version=version, lint="off", default_limit=None, cursor=None)
            result = self.connection.run(operation, values, options, stop)
            self.warnings = result.warnings
            if result.rows_written is None:
                self._result, self._rows = result, Rows(result.schema, _batches(result, stop))
            else:
                self._note(result.rows_written)
        return self

    def executemany(self, operation: str, seq_of_parameters: Iterable[Values], *, timeout: float | None = None) -> Self:
        """Run an INSERT, UPDATE or DELETE once for each of several sequences of values; return the cursor.

        All values are looked at before anything is written. An INSERT with VALUES writes all of its rows at once, as
        one transaction; any other statement is a transaction for each sequence.
        """
        with as_pep249():
            stop = self._begin(timeout)
            _check_statement(operation)
            many = [checked(each) for each in seq_of_parameters]
            self._note(self.connection.run_many(operation, many, stop) if many else 0)
        return self

    def callproc(self, procname: str, parameters: Sequence[object] = ()) -> Sequence[object]:
        """Call a function; its value is the only row. Return the parameters, which no function changes."""
        if not _NAME.fullmatch(procname):
            message = f"`{procname}` is not the name of a function: btql.functions() lists them"
            raise ProgrammingError(message)
        self.execute(f"SELECT {procname}({', '.join('?' * len(parameters))}) AS {procname}", list(parameters))
        return parameters

    def cancel(self) -> None:
        """Stop the statement that runs, from any thread: whoever waits for it gets :class:`btql.Cancelled`."""
        if (stop := self._stop) is not None:
            stop.cancel()

    def _note(self, written: int) -> None:
        self._rowcount = written
        if written:
            self.connection.has_written = True

    def _begin(self, timeout: float | None) -> Stop:
        """Make room for a statement; return what will end it."""
        self._check_open()
        self._finish()
        self._rowcount = -1
        self.warnings = []
        seconds = self.timeout if timeout is None else timeout
        self._stop = self.connection.new_stop(seconds)
        return self._stop

    # What came out.

    @property
    def description(self) -> list[Column] | None:
        """The columns: name, Arrow type, four times None, and that values may be null. None where there are no rows."""
        if self._rows is None:
            return None
        return [(field.name, field.type, None, None, None, None, True) for field in self._rows.schema]

    @property
    def rowcount(self) -> int:
        """How many rows were written, or fetched, once there are no more; -1 where that is not known."""
        if self._rows is not None:
            return self._rows.fetched if self._rows.ended else -1
        return self._rowcount

    @property
    def rownumber(self) -> int | None:
        """The number, from 0, of the row that will be fetched next; None where there are no rows."""
        return None if self._rows is None else self._rows.fetched

    @property
    def lastrowid(self) -> None:
        """None: rows have no number."""

    def fetchone(self) -> Row | None:
        """Return the next row; None where there is none left."""
        with as_pep249():
            return self._fetching().one()

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Return the next rows, ``arraysize`` unless told; fewer only where no more are left."""
        count = self.arraysize if size is None else size
        if count < 0:
            raise InterfaceError(f"{count} rows cannot be fetched: give a number of rows, 0 or more")
        with as_pep249():
            return self._fetching().take(count)

    def fetchall(self) -> list[Row]:
        """Return all rows that are left."""
        with as_pep249():
            return self._fetching().rest()

    def is_ready(self, count: int) -> bool:
        """Return whether so many rows can be fetched without waiting for anything."""
        return self._rows is not None and self._rows.has_made(count)

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows that are left."""
        return self

    def __next__(self) -> Row:
        """Return the next row."""
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        """Return a reader of what is left as Arrow record batches, which computes them while it is read."""
        rows = self._fetching()
        return pa.RecordBatchReader.from_batches(rows.schema, _translated(rows.batches()))

    def fetch_arrow_table(self) -> pa.Table:
        """Return what is left as an Arrow table."""
        rows = self._fetching()
        with as_pep249():
            return pa.Table.from_batches(list(rows.batches()), rows.schema)

    def fetch_df(self) -> pd.DataFrame:
        """Return what is left as a pandas data frame; pandas has to be installed."""
        return pandas_frame(self.fetch_arrow_table())

    def fetch_polars(self) -> pl.DataFrame:
        """Return what is left as a polars data frame; polars has to be installed."""
        return polars_frame(self.fetch_arrow_table())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand out what is left over the Arrow C stream: to DuckDB, polars, pandas, ADBC and others, without a copy."""
        rows = self._fetching()
        return c_stream(rows.schema, _translated(rows.batches()), requested_schema)

    def _fetching(self) -> Rows:
        self._check_open()
        if self._rows is None:
            raise InterfaceError("there are no rows to fetch: run a query first", sqlstate="24000")
        return self._rows

    # What PEP 249 has besides.

    def nextset(self) -> None:
        """Return None: a statement has one set of rows at most."""
        self._check_open()

    def setinputsizes(self, sizes: Sequence[object]) -> None:
        """Do nothing: values have the sizes that they have."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Do nothing: values are handed out whole."""

    def close(self) -> None:
        """Stop what runs, and let go of the rows. How many were written can still be asked, as SQLAlchemy does."""
        self._finish()
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise InterfaceError("the cursor is closed", sqlstate="24000")
        self.connection.check_open()

    def _finish(self) -> None:
        """Forget the rows of the statement that ran before."""
        result, self._result, self._rows = self._result, None, None
        if result is not None:
            if self._stop is not None and not result.exhausted:
                self._stop.cancel()
            result.close()


def _check_statement(operation: object) -> None:
    if not isinstance(operation, str | Mapping):
        kind = type(operation).__name__
        raise InterfaceError(f"a statement is a text, or a dictionary in the JSON form of BTQL, not `{kind}`")


def _batches(result: Result, stop: Stop) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an answer; time that its reader takes does not count."""
    for batch in result.batches():
        handed = time.monotonic()
        yield batch
        stop.add(time.monotonic() - handed)


def _translated(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with as_pep249():
        yield from batches
