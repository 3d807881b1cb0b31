"""What happens around every request: its trace id, its errors, its headers, its line in the log.

This is plain ASGI, not one of Starlette's middleware classes, which would copy every piece of a stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from btql_server.http.endpoint import Aborted, send_error
from btql_server.http.errors import HttpError, as_http, described
from btql_server.http.seen import Seen

log = logging.getLogger("btql.http")


class Outermost:
    """Wraps the application.

    ``watchers`` are told of every answer after it was sent; ``recorder`` is awaited before, with the answer's status,
    and an error of it becomes the answer.
    """

    def __init__(
        self,
        application: ASGIApp,
        watchers: Iterable[Callable[[Seen], None]] = (),
        more_headers: Callable[[Seen], Mapping[str, str]] | None = None,
        recorder: Callable[[Seen, int], Awaitable[None]] | None = None,
    ) -> None:
        self._application = application
        self._watchers = tuple(watchers)
        self._more_headers = more_headers
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        seen = Seen(scope["method"], scope["path"], Headers(scope=scope))
        scope.setdefault("state", {})["seen"] = seen

        async def counted() -> Message:
            message = await receive()
            seen.received_bytes += len(message.get("body", b""))
            return message

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._record(seen, message["status"])
                seen.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._headers(seen)]
            else:
                seen.sent_bytes += len(message.get("body", b""))
            await send(message)

        # Starlette raises what has no route, instead of answering by itself.
        scope["app"] = self._application
        try:
            await self._application(scope, counted, noted)
        except asyncio.CancelledError:
            seen.error = "cancelled"
            raise
        except Aborted:
            # Nobody is left to read; the connection ends before the stream does.
            seen.error = "the client went away"
        except Exception as error:  # noqa: BLE001  every request gets an answer
            await self._refuse(error, seen, noted)
        finally:
            seen.token = scope.get("path_params", {}).get("token")
            self._done(seen)

    async def _record(self, seen: Seen, status: int) -> None:
        if self._recorder is not None and not seen.recorded:
            # Once only: should it fail, the answer that says so is not recorded in its turn.
            seen.recorded = True
            await self._recorder(seen, status)

    async def _refuse(self, error: Exception, seen: Seen, send: Send) -> None:
        seen.error = described(error)
        refusal = _unrouted(error, seen) if isinstance(error, HTTPException) else as_http(error)
        if refusal is None:
            log.error("a request failed", exc_info=error, extra={"trace_id": seen.trace_id})
            refusal = HttpError(500, "internal error; the server's log has the details under this trace id")
        if seen.status:
            # The answer has begun: only an abrupt end can still say that it is not complete. The server
            # makes one of an application that returns too early.
            return
        await send_error(refusal, seen.path, seen.trace_id, send)

    def _headers(self, seen: Seen) -> list[tuple[bytes, bytes]]:
        found = {
            "x-bt-internal-trace-id": seen.trace_id,
            "x-bt-api-duration-ms": str(round(seen.seconds * 1_000)),
            "x-content-type-options": "nosniff",
            **(self._more_headers(seen) if self._more_headers is not None else {}),
        }
        return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in found.items()]

    def _done(self, seen: Seen) -> None:
        for watcher in self._watchers:
            watcher(seen)
        log.info(
            "%s %s %s",
            seen.method,
            seen.public_path,
            seen.status,
            extra={
                "trace_id": seen.trace_id,
                "status": seen.status,
                "ms": round(seen.seconds * 1_000, 1),
                "bytes": seen.sent_bytes,
                "error": seen.error,
            },
        )


def _unrouted(error: HTTPException, seen: Seen) -> HttpError:
    """Return the answer to what no route has; where one has the path, its methods are in ``allow``."""
    headers = Headers(error.headers)
    if error.status_code == 405:
        allowed = sorted(headers["allow"].split(", "))
        message = f"`{seen.path[:200]}` does not take {seen.method}, but {', '.join(allowed)}"
    else:
        message = f"there is nothing at `{seen.path[:200]}`: `/openapi.json` lists what there is"
    return HttpError(error.status_code, message, headers=headers)
