"""Threads for handlers, in classes, so that large exports never keep small queries waiting.

Exports that begin have threads of their own: they may wait there for memory that those hold which have begun, and these
have to go on to give it back.

Their stacks are large: planning a deeply nested query recurses deeply, in Python and in the engine.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Literal, ParamSpec, TypeAlias, TypeVar

from btql.execution.admission import admission
from btql_server.http.errors import HttpError

P = ParamSpec("P")
T = TypeVar("T")
PoolState = Literal["running", "waiting"]
PoolName = Literal["lookup", "small", "query", "bulk", "write"]
Watch: TypeAlias = Callable[[PoolName, PoolState, int], None]
"""Told by how much the requests in a state of a class become more or fewer."""
STACK_BYTES = 64 << 20
"""Address space; pages are taken when they are used."""
SIZES: dict[PoolName, tuple[int, int]] = {
    "lookup": (8, 1_024),
    "small": (4, 512),
    "query": (6, 128),
    "bulk": (1, 32),
    "write": (4, 512),
}
"""Threads of a class, and how many requests may wait for one."""
BULK_GOING_ON = 2
"""Threads for exports that have begun."""


class Pool:
    """The threads of one class."""

    def __init__(self, name: PoolName, threads: int, waiting_max: int, watch: Watch, going_on: int = 0) -> None:
        self.name: PoolName = name
        self._watch = watch
        self._most = threads + waiting_max
        self._taken = 0
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"btql-{name}")
        self._going_on = ThreadPoolExecutor(going_on, f"btql-{name}-on") if going_on else self._executor

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on a thread of this class; refuse at once where too many wait already."""
        if self._taken >= self._most:
            raise HttpError(503, f"the server is busy: {self._most} {self.name} requests are waiting", retry_after_s=1)
        self._taken += 1
        return await self._on(self._executor, self._left, partial(function, *args, **kwargs))

    async def go_on(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function for an answer that was begun: it is never refused, as what was sent of it would be lost."""
        return await self._on(self._going_on, self._ended, partial(function, *args, **kwargs))

    async def _on(self, executor: ThreadPoolExecutor, done: Callable[[Future[T]], None], work: Callable[[], T]) -> T:
        self._watch(self.name, "waiting", 1)
        future: Future[T] = executor.submit(self._run, work)
        future.add_done_callback(done)
        try:
            return await asyncio.wrap_future(future)
        finally:
            # An error has this frame, and so the request's body, in its traceback: they would keep one another until
            # somebody looks for garbage.
            del future, work

    def _run(self, work: Callable[[], T]) -> T:
        self._watch(self.name, "waiting", -1)
        self._watch(self.name, "running", 1)
        try:
            return work()
        finally:
            if self.name == "write":
                # Exports give way to writers.
                admission.wrote()
            self._watch(self.name, "running", -1)

    def _left(self, future: Future[T]) -> None:
        self._taken -= 1
        self._ended(future)

    def _ended(self, future: Future[T]) -> None:
        if future.cancelled():
            self._watch(self.name, "waiting", -1)

    def close(self) -> None:
        """Wait for what runs, and stop."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._going_on.shutdown(wait=True, cancel_futures=True)


class Pools:
    """One pool for each class of work."""

    def __init__(self, watch: Watch, bulk: int = BULK_GOING_ON) -> None:
        # For the whole process: threads are made when they are first needed.
        threading.stack_size(STACK_BYTES)
        self._pools: dict[PoolName, Pool] = {name: Pool(name, *size, watch) for name, size in SIZES.items()}
        beginning, waiting_max = SIZES["bulk"]
        self._pools["bulk"] = Pool("bulk", max(beginning, bulk - 1), waiting_max, watch, going_on=bulk)

    def __getitem__(self, name: PoolName) -> Pool:
        return self._pools[name]

    def close(self) -> None:
        """Wait for what runs, and stop."""
        for pool in self._pools.values():
            pool.close()
