"""A request's way through one route.

1. Who asks: the key becomes a principal, or the answer is 401.
2. The body is received.
3. On a thread of the route's pool it is decoded to the shape that the handler declares, and the handler runs.
   Should the client go away meanwhile, ``call.gone`` is set.
4. The answer is sent, compressed where the client takes that. A streamed answer is computed piece by piece on
   the same threads, no faster than the client reads; an error in the middle of it breaks the connection, so that
   nobody takes what came for the whole. So does a key that is revoked, or expires, before the end, and a client that
   takes nothing while others wait for the memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from btql.execution.reader import Reader
from btql_server.access.keys import NOBODY
from btql_server.access.model import Principal
from btql_server.http.answer import Answer, json_bytes
from btql_server.http.body import convert, decode, receive_body
from btql_server.http.call import Call
from btql_server.http.compression import Compressor, compress, compressor_for
from btql_server.http.errors import HttpError
from btql_server.http.held import Held
from btql_server.http.origins import check_asker
from btql_server.http.pools import Pool
from btql_server.http.protocol import FLOW
from btql_server.http.routes import Route
from btql_server.http.seen import Seen
from btql_server.http.upload import INCOMING, Upload, receive_upload
from btql_server.reading.taking import taking
from btql_server.registry.changes import collecting
from btql_server.state import State

_COMPRESSED_AT_ONCE = 64 << 10
_SLICE_BYTES = 512 << 10


class Endpoint:
    """The ASGI application of one route."""

    def __init__(self, route: Route, state: State) -> None:
        self.route = route
        self._state = state
        self._pool = state.pools[route.pool]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        seen: Seen = scope["state"]["seen"]
        seen.route = self.route
        call = Call(self._state, await self._principal(request), request, seen.trace_id)
        seen.call = call
        await self._count(call)
        with self._state.bodies.held() as held:
            arguments = await self._arguments(call, held)
            await self._answer(call, arguments, receive, send)

    async def _answer(self, call: Call, arguments: dict[str, object], receive: Receive, send: Send) -> None:
        watch = asyncio.create_task(_watch(receive, call))
        self._state.running.add(call)
        try:
            answer = await self._pool.run(self._handle, call, arguments)
            await self._send(call, answer, send)
        finally:
            self._state.running.discard(call)
            watch.cancel()
            if isinstance(body := arguments.get("body"), Upload):
                body.discard()

    def _handle(self, call: Call, arguments: dict[str, object]) -> Answer:
        shape = self.route.body
        if shape not in (None, bytes, Upload):
            body = cast("bytes", arguments.pop("body"))
            if body or self.route.needs_body:
                # A large body takes a while, which is not spent on the thread of the event loop.
                arguments["body"] = decode(body, shape)
        with collecting(call.changes):
            return self.route.handler(**arguments)

    async def _principal(self, request: Request) -> Principal:
        if self.route.public:
            # The registry is not asked: whether the server lives is told even while that does not answer.
            return NOBODY
        state = self._state
        if state.settings.insecure_no_auth:
            check_asker(request.headers, state.settings)
            return await state.look_up(state.keys.anonymous)
        key = bearer(request)
        if key is None:
            raise HttpError(401, "Missing API key: send `Authorization: Bearer <key>`", plain=True)
        principal = await state.look_up(state.keys.principal, key)
        if principal is None:
            raise HttpError(401, "Invalid API key", plain=True)
        return principal

    async def _count(self, call: Call) -> None:
        """Count the request against the limit of its key."""
        rates, limit = self._state.rates, self._state.settings.limits.requests_per_minute
        if limit is None or self.route.public:
            return
        counted = call.principal.key_id or call.principal.id
        if rates.is_remote:
            await asyncio.to_thread(rates.take, "requests", counted, limit)
        else:
            rates.take("requests", counted, limit)

    async def _arguments(self, call: Call, held: Held) -> dict[str, object]:
        """Return what the handler takes, by name."""
        route, request = self.route, call.request
        arguments: dict[str, object] = {"call": call, **request.path_params}
        if route.query is not None:
            arguments["query"] = convert(parameters_of(request), route.query)
        if route.body is not None:
            settings = self._state.settings
            if route.room is None:
                arguments["body"] = await receive_body(request, settings.limits, held)
            else:
                room = route.room(call, **request.path_params)
                folder = settings.data / INCOMING
                arguments["body"] = await receive_upload(request, room, folder, settings.limits.body_wait_s)
        return arguments

    async def _send(self, call: Call, answer: Answer, send: Send) -> None:
        request = call.request
        headers = {"content-type": answer.media, **answer.headers}
        compressor = compressor_for(request.headers.get("accept-encoding", ""), answer)
        if compressor is not None:
            headers |= {"content-encoding": compressor.name, "vary": "accept-encoding"}
        if isinstance(answer.body, bytes):
            body = answer.body
            if compressor is not None:
                # A large body takes a while, which is not spent on the thread of the event loop.
                small = len(body) <= _COMPRESSED_AT_ONCE
                body = compress(compressor, body) if small else await self._pool.run(compress, compressor, body)
            headers["content-length"] = str(len(body))
            await _start(send, answer.status, headers)
            await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
        else:
            await self._stream(call, answer, headers, compressor, send)

    async def _stream(
        self, call: Call, answer: Answer, headers: dict[str, str], compressor: Compressor | None, send: Send
    ) -> None:
        pieces = cast("Iterator[bytes]", answer.body)
        pool = self._pool if answer.pool is None else self._state.pools[answer.pool]
        reader = call.reader = answer.reader or Reader()

        def pull() -> bytes | None:
            piece = next(pieces, None)
            return piece if piece is None or compressor is None else compressor.add(piece)

        try:
            # The status is sent with the first piece: an error before it is an ordinary error answer.
            reader.asks()
            piece = await pool.run(pull)
            await _start(send, answer.status, headers)
            while piece is not None and not call.left:
                taken = await _hand_over(send, piece, reader)
                if reader.error is not None:
                    last = await pool.go_on(cast("Generator[bytes]", pieces).throw, reader.error)
                    last = answer.rest_of(piece, taken) + last
                    if compressor is None and len(last) <= _SLICE_BYTES:
                        call.request.scope[FLOW].resume_writing()
                        await _piece(send, last)
                reader.asks()
                # A reader may take any time, and a key that is revoked meanwhile is good for nothing more.
                await self._principal(call.request)
                piece = await pool.go_on(pull)
            if call.left:
                raise Aborted
            await _piece(send, b"" if compressor is None else compressor.end(), more=False)
        finally:
            with suppress(Exception):
                await asyncio.shield(_close(pool, pieces))


async def _hand_over(send: Send, piece: bytes, reader: Reader) -> int:
    """Send a piece; return how much of it was sent before its answer was ended, as nobody took it."""
    sent = 0
    with suppress(TimeoutError):
        async with taking(reader):
            while sent < len(piece):
                # In slices: what does not fit into the socket is moved about in memory with each that is sent.
                await _piece(send, piece[sent : sent + _SLICE_BYTES])
                sent = min(sent + _SLICE_BYTES, len(piece))
                reader.takes()
    return sent


class ByMethod:
    """The ASGI application of one path: one endpoint for each method."""

    def __init__(self, endpoints: Mapping[str, ASGIApp]) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._endpoints[method](scope, receive, send)


class Aborted(Exception):  # noqa: N818  the client went away, which is no error of anybody here
    """A stream that ends before it is complete."""


def bearer(request: Request) -> str | None:
    """Return the key of a request."""
    scheme, _, key = request.headers.get("authorization", "").strip().partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def parameters_of(request: Request) -> dict[str, object]:
    """Return the parameters of a URL; what comes several times is a list."""
    found: dict[str, object] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        found[name] = values[0] if len(values) == 1 else values
    return found


async def send_error(error: HttpError, path: str, trace_id: str, send: Send) -> None:
    """Answer with an error."""
    headers = {"content-type": "text/plain; charset=utf-8" if error.plain else "application/json", **error.headers}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = error.message.encode() if error.plain else json_bytes(error.body(path, trace_id))
    headers["content-length"] = str(len(body))
    await _start(send, error.status, headers)
    await send({"type": "http.response.body", "body": body})


async def _watch(receive: Receive, call: Call) -> None:
    """Wait until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
    call.left = True
    call.gone.set()


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _piece(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def _close(pool: Pool, pieces: Iterator[bytes]) -> None:
    close = cast("Any", getattr(pieces, "close", None))
    if close is not None:
        await pool.go_on(close)
