"""The answer to a query, for programs with an event loop: what :class:`btql.Result` is, with methods to await.

Rows are computed on the threads of the connection, and come from there a batch at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from btql.dbapi.awaiting import Closing, awaited, each_of, let_go

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from btql.execution.stop import Stop
    from btql.result import Result

T = TypeVar("T")


class AsyncResult(Closing):
    """An answer, computed while it is read. Read it once: as rows, as Arrow, or in batches; by one task at a time."""

    def __init__(self, result: Result, stop: Stop, threads: ThreadPoolExecutor) -> None:
        self.sync = result
        """The result behind it."""
        self._stop = stop
        self._threads = threads

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return self.sync.columns

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of :meth:`batches`."""
        return self.sync.schema

    @property
    def warnings(self) -> list[str]:
        """What the query may not have meant, such as names that no row has."""
        return self.sync.warnings

    @property
    def rows_written(self) -> int | None:
        """How many rows an INSERT, UPDATE or DELETE has written; None for any other statement."""
        return self.sync.rows_written

    @property
    def cursor(self) -> str | None:
        """The token that asks for the next page, known once all rows have been read; None where there is none."""
        return self.sync.cursor

    async def rows(self) -> list[dict[str, object]]:
        """Return all rows as dictionaries; values are as in the documents, times are datetimes in UTC."""
        return await self._call(self.sync.rows)

    async def arrow(self) -> pa.Table:
        """Return all rows as an Arrow table."""
        return await self._call(self.sync.arrow)

    async def to_pandas(self) -> pd.DataFrame:
        """Return all rows as a pandas data frame; pandas has to be installed."""
        return await self._call(self.sync.to_pandas)

    async def to_polars(self) -> pl.DataFrame:
        """Return all rows as a polars data frame; polars has to be installed."""
        return await self._call(self.sync.to_polars)

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the rows as Arrow record batches, as they are computed."""
        async for batch in each_of(self.sync.batches(), self._call):
            yield batch

    async def __aiter__(self) -> AsyncIterator[dict[str, object]]:
        """Yield the rows as dictionaries, as they are computed."""
        async for rows in each_of(self.sync.chunks(), self._call):
            for row in rows:
                yield row

    def cancel(self) -> None:
        """Stop the query: whoever waits for its rows gets :class:`btql.Cancelled`."""
        self._stop.cancel()

    async def close(self) -> None:
        """Let go of what was not read. Called again it does nothing."""
        if not self.sync.exhausted:
            self._stop.cancel()
        await let_go(self._threads, self.sync.close, self._stop.cancel)

    async def _call(self, function: Callable[[], T]) -> T:
        return await awaited(self._threads, function, self._stop.cancel)
