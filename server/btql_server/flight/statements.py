"""Statements: their schemas, their tickets, and their rows.

1. Whoever asks for the flight info of a statement gets its schema and a ticket. A statement that gives rows is planned
   then, not run; one that writes is run then, once, and its ticket gives how many rows it has written.
2. The ticket's rows are computed while they are sent, no faster than the client takes them; time that it takes does
   not count against the time limit. A client that goes away ends the statement.
3. The schema of the rows is the one that was promised: both come from one plan. Should a ticket be used again, and the
   rows have other types by now, it is refused.

A statement that was prepared, and given several rows of values, is run once for each. An INSERT with VALUES then is
one transaction; any other statement that writes is one for each row of values.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pyarrow as pa

from btql.execution.reader import nothing
from btql.result import Result
from btql_server.access.recorder import record_statement
from btql_server.flight import parameters
from btql_server.flight.callers import FlightCall, Watch
from btql_server.flight.pieces import gathered, pieces
from btql_server.flight.refusals import FlightRefusal
from btql_server.flight.tickets import Handle, Tickets, digest
from btql_server.http.errors import HttpError
from btql_server.reading.directory import Visible
from btql_server.reading.running import describe_query, run_query

if TYPE_CHECKING:
    from btql.describe import Described
    from btql.execution.stop import Stop
    from btql_grammar.parameters import Values
    from btql_server.http.pools import PoolName
    from btql_server.state import State

P = ParamSpec("P")
T = TypeVar("T")
_READERS_MAX = 128
"""How many answers may be read at once: each has a thread that waits for its client."""
_COUNT = pa.schema([pa.field("count", pa.int64())])


@dataclass(slots=True)
class Rows:
    """An answer that is being computed, or waits to be."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    stop: Stop
    watch: Watch
    waiting_since: float
    is_bulk: bool = False


