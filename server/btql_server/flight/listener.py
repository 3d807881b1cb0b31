"""The Flight server as a part of a worker: it begins and ends with it.

gRPC binds its port by itself, so one process listens: the first worker. The parent is told which port it has, and
gives the same one to a worker that takes its place.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_server.flight.server import FlightServer
from btql_server.operating.flight_metrics import FlightMetrics

if TYPE_CHECKING:
    from btql_server.state import State

log = logging.getLogger("btql.flight")
_CLOSING_S = 3.0
"""How long a client that does not read may delay the end."""


class FlightListener:
    """Serves Flight SQL while it is open."""

    def __init__(self, state: State, loop: asyncio.AbstractEventLoop, address: tuple[str, int]) -> None:
        host, port = address
        settings = state.settings
        certificates = None
        if settings.tls_cert is not None and settings.tls_key is not None:
            certificates = [(Path(settings.tls_cert).read_bytes(), Path(settings.tls_key).read_bytes())]
        shown = f"[{host}]" if ":" in host else host
        self._scheme = "grpc+tls" if certificates else "grpc+tcp"
        self._grace_s = settings.stop_grace_s
        self._server = FlightServer(
            state, loop, FlightMetrics(state.metrics), f"{self._scheme}://{shown}:{port}", certificates
        )
        self.port: int = self._server.port
        self.is_closed = False

    async def close(self) -> None:
        """Let calls end within the grace, then end those that still run."""
        server = self._server
        closing = threading.Thread(target=self._shut_down, name="btql-flight-stop", daemon=True)
        # No new connections from here on.
        closing.start()
        await asyncio.to_thread(closing.join, self._grace_s)
        running = server.calls.running()
        if running:
            log.warning("stopping %d calls that still run", len(running))
        for call in running:
            call.asker.gone.set()
        await asyncio.to_thread(closing.join, _CLOSING_S)
        self.is_closed = not closing.is_alive()
        server.statements.tickets.close()

    def _shut_down(self) -> None:
        try:
            self._server.shutdown()
        except pa.ArrowException as error:
            log.warning("Flight did not end well: %s", error)
