"""Bodies of requests: received within limits, decompressed within limits, decoded to a declared shape.

The content type is not looked at: some SDKs send JSON without any.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from threading import Lock
from typing import Any, Protocol, TypeVar, cast

import msgspec
from starlette.requests import ClientDisconnect, Request

from btql_server.http.alarms import alarms_of
from btql_server.http.errors import HttpError, invalid
from btql_server.http.held import Held
from btql_server.http.many import begin_count, check_values, is_dense, rows_of
from btql_server.settings import Limits
from btql_storage.limits import DEFAULT, way_to_raise
from btql_storage.surrogates import mended

T = TypeVar("T")
_MIB = 1 << 20
_DEFLATED_SLICE = 4 << 10
"""Bytes of gzip that become at most 4 MiB, and are looked at again for each member in them."""
_ZSTD_SLICE = 512
"""Bytes of zstd that become at most 16 MiB, as a block of 4 bytes may become 128 KiB."""
_PLACE = re.compile(r"(?P<reason>.*?) - at `\$(?P<path>.*)`$", re.DOTALL)
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}
_making_one = Lock()
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|\[\.\.\.\]")


async def receive_body(request: Request, limits: Limits, held: Held) -> bytes:
    """Return the body of a request, decompressed."""
    # It grows in one place: pieces, and what they are joined to, would take twice the memory.
    received = BytesIO()
    async for piece in pieces_of(request, limits.request_bytes_max, limits.body_wait_s, "request_bytes_max"):
        held.change(len(piece))
        received.write(piece)
    body = received.getvalue()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    found = await asyncio.to_thread(decompress, body, encoding, limits, held)
    held.change(-len(body))
    return found


async def pieces_of(request: Request, bytes_max: int, wait_s: float, name: str | None = None) -> AsyncIterator[bytes]:
    """Yield the body of a request as it comes; refuse one that is too large, too slow, or cut short."""
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > bytes_max:
        raise _too_large(bytes_max, name)
    size = 0
    stream = request.stream()
    loop = asyncio.get_running_loop()
    try:
        while True:
            # Without a timer of its own: should the alarm ring, its time is up.
            async with asyncio.timeout(None) as patience:
                alarm = alarms_of(loop).call_later(wait_s, partial(_give_up, patience, loop))
                try:
                    piece = await anext(stream, None)
                finally:
                    alarm.cancel()
            if piece is None:
                return
            size += len(piece)
            if size > bytes_max:
                raise _too_large(bytes_max, name)
            yield piece
    except TimeoutError:
        raise HttpError(408, f"nothing of the body came for {wait_s:g} s") from None
    except ClientDisconnect:
        raise HttpError(400, "the body ends before it is complete") from None


def _give_up(patience: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
    patience.reschedule(loop.time())


def decompress(body: bytes, encoding: str, limits: Limits, held: Held) -> bytes:
    """Return a decompressed body; one that becomes too large is refused before it is in memory."""
    most = min(limits.request_bytes_max, len(body) * limits.decompression_ratio_max + _MIB)
    if encoding in ("gzip", "x-gzip"):
        pieces = _inflated(body, 31)
    elif encoding == "deflate":
        pieces = _inflated(body, 15)
    elif encoding == "zstd":
        pieces = _unzstd(body)
    else:
        raise HttpError(415, f"the content encoding `{encoding}` is not known here: send gzip, zstd, deflate or none")
    found = BytesIO()
    for piece in pieces:
        if found.tell() + len(piece) > most:
            raise HttpError(413, f"the body becomes larger than {most:,} bytes when it is decompressed")
        held.change(len(piece))
        found.write(piece)
    return found.getvalue()


def _inflated(body: bytes, window_bits: int) -> Iterator[bytes]:
    """Yield what gzip or deflate has made small; a gzip body may have several members, one after the other."""
    return _unpacked(body, _DEFLATED_SLICE, lambda: zlib.decompressobj(window_bits), zlib.error)


def _unzstd(body: bytes) -> Iterator[bytes]:
    """Yield what zstd has made small; its frames are what members are to gzip."""
    import zstandard

    return _unpacked(body, _ZSTD_SLICE, zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError)


class _Stream(Protocol):
    """What decompresses one member of a body."""

    @property
    def eof(self) -> bool:
        """Whether the member is complete."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What stands behind it."""
        ...

    def decompress(self, data: bytes, /) -> bytes:
        """Return what the next bytes become."""
        ...