class Statements:
    """Runs statements, each for the call that asks for it."""

    def __init__(self, state: State, loop: asyncio.AbstractEventLoop) -> None:
        self.tickets = Tickets()
        self._state = state
        self._loop = loop
        self._readers = 0
        self._lock = Lock()

    def on(self, pool: PoolName, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on a thread of the worker's pools."""
        running = self._state.pools[pool].run(function, *args, **kwargs)
        return asyncio.run_coroutine_threadsafe(running, self._loop).result()

    def described(self, call: FlightCall, query: str, *, lenient: bool = False) -> Described:
        """Return what a statement takes and gives, without running it; with ``lenient`` values may have to tell."""
        stop = Watch(call).stop(call.seconds())
        return self.on("query", describe_query, call.asker, query, stop, options=call.options(), lenient=lenient)

    def schema(self, call: FlightCall, query: str) -> pa.Schema:
        """Return the schema of a statement's rows, without running it."""
        described = self.described(call, query)
        return described.schema if described.kind in ("rows", "explain") else _COUNT

    def ticket(self, call: FlightCall, query: str, values: pa.Table | None) -> tuple[pa.Schema, Handle]:
        """Plan a statement, or run it where it writes; return the schema of its rows and a ticket."""
        rows, count = self.on("query", self._planned, call, query, values)
        self.record(call)
        if count is not None:
            return _COUNT, Handle(query="", is_write=True, count=count)
        stream = parameters.as_stream(values)
        number = self.tickets.keep(call.owner, rows)
        if stream is None:
            # It can be read once, while it is kept.
            return rows.schema, Handle(number, schema=digest(rows.schema))
        return rows.schema, Handle(number, query, stream, digest(rows.schema))

    def rows(self, call: FlightCall, handle: Handle) -> Rows:
        """Return the rows of a ticket."""
        if handle.is_write:
            batch = pa.record_batch([pa.array([handle.count], pa.int64())], _COUNT)
            watch = Watch(call)
            return Rows(_COUNT, iter((batch,)), watch.stop(60.0), watch, time.monotonic())
        rows = self.tickets.take(handle.id, call.owner)
        if rows is None:
            if not handle.query:
                raise FlightRefusal("NOT_FOUND", "there is no such ticket any more", "ask for the flight info again")
            call.count()
            values = parameters.from_stream(handle.parameters)
            rows = self.on("query", self._read_only, call, handle.query, values)
            if handle.schema and digest(rows.schema) != handle.schema:
                message = "what the rows hold has changed, and with it their types"
                raise FlightRefusal("INVALID_ARGUMENT", message, "ask for the flight info again")
        rows.watch.gone = call.gone
        return rows

    def stream(self, call: FlightCall, rows: Rows, number: bytes = b"") -> Stream:
        """Return rows as they are sent; the first of them, or the first error, is there already."""
        with self._lock:
            if self._readers >= _READERS_MAX:
                raise HttpError(503, f"the server is busy: {_READERS_MAX} answers are being read", retry_after_s=1)
            self._readers += 1
        stream = Stream(self, call, rows, number)
        try:
            self.tickets.begin(number, call.owner, rows)
            self.on("bulk" if rows.is_bulk else "query", stream.look)
        except BaseException:
            stream.close()
            raise
        return stream

    def left(self, number: bytes, rows: Rows) -> None:
        """Note that rows are not read any more."""
        with self._lock:
            self._readers -= 1
        self.tickets.end(number, rows)

    def write(self, call: FlightCall, query: str, values: pa.Table | None) -> int:
        """Run a statement that writes; return how many rows it has written."""
        rows, count = self.on("write", self._planned, call, query, values)
        if count is None:
            # It gives rows, which nobody wants: it is run nevertheless, as it may fail.
            self.on("query", _drained, rows)
            count = 0
        self.record(call)
        return count

    def record(self, call: FlightCall) -> None:
        """Make what the call has changed durable in the audit log."""
        if call.asker.changes:
            recording = record_statement(call.asker, f"flight {call.command}", call.client)
            asyncio.run_coroutine_threadsafe(recording, self._loop).result()

    def _read_only(self, call: FlightCall, query: str, values: pa.Table | None) -> Rows:
        """Plan a statement of a ticket, which must not write: whoever asked for it has been told what came of it."""
        stop = Watch(call).stop(call.seconds())
        described = describe_query(call.asker, query, stop, options=call.options(), lenient=values is not None)
        if described.kind not in ("rows", "explain"):
            raise FlightRefusal("INVALID_ARGUMENT", "a ticket is for rows", "send a statement that writes as an update")
        return self._planned(call, query, values)[0]

    def _planned(self, call: FlightCall, query: str, values: pa.Table | None) -> tuple[Rows, int | None]:
        """Return the rows of a statement, and, where it writes, how many rows it has written."""
        asker, watch = call.asker, Watch(call)
        stop, options = watch.stop(call.seconds()), call.options()
        sets: Sequence[Values] = ()
        if values is not None:
            described = describe_query(asker, query, stop, options=options, lenient=True)
            sets = parameters.values_of(values, described.parameters)
            if not sets:
                raise FlightRefusal("INVALID_ARGUMENT", "there are no values for the parameters", "send a row of them")
            if len(sets) > 1 and described.kind not in ("rows", "explain"):
                visible = Visible(asker)
                count = self._state.database.for_one(directory=visible, stop=stop).query_many(query, sets, options)
                asker.changes.extend(visible.changes)
                return Rows(_COUNT, iter(()), stop, watch, 0.0), count
        results = (run_query(asker, query, stop, options=options, parameters=one) for one in sets or (None,))
        first = next(results)
        if first.rows_written is not None:
            return Rows(_COUNT, iter(()), stop, watch, 0.0), first.rows_written
        batches = _all_batches(first.schema, first, results)
        return Rows(first.schema, batches, stop, watch, time.monotonic(), first.is_bulk), None


class Stream:
    """Rows on their way to a client, counted and bounded in the size of their pieces."""

    def __init__(self, statements: Statements, call: FlightCall, rows: Rows, number: bytes) -> None:
        self.schema = rows.schema
        self._statements = statements
        self._call = call
        self._rows = rows
        self._number = number
        self._pieces = pieces(gathered(rows.batches))
        self._ready: list[pa.RecordBatch] = []
        self._handed = rows.waiting_since
        self._closed = False
        rows.stop.reader.on_end = partial(_drop, self._pieces, self._ready)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def look(self) -> None:
        """Compute the first piece."""
        self._account()
        piece = next(self._pieces, None)
        if piece is not None:
            self._ready.append(piece)
        self._handed = time.monotonic()
        self._call.is_streaming = True

    def __next__(self) -> pa.RecordBatch:
        """Return the next piece."""
        reader = self._rows.stop.reader
        try:
            self._account()
            reader.asks()
            self._call.check()
            piece = self._ready.pop() if self._ready else next(self._pieces, None)
        except Exception as error:  # noqa: BLE001  the client is told of every error
            self.close()
            self._call.is_streaming = False
            raise self._call.failed(error) from None
        if piece is None:
            self.close()
            self._call.is_streaming = False
            raise StopIteration
        self._call.rows += piece.num_rows
        self._call.bytes += piece.nbytes
        self._handed = time.monotonic()
        reader.takes()
        return piece

    def _account(self) -> None:
        """Leave out of the time limit what the client has taken."""
        self._rows.stop.add(time.monotonic() - self._handed)

    def close(self) -> None:
        """Let go of the rows."""
        if not self._closed:
            self._closed = True
            self._rows.watch.gone = _gone
            self._rows.stop.reader.on_end = nothing
            self._statements.left(self._number, self._rows)

    def __del__(self) -> None:
        """A client that went away reads no further: pyarrow drops the stream."""
        self.close()


def _gone() -> bool:
    return True


def _drop(batches: Generator[pa.RecordBatch], ready: list[pa.RecordBatch]) -> None:
    """Let go of what was computed; whoever asks for more of it gets the error."""
    ready.clear()
    batches.close()


def _drained(rows: Rows) -> None:
    for _ in rows.batches:
        pass


def _all_batches(schema: pa.Schema, first: Result, others: Iterator[Result]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a statement for each row of values."""
    yield from first.batches()
    for number, result in enumerate(others, 2):
        if result.schema != schema:
            message = f"the rows for the values number {number} have other types than those for the first"
            raise FlightRefusal("INVALID_ARGUMENT", message, "run the statement once for each, or cast its columns")
        yield from result.batches()
