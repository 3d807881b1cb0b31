"""The same for programs with an event loop: ``async with btql.connect_async(...) as conn``.

Statements run, and rows are computed, on threads of the connection's own; the loop goes on meanwhile. Rows come from
those threads in chunks, so that ``async for`` does not change threads for each row. A task that is cancelled while it
waits cancels its statement, and ends once that has ended.

One cursor or result is for one task at a time, and a connection for any number of tasks; statements of several run at
the same time, up to :data:`THREADS_MAX`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from btql.arguments import options_of
from btql.connection import Connection, connect
from btql.dbapi.async_result import AsyncResult
from btql.dbapi.awaiting import Closing, Opening, awaited, closed, each_of, let_go

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from btql.dbapi.cursor import Column, Cursor
    from btql.dbapi.rows import Row
    from btql.execution.stop import Stop
    from btql.result import Result
    from btql_grammar.parameters import Values
    from btql_planner.options import LintMode, QueryOptions
    from btql_storage.ingest.receipt import Receipt

P = ParamSpec("P")
T = TypeVar("T")
THREADS_MAX = 16
"""How many statements of one connection run at the same time."""


class AsyncConnection(Closing):
    """An open database, or a server: what :class:`btql.Connection` is, with methods to await."""

    def __init__(self, connection: Connection, threads: ThreadPoolExecutor) -> None:
        self.sync = connection
        """The connection behind it."""
        self.threads = threads
        """Where its statements run."""

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on a thread of the connection's."""
        if self.sync.closed:
            raise closed()
        return await asyncio.get_running_loop().run_in_executor(self.threads, partial(function, *args, **kwargs))

    def cursor(self) -> AsyncCursor:
        """Return a new cursor."""
        return AsyncCursor(self, self.sync.cursor())

    def execute(self, operation: str | Mapping[str, object], parameters: Values | None = None) -> Opening[AsyncCursor]:
        """Run a statement on a new cursor, and return that; ``async with`` closes it."""
        return Opening(self.cursor().execute(operation, parameters), AsyncCursor.close)

    def query(  # noqa: PLR0913  options are keywords
        self,
        query: str | Mapping[str, object],
        parameters: Values | None = None,
        *,
        tz_offset: int = 0,
        version: str | int | None = None,
        lint: LintMode = "off",
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> Opening[AsyncResult]:
        """Ask as :meth:`btql.Connection.query` does, with the same options; ``async with`` closes the result."""
        options = options_of(tz_offset=tz_offset, version=version, lint=lint, default_limit=limit, cursor=cursor)
        stop = self.sync.new_stop(self.sync.timeout if timeout is None else timeout)
        return Opening(self._asked(query, parameters, options, stop), AsyncResult.close)

    async def _asked(
        self, query: str | Mapping[str, object], parameters: Values | None, options: QueryOptions, stop: Stop
    ) -> AsyncResult:
        def ask() -> Result:
            result = self.sync.run(query, parameters, options, stop)
            # To know the columns of a pivot takes computing it, which is not for the loop.
            _ = result.outputs
            return result

        return AsyncResult(await awaited(self.threads, ask, stop.cancel), stop, self.threads)

    async def ingest(self, target: str, events: Iterable[Mapping[str, object]] | Iterable[bytes]) -> Receipt:
        """Write one batch of events to an object such as ``project_logs:demo``."""
        return await self.call(self.sync.ingest, target, events)

    async def commit(self) -> None:
        """Do nothing: what was written is durable."""
        self.sync.commit()

    async def rollback(self) -> None:
        """Do nothing where nothing was written since the last commit; what was written cannot be taken back."""
        self.sync.rollback()

    async def close(self) -> None:
        """Let go of the database, or of the connections to the server. Called again it does nothing."""
        if not self.sync.closed:
            await self.call(self.sync.close)
        self.threads.shutdown(wait=False)


class AsyncCursor(Closing):
    """A cursor whose methods are awaited."""

    def __init__(self, connection: AsyncConnection, cursor: Cursor) -> None:
        self.connection = connection
        """The connection that made the cursor."""
        self.sync = cursor
        """The cursor behind it."""

    @property
    def description(self) -> list[Column] | None:
        """The columns; None where there are no rows."""
        return self.sync.description

    @property
    def rowcount(self) -> int:
        """How many rows were written, or fetched, once there are no more; -1 where that is not known."""
        return self.sync.rowcount

    @property
    def rownumber(self) -> int | None:
        """The number, from 0, of the row that will be fetched next; None where there are no rows."""
        return self.sync.rownumber

    @property
    def warnings(self) -> list[str]:
        """What the last statement may not have meant."""
        return self.sync.warnings

    @property
    def arraysize(self) -> int:
        """How many rows :meth:`fetchmany` returns where it is not told."""
        return self.sync.arraysize

    @arraysize.setter
    def arraysize(self, size: int) -> None:
        self.sync.arraysize = size

    @property
    def timeout(self) -> float | None:
        """How many seconds a statement may take."""
        return self.sync.timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self.sync.timeout = seconds

    async def execute(
        self,
        operation: str | Mapping[str, object],
        parameters: Values | None = None,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  it counts where the statement runs
        tz_offset: int = 0,
        version: str | int | None = None,
    ) -> Self:
        """Run a statement, as :meth:`btql.Cursor.execute` does."""
        execute = partial(self.sync.execute, timeout=timeout, tz_offset=tz_offset, version=version)
        await self._call(partial(execute, operation, parameters))
        return self

    async def executemany(
        self,
        operation: str,
        seq_of_parameters: Iterable[Values],
        *,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Self:
        """Run a statement that writes once for each of several sequences of values."""
        await self._call(partial(self.sync.executemany, operation, seq_of_parameters, timeout=timeout))
        return self

    async def callproc(self, procname: str, parameters: Sequence[object] = ()) -> Sequence[object]:
        """Call a function; its value is the only row."""
        return await self._call(partial(self.sync.callproc, procname, parameters))

    async def fetchone(self) -> Row | None:
        """Return the next row; None where there is none left."""
        return self.sync.fetchone() if self.sync.is_ready(1) else await self._call(self.sync.fetchone)

    async def fetchmany(self, size: int | None = None) -> list[Row]:
        """Return the next rows, ``arraysize`` unless told; fewer only where no more are left."""
        count = self.arraysize if size is None else size
        fetch = partial(self.sync.fetchmany, count)
        return fetch() if self.sync.is_ready(count) else await self._call(fetch)

    async def fetchall(self) -> list[Row]:
        """Return all rows that are left."""
        return await self._call(self.sync.fetchall)

    async def fetch_arrow_table(self) -> pa.Table:
        """Return what is left as an Arrow table."""
        return await self._call(self.sync.fetch_arrow_table)

    async def fetch_record_batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield what is left as Arrow record batches, as they are computed."""
        async for batch in each_of(self.sync.fetch_record_batch(), self._call):
            yield batch

    async def fetch_df(self) -> pd.DataFrame:
        """Return what is left as a pandas data frame; pandas has to be installed."""
        return await self._call(self.sync.fetch_df)

    async def fetch_polars(self) -> pl.DataFrame:
        """Return what is left as a polars data frame; polars has to be installed."""
        return await self._call(self.sync.fetch_polars)

    def __aiter__(self) -> Self:
        """Yield the rows that are left."""
        return self

    async def __anext__(self) -> Row:
        """Return the next row."""
        row = await self.fetchone()
        if row is None:
            raise StopAsyncIteration
        return row

    def cancel(self) -> None:
        """Stop the statement that runs: whoever waits for it gets :class:`btql.Cancelled`."""
        self.sync.cancel()

    async def close(self) -> None:
        """Stop what runs, and let go of the rows."""
        await let_go(self.connection.threads, self.sync.close, self.sync.cancel)

    async def _call(self, function: Callable[[], T]) -> T:
        return await awaited(self.connection.threads, function, self.sync.cancel)


def _awaited(opening: Callable[P, Connection]) -> Callable[P, Opening[AsyncConnection]]:
    async def opened(*args: P.args, **kwargs: P.kwargs) -> AsyncConnection:
        threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="btql")
        loop = asyncio.get_running_loop()
        return AsyncConnection(await loop.run_in_executor(threads, partial(opening, *args, **kwargs)), threads)

    def connect_async(*args: P.args, **kwargs: P.kwargs) -> Opening[AsyncConnection]:
        """Open a database or connect to a server as :func:`btql.connect` does, with the same options."""
        return Opening(opened(*args, **kwargs), AsyncConnection.close)

    # What help() and notebooks show.
    shown = signature(opening).replace(return_annotation="Opening[AsyncConnection]")
    connect_async.__signature__ = shown  # type: ignore[attr-defined]
    return connect_async


connect_async = _awaited(connect)
