"""How a program with an event loop waits for what runs on threads."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from btql.errors import InterfaceError

T = TypeVar("T")
_LOOK_S = 0.05
"""How often a statement that was begun too late to hear of it is told again to stop."""


class Call(Protocol):
    """Calls a function on a thread, and waits for what it returns."""

    async def __call__(self, function: Callable[[], T], /) -> T:
        """Return what the function returns."""
        ...


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


class Closing(ABC):
    """What ``async with`` lets go of."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of what it holds."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def awaited(threads: ThreadPoolExecutor, function: Callable[[], T], cancel: Callable[[], object]) -> T:
    """Call a function on a thread; should the task be cancelled, ``cancel`` stops what the function waits for."""
    try:
        running = threads.submit(function)
    except RuntimeError:
        # The threads end with the connection.
        raise closed() from None
    waiting = asyncio.wrap_future(running)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        # A cursor or a result is for one thread at a time, so that one has to be done with it. It may not have begun.
        while not running.cancel() and not running.done():
            cancel()
            await asyncio.wait([waiting], timeout=_LOOK_S)
        # The event loop would complain of an error that nobody has asked for.
        waiting.add_done_callback(_looked_at)
        raise


def _looked_at(done: asyncio.Future[T]) -> None:
    if not done.cancelled():
        done.exception()


async def let_go(threads: ThreadPoolExecutor, close: Callable[[], None], cancel: Callable[[], object]) -> None:
    """Close something on a thread; where these have ended with the connection, there is nothing to wait for."""
    try:
        await awaited(threads, close, cancel)
    except InterfaceError:
        close()


def closed() -> InterfaceError:
    """Return the error for a connection that was closed."""
    return InterfaceError("the connection is closed: open another with btql.connect_async()", sqlstate="08003")


async def each_of(items: Iterator[T], call: Call) -> AsyncIterator[T]:
    """Yield what an iterator yields, each item computed by a call; none of them is None."""
    while (item := await call(partial(next, items, None))) is not None:
        yield item
