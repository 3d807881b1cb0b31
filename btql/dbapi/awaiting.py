"""How a program with an event loop waits for what runs on threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
_LOOK_S = 0.05
"""How often a statement that was begun too late to hear of it is told again to stop."""


class Opening(Generic[T]):
    """Something that is awaited, or entered by ``async with``."""

    def __init__(self, opening: Awaitable[T], close: Callable[[T], Awaitable[None]]) -> None:
        self._opening = opening
        self._close = close
        self._opened: list[T] = []

    def __await__(self) -> Generator[object, None, T]:
        """Return what is opened."""
        return self._opening.__await__()

    async def __aenter__(self) -> T:
        self._opened.append(await self._opening)
        return self._opened[-1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close(self._opened.pop())


async def awaited(threads: ThreadPoolExecutor, function: Callable[[], T], cancel: Callable[[], object]) -> T:
    """Call a function on a thread; should the task be cancelled, ``cancel`` stops what the function waits for."""
    running = threads.submit(function)
    waiting = asyncio.wrap_future(running)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        # A cursor or a result is for one thread at a time, so that one has to be done with it. It may not have begun.
        while not running.cancel() and not running.done():
            cancel()
            await asyncio.wait([waiting], timeout=_LOOK_S)
        raise
