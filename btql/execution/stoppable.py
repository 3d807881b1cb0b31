"""The engine's batches, in a way that can be stopped: pulled by one event loop of the process, on a thread of its own.

A batch that is waited for by the loop is given up at once; the engine then drops the query, and most of its operators
end within milliseconds. The batch after the one handed out is computed meanwhile. All this costs more than half a
millisecond a statement, so a query that nobody can stop is pulled without it.

Some operators do not give way while they compute: a join by comparing all pairs, where they are very many or hardly any
fit, or a function over huge texts, may go on for long after it was given up. The caller has its error nevertheless, and
the engine has more threads than cores (``engine.WORKERS``), so that others are served. Threads that go on are counted
(:func:`left_behind`): with some of them no new join is begun, and with too many no query at all, until one ends.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from btql.errors import EngineBusy
from btql.execution.engine import CORES, WORKERS, DataFrame
from btql.execution.engine_threads import REST_S, runs
from btql.execution.stop import Stop

if TYPE_CHECKING:
    from btql.execution.engine import RecordBatch, RecordBatchStream

JOINS_MAX = 4
"""With so many left behind, queries with joins have to wait."""
LEFT_BEHIND_MAX = WORKERS // CORES - 2
"""With so many left behind, all queries have to wait: each may keep as many threads busy as there are cores."""


def left_behind() -> int:
    """Return how many queries were given up and still keep the engine busy, as far as the system lets it be seen."""
    return runs.left_behind()


def _check_engine(frame: DataFrame) -> None:
    """Refuse to begin where too many queries that were given up still keep the engine busy."""
    running = left_behind()
    if running < JOINS_MAX:
        return
    if running >= LEFT_BEHIND_MAX or "Join" in frame.execution_plan().display_indent():
        raise EngineBusy(running)


def stream(frame: DataFrame, stop: Stop) -> Iterator[RecordBatch]:
    """Yield the batches of a statement; raise where it may not go on."""
    stop.check()
    _check_engine(frame)
    batches = frame.execute_stream()
    coming = _pull(batches)
    try:
        while (batch := stop.wait(coming)) is not None:
            coming = _pull(batches)
            yield batch
    finally:
        coming.cancel()


def _pull(batches: RecordBatchStream) -> Future[RecordBatch | None]:
    return asyncio.run_coroutine_threadsafe(_next(batches), _loop())


async def _next(batches: RecordBatchStream) -> RecordBatch | None:
    try:
        return await anext(batches, None)
    finally:
        # The engine goes on for as long as anybody holds this, and a task that is cancelled keeps its frames.
        del batches


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="btql-engine", daemon=True).start()
    # Before the engine is waited for, which is at the end of what is done at exit.
    atexit.register(_end, loop)
    return loop


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Give up what is still waited for when the program ends."""
    runs.give_up()
    with suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(REST_S)


async def _cancel_all() -> None:
    waiting = asyncio.all_tasks() - {asyncio.current_task()}
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
