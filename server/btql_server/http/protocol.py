"""uvicorn's protocol with bounds on what comes before a request: the time and the bytes of its head.

Without them a client that sends a header now and then, or one without an end, would hold a connection
or memory for ever. Bodies have bounds of their own (:mod:`btql_server.http.body`).
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from btql_server.http.alarms import Alarm, Unhurried, alarms_of

FLOW = "btql.flow"
HEAD_WAIT_S = 20.0
"""How long the head of a request may take."""
HEAD_BYTES_MAX = 64 << 10


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    head_wait_s = HEAD_WAIT_S

    _timer: Alarm | None = None
    _head_bytes = 0
    _in_head = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  as uvicorn makes one
        super().__init__(*args, **kwargs)
        self._alarms = alarms_of(self.loop)
        # uvicorn asks it for one timer for each answer, until the next request comes.
        self.loop = cast("asyncio.AbstractEventLoop", Unhurried(self.loop))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, which belong to a head or a body."""
        if self._in_head:
            if self._timer is None:
                self._wait()
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(b"431 Request Header Fields Too Large", f"the head is larger than {HEAD_BYTES_MAX:,} bytes")

    def on_headers_complete(self) -> None:
        """Begin the request."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()
        # Of what breaks off, the end is sent without waiting for the client.
        cast("dict[str, object]", self.scope)[FLOW] = self.flow

    def on_message_complete(self) -> None:
        """Expect the head of the next request."""
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def _wait(self) -> None:
        self._timer = self._alarms.call_later(self.head_wait_s, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._refuse(b"408 Request Timeout", f"no complete head came within {self.head_wait_s:g} s")

    def _refuse(self, status: bytes, reason: str) -> None:
        if self.transport.is_closing():
            return
        # There is no cycle before the first request, which its type does not say.
        if getattr(self.cycle, "response_complete", True):
            body = reason.encode()
            head = b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\n" % status
            self.transport.write(head + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
        self.transport.close()
