"""The engine's batches, in a way that can be stopped: pulled by one event loop of the process, on a thread of its own.

A batch that is waited for by the loop is given up at once; the engine then drops the query, and most of its operators
end within milliseconds. The batch after the one handed out is computed meanwhile. All this costs more than half a
millisecond a statement, so a query that nobody can stop is pulled without it.

Some operators do not give way while they compute: a join by comparing all pairs, or one that finds thousands of
matches for each row, may go on for long after it was given up. The caller has its error nevertheless, and the engine
has more threads than cores (``engine.WORKERS``), so that others are served. Runs that go on are counted
(:func:`left_behind`): with some of them no new join is begun, and with too many no query at all, until one ends.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.errors import EngineBusy
from btql.execution.engine import CORES, WORKERS, DataFrame, SessionContext, udf
from btql.execution.stop import Stop

if TYPE_CHECKING:
    from btql.execution.engine import RecordBatch, RecordBatchStream

_MARK = "btql_still_running"
JOINS_MAX = 4
"""With so many left behind, queries with joins have to wait."""
LEFT_BEHIND_MAX = WORKERS // CORES - 2
"""With so many left behind, all queries have to wait: each may keep as many threads busy as there are cores."""
_left_behind: set[int] = set()


class Mark:
    """Tells when the engine has let go of a session: all that runs in it holds the session's functions."""

    def __init__(self, context: SessionContext) -> None:
        def still_running(values: pa.Array) -> pa.Array:
            return values

        self._number = id(self)
        self._alive = weakref.ref(still_running)
        context.register_udf(udf(still_running, [pa.int64()], pa.int64(), "volatile", _MARK))

    def leave(self) -> None:
        """Count the session as left behind for as long as it lives."""
        function = self._alive()
        if function is not None:
            _left_behind.add(self._number)
            weakref.finalize(function, _left_behind.discard, self._number)


def left_behind() -> int:
    """Return how many queries were given up and still keep the engine busy."""
    return len(_left_behind)


def _check_engine(frame: DataFrame) -> None:
    """Refuse to begin where too many queries that were given up still keep the engine busy."""
    running = left_behind()
    if running < JOINS_MAX:
        return
    if running >= LEFT_BEHIND_MAX or "Join" in frame.execution_plan().display_indent():
        raise EngineBusy(running)


def stream(frame: DataFrame, stop: Stop, mark: Mark) -> Iterator[RecordBatch]:
    """Yield the batches of a statement; raise where it may not go on."""
    stop.check()
    _check_engine(frame)
    batches = frame.execute_stream()
    coming = _pull(batches)
    done = False
    try:
        while (batch := stop.wait(coming)) is not None:
            coming = _pull(batches)
            yield batch
        done = True
    finally:
        coming.cancel()
        if not done:
            mark.leave()


def _pull(batches: RecordBatchStream) -> Future[RecordBatch | None]:
    return asyncio.run_coroutine_threadsafe(_next(batches), _loop())


async def _next(batches: RecordBatchStream) -> RecordBatch | None:
    return await anext(batches, None)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="btql-engine", daemon=True).start()
    return loop
