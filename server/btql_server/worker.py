"""One worker: a process that answers requests.

It stops in this order: no new connections; requests that run may end within the grace; then they are told to stop,
and a stream says so with its last piece; then files are closed. What was acknowledged is durable already.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from btql_server.app import make_app
from btql_server.http.protocol import BoundedProtocol
from btql_server.state import State

if TYPE_CHECKING:
    from btql_server.flight.listener import FlightListener
    from btql_server.pgwire.listener import PgListener

log = logging.getLogger("btql.worker")
_KEEP_ALIVE_S = 75
"""Longer than clients and proxies keep their idle connections, so that it is they who close."""
_AFTER_GRACE_S = 5
_LAST_S = 1.0
"""What clients have to take the last of an answer that was broken off."""


class _Server(uvicorn.Server):
    """uvicorn's server; signals are ours, and it says when it has started."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class Worker:
    """Serves sockets until it is stopped; runs in an event loop. ``ready`` is called once requests are answered.

    ``listeners`` are the sockets by the names of their doors, and ``number`` tells this worker from others.
    """

    def __init__(
        self, state: State, listeners: Mapping[str, socket.socket], ready: Callable[[], None], number: int = 1
    ) -> None:
        self._state = state
        self._listeners = listeners
        self._number = number
        grace = round(state.settings.stop_grace_s + _AFTER_GRACE_S)
        config = uvicorn.Config(
            make_app(state),
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=grace,
        )
        self._server = _Server(config, ready)
        self._stop = asyncio.Event()
        self._flight: FlightListener | None = None
        self._pg: PgListener | None = None

    @property
    def flight_port(self) -> int | None:
        """The port of Flight SQL, where it is served."""
        return None if self._flight is None else self._flight.port

    @property
    def is_stuck(self) -> bool:
        """Whether a client that does not read keeps a thread that nobody can stop, once :meth:`run` has returned."""
        return self._flight is not None and not self._flight.is_closed

    async def run(self) -> None:
        """Serve."""
        if self._state.settings.flight is not None:
            # Whoever does not serve it does not pay for it.
            from btql_server.flight.listener import FlightListener

            loop = asyncio.get_running_loop()
            self._flight = await asyncio.to_thread(FlightListener, self._state, loop, self._state.settings.flight)
        if "pg" in self._listeners:
            from btql_server.pgwire.listener import PgListener

            self._pg = PgListener(self._state, self._listeners["pg"], self._number)
            self._pg.start()
            if self._stop.is_set():
                # Told while it was starting; whoever came after the parent died would find its port taken.
                self._pg.stop()
        interrupting = asyncio.create_task(self._interrupt())
        closing = asyncio.create_task(self._close_flight())
        try:
            await self._server.serve([self._listeners["http"]])
            if self._pg is not None:
                await self._pg.closed()
        finally:
            interrupting.cancel()
            self._stop.set()
            await closing

    async def _close_flight(self) -> None:
        """Close Flight SQL while HTTP is being closed."""
        await self._stop.wait()
        if self._flight is not None:
            await self._flight.close()

    def stop(self) -> None:
        """Begin to stop; for the thread of the loop."""
        self._state.stopping.set()
        self._server.should_exit = True
        if self._pg is not None:
            self._pg.stop()
        self._stop.set()

    async def _interrupt(self) -> None:
        """Once the server stops and the grace is over, tell what still runs to end."""
        await self._stop.wait()
        await asyncio.sleep(self._state.settings.stop_grace_s)
        running = list(self._state.running)
        if running:
            log.warning("stopping %d requests that still run", len(running))
        for call in running:
            call.interrupt()
        if self._pg is not None:
            self._pg.interrupt()
        await asyncio.sleep(_LAST_S)
        for connection in list(self._server.server_state.connections):
            # What is left of its answer, nobody takes.
            if connection.transport.is_closing():
                connection.transport.abort()
