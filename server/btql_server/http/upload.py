"""Bodies that are files: received into one, piece by piece, so that their size is no matter of memory.

A route with such a body says how much it takes (``room``), which is asked before anything is received: whoever has
no valid address for an upload cannot fill the disk.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from starlette.requests import Request

from btql_server.http.body import pieces_of
from btql_server.http.errors import HttpError
from btql_storage.errors import from_os_error

INCOMING = "uploads/incoming"
"""Where files are received, in the database's folder; what a crash leaves there is swept away later."""
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file; it is removed after the request, unless the handler has moved it."""

    path: Path
    size: int

    def discard(self) -> None:
        """Remove the file if it is still there."""
        self.path.unlink(missing_ok=True)


async def receive_upload(request: Request, room: int, folder: Path, wait_s: float) -> Upload:
    """Receive a body into a new file of a folder."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise HttpError(415, f"files are sent as they are, not with the content encoding `{encoding}`")
    path = folder / uuid4().hex
    size = 0
    waiting = BytesIO()
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        async for piece in pieces_of(request, room, wait_s):
            size += len(piece)
            waiting.write(piece)
            if waiting.tell() >= _PIECE_BYTES:
                await asyncio.to_thread(_append, path, waiting.getvalue())
                waiting = BytesIO()
        await asyncio.to_thread(_append, path, waiting.getvalue())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise from_os_error(error, "write", path) from error
        raise
    return Upload(path, size)


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)
