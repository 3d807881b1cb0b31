"""Threads for handlers, in classes, so that large exports never keep small queries waiting.

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
    "bulk": (2, 32),
    "write": (4, 512),
}
"""Threads of a class, and how many requests may wait for one."""


class Pool:
    """The threads of one class."""

    def __init__(self, name: PoolName, threads: int, waiting_max: int, watch: Watch) -> None:
        self.name: PoolName = name
        self._watch = watch
        self._most = threads + waiting_max
        self._taken = 0
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"btql-{name}")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on a thread of this class; refuse at once where too many wait already."""
        if self._taken >= self._most:
            raise HttpError(503, f"the server is busy: {self._most} {self.name} requests are waiting", retry_after_s=1)
        self._taken += 1
        self._watch(self.name, "waiting", 1)
        future: Future[T] = self._executor.submit(self._run, partial(function, *args, **kwargs))
        future.add_done_callback(self._left)
        try:
            return await asyncio.wrap_future(future)
        finally:
            # An error has this frame, and so the request's body, in its traceback: they would keep one another until
            # somebody looks for garbage.
            del future

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
        if future.cancelled():
            self._watch(self.name, "waiting", -1)

    def close(self) -> None:
        """Wait for what runs, and stop."""
        self._executor.shutdown(wait=True, cancel_futures=True)


class Pools:
    """One pool for each class of work."""

    def __init__(self, watch: Watch, bulk: int = SIZES["bulk"][0]) -> None:
        # For the whole process: threads are made when they are first needed.
        threading.stack_size(STACK_BYTES)
        sizes: dict[PoolName, tuple[int, int]] = {**SIZES, "bulk": (bulk, SIZES["bulk"][1])}
        self._pools = {name: Pool(name, *size, watch) for name, size in sizes.items()}

    def __getitem__(self, name: PoolName) -> Pool:
        return self._pools[name]

    def close(self) -> None:
        """Wait for what runs, and stop."""
        for pool in self._pools.values():
            pool.close()
