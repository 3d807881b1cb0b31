"""Cancel keys: how one connection stops what another one does, whichever process has it.

A session has a number and a secret. The number says which worker the session is in; a request that reaches
another worker is handed on by a datagram, to a socket in a folder that the server's processes share. Wherever it ends
up, the secret decides, in constant time, and whoever asks learns nothing.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from btql_server.operating.shared_counts import FOLDER

log = logging.getLogger("btql.pg")
_SLOT = 1 << 20
_SECRET_BYTES = 4
_LONG_SECRET_BYTES = 32
_DATAGRAM_MAX = 300


class Cancelling:
    """The sessions of one worker, by what their cancel requests say."""

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._numbers = count(1)
        self._sessions: dict[int, tuple[bytes, Callable[[], None]]] = {}
        folder = os.environ.get(FOLDER)
        self._folder = None if folder is None else Path(folder)
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Take requests of other workers."""
        if self._folder is None:
            return
        path = self._path(self._worker)
        with suppress(FileNotFoundError):
            path.unlink()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._receive)

    def close(self) -> None:
        """Take no more requests."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def register(self, cancel: Callable[[], None], *, long: bool) -> tuple[int, bytes]:
        """Return the number and the secret of a session; ``long`` as of protocol 3.2."""
        while True:
            number = self._worker * _SLOT + next(self._numbers) % _SLOT
            if number not in self._sessions:
                break
        secret = secrets.token_bytes(_LONG_SECRET_BYTES if long else _SECRET_BYTES)
        self._sessions[number] = secret, cancel
        return number, secret

    def forget(self, number: int) -> None:
        """Leave out a session that ended."""
        self._sessions.pop(number, None)

    def cancel(self, number: int, secret: bytes) -> None:
        """Cancel what a session does, in this process or in another one."""
        if number // _SLOT == self._worker:
            self._cancel(number, secret)
        elif self._folder is not None and self._socket is not None and number > 0:
            with suppress(OSError):
                self._socket.sendto(number.to_bytes(4, "big") + secret[:256], str(self._path(number // _SLOT)))

    def _cancel(self, number: int, secret: bytes) -> None:
        found = self._sessions.get(number)
        if found is not None and hmac.compare_digest(found[0], secret):
            found[1]()

    def _receive(self) -> None:
        assert self._socket is not None
        with suppress(OSError):
            data = self._socket.recv(_DATAGRAM_MAX)
            self._cancel(int.from_bytes(data[:4], "big"), data[4:])

    def _path(self, worker: int) -> Path:
        assert self._folder is not None
        return self._folder / f"pg-{worker}.socket"
