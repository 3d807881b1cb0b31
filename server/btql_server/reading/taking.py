"""Handing pieces of an answer to a client that may not take them: the answer may be ended meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from btql.execution.reader import nothing

if TYPE_CHECKING:
    from btql.execution.reader import Reader


@asynccontextmanager
async def taking(reader: Reader) -> AsyncGenerator[None]:
    """Wait for a client in the block; TimeoutError where the answer is ended, since others wait for its memory."""
    loop = asyncio.get_running_loop()
    reader.takes()
    async with asyncio.timeout(None) as patience:

        def hurry() -> None:
            # It may have taken the last of it just now.
            with suppress(RuntimeError):
                patience.reschedule(loop.time())

        def ended() -> None:
            # The server may have stopped.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(hurry)

        reader.on_end = ended
        try:
            yield
        finally:
            reader.on_end = nothing
