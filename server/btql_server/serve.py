"""``btql serve``: sockets, the event loop, signals."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from btql_server.app import make_app
from btql_server.settings import Settings
from btql_server.state import State


@contextmanager
def running(settings: Settings) -> Generator[str]:
    """Serve from a thread of this process, and yield the server's address; for tests and notebooks."""
    state = State.open(settings)
    listener = socket.create_server(settings.http, backlog=1_024)
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(make_app(state), log_config=None, lifespan="off", timeout_graceful_shutdown=10)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), name="btql-serve")
    thread.start()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
        state.close()
        listener.close()