def _unpacked(body: bytes, slice_bytes: int, begin: Callable[[], _Stream], broken: type[Exception]) -> Iterator[bytes]:
    stream = None
    try:
        for start in range(0, len(body), slice_bytes):
            rest = body[start : start + slice_bytes]
            while rest:
                stream = stream or begin()
                yield stream.decompress(rest)
                rest = stream.unused_data
                if stream.eof:
                    stream = None
        if stream is not None:
            raise HttpError(400, "the compressed body is cut short")
    except broken as error:
        raise HttpError(400, f"the body is not what its content encoding says: {error}") from None


def decode(body: bytes, shape: type[T]) -> T:
    """Return JSON as a declared shape; some programs begin what they write with a byte order mark."""
    text = body.removeprefix(BOM_UTF8)
    try:
        _check_size(text, shape)
        return _decoder_of(shape).decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        whole = mended(text)
        if whole is None:
            raise refusal(error, text) from None
    return decode(whole, shape)


def _check_size(text: bytes, shape: type) -> None:
    """Raise where JSON would take many times its size, before it does."""
    if not is_dense(text):
        return
    rows = rows_of(shape)
    if rows is None:
        check_values(text)
    else:
        begin_count()
        _decoder_of(rows).decode(text)


def _decoder_of(shape: type[T]) -> msgspec.json.Decoder[T]:
    """Return the decoder of a shape, made once and by one thread.

    What msgspec knows of a Struct it learns when that is first decoded. Were that by two threads at once, the second
    would go on with what the first has not finished, and take the process down.
    """
    found = _decoders.get(shape)
    if found is None:
        with _making_one:
            found = _decoders[shape] = _decoders.get(shape) or msgspec.json.Decoder(shape)
    return found


def refusal(error: Exception, text: bytes, path: Sequence[str | int] = ()) -> HttpError:
    """Return the answer to JSON that could not be decoded; ``path`` leads to where in the request it was."""
    match error:
        case msgspec.ValidationError():
            return wrong_shape(error, path)
        case UnicodeDecodeError():
            reason = f"not valid UTF-8 at its byte {_first_bad_byte(text) + 1}"
        case RecursionError():
            reason = "nested too deep"
        case _ if not text.strip():
            reason = "empty"
        case _:
            reason = f"not JSON: {str(error).removeprefix('JSON is malformed: ')}"
    return invalid(reason, path) if path else HttpError(400, f"the body is {reason}")


def require_shallow(value: object) -> None:
    """Raise for a decoded value that is nested deeper than an event may be: to write it would recurse too deep."""
    most = DEFAULT.document_depth_max
    level, depth = [value], 0
    while level:
        depth += 1
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(cast("dict[str, object]", each).values())
            elif isinstance(each, list):
                below.extend(cast("list[object]", each))
        if depth > most and below:
            raise HttpError(400, f"the body is nested too deep: more than {most} levels")
        level = below


def _first_bad_byte(text: bytes) -> int:
    """Return where a text stops being UTF-8; the decoder counts from the start of one string in it."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def convert(parameters: dict[str, object], shape: type[T]) -> T:
    """Return the parameters of a URL as a declared shape."""
    try:
        _decoder_of(shape)
        return msgspec.convert(parameters, shape, strict=False)
    except msgspec.ValidationError as error:
        raise wrong_shape(error) from None


def wrong_shape(error: msgspec.ValidationError, path: Sequence[str | int] = ()) -> HttpError:
    """Return the answer to JSON of a shape that was not declared."""
    text = str(error)
    found = _PLACE.match(text)
    if found is None:
        return invalid(text, path)
    steps = [
        key or (int(index) if index else "...")
        for key, index in (step.groups() for step in _STEP.finditer(found["path"]))
    ]
    return invalid(found["reason"], [*path, *steps])


def _too_large(bytes_max: int, name: str | None) -> HttpError:
    if name is None:
        return HttpError(413, f"the body is larger than the {bytes_max:,} bytes that this request may have")
    return HttpError(413, f"the body is larger than {bytes_max:,} bytes, the limit `{name}`; {way_to_raise(name)}")
