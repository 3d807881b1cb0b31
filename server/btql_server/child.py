"""A process that the parent of ``btql serve`` keeps: started, asked to stop, killed, and started again when it dies."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from btql_server.listening import ServeError, flight_url
from btql_server.operating.shared_counts import forget
from btql_server.settings import Settings

log = logging.getLogger("btql.serve")
_PAUSE_MAX_S = 30.0
_STEADY_S = 60.0
"""Who lived for so long is started again without a pause."""
_CLOSING_S = 10.0
"""What a child may take, beyond its grace, to close its files."""


class Child:
    """One child process, started again whenever it dies."""

    def __init__(
        self,
        role: str,
        name: str,
        settings: Settings,
        listeners: Mapping[str, socket.socket],
        environment: dict[str, str],
    ) -> None:
        self.name = name
        self._environment = environment
        self._role = role
        self._settings = settings
        self._listeners = listeners
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def keep(self, ready: asyncio.Event) -> None:
        """Run the process, and start it again until :meth:`stop`; an error where it never becomes ready."""
        pause = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            process = await self._start()
            if self._is_stopping():
                # Whoever stopped it may have seen the one before, which has ended.
                await self.stop()
                return
            line = await process.stdout.readline() if process.stdout is not None else b""
            if line.startswith(b"ready"):
                self._take_addresses(line.decode().split()[1:])
                ready.set()
            code = await process.wait()
            if self._is_stopping():
                return
            forget(self._environment, process.pid)
            if not ready.is_set():
                raise ServeError(f"the {self.name} process ended with code {code} before it was ready")
            pause = 0.0 if time.monotonic() - began > _STEADY_S else min(_PAUSE_MAX_S, 2 * pause + 0.5)
            log.error("a process died and is started again", extra={"child": self.name, "code": code, "pause_s": pause})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    def _take_addresses(self, found: Sequence[str]) -> None:
        """Keep the address that a worker has bound by itself, so that the next one in its place takes the same."""
        for each in found:
            name, _, port = each.partition("=")
            if name == "flight" and self._settings.flight is not None:
                self._settings = replace(self._settings, flight=(self._settings.flight[0], int(port)))

    @property
    def flight_url(self) -> str | None:
        """Where the process serves Flight SQL."""
        return flight_url(self._settings)

    async def _start(self) -> Process:
        numbers = {door: listener.fileno() for door, listener in self._listeners.items()}
        doors = [f"{door}={number}" for door, number in numbers.items()]
        command = [sys.executable, "-m", "btql_server.process", self._role, self.name, *doors]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=tuple(numbers.values()),
            start_new_session=True,
            env=os.environ | self._environment,
        )
        self._process = process
        assert process.stdin is not None
        process.stdin.write(self._settings.to_json() + b"\n")
        await process.stdin.drain()
        return process

    def _is_stopping(self) -> bool:
        return self._stopping.is_set()

    async def stop(self) -> None:
        """Let the process end by itself; kill it where that takes too long."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), self._settings.stop_grace_s + _CLOSING_S)
        except TimeoutError:
            log.error("a process did not stop and is killed", extra={"child": self.name})  # noqa: TRY400
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End the process at once. What it acknowledged is durable."""
        self._stopping.set()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
