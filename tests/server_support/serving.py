"""``btql serve`` as a process of its own, for tests where processes matter: real clients, restarts, crashes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

_READY = "ready http="
_TAKEN = "address already in use"
_WAIT_S = 60
"""How long a start or a stop may take on a busy machine."""


@dataclass(slots=True)
class Serving:
    """A server that can be stopped and started again, at the same address and with the same database."""

    data: Path
    options: tuple[str, ...] = ()
    url: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    """Where it listens, by what the ready line calls it: `http`, and `pg` and `flight` where they were asked for."""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """What the server has logged, over all its starts."""
        return self.data.with_name(f"{self.data.name}.log")

    def start(self) -> None:
        """Start, and wait until requests are answered."""
        address = self.url.removeprefix("http://") or "127.0.0.1:0"
        command = [sys.executable, "-m", "btql", "serve", "--data", str(self.data), "--http", address, *self.options]
        until = time.monotonic() + _WAIT_S
        while not (line := self._try(command)).startswith(_READY):
            said = self.log.read_text()[-4_000:]
            # A killed server's worker may not have noticed yet, or a client of another test has been given the port.
            if _TAKEN not in said.splitlines()[-1] or time.monotonic() > until:
                raise AssertionError(f"`btql serve` did not start: {line}{said}")
            time.sleep(0.5)
        self.addresses = dict(part.split("=", 1) for part in line.split()[1:])
        self.url = self.addresses["http"]

    def _try(self, command: list[str]) -> str:
        """Start once, and return the first line."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        timer = Timer(_WAIT_S, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line.startswith(_READY):
            self.stop()
        return line

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(how)
        try:
            return process.wait(_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()

    @property
    def pid(self) -> int:
        """The process that was started: the parent of all others."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None


@contextmanager
def btql_serve(data: Path, *options: str) -> Generator[Serving]:
    """Serve a database on a free port for as long as the block runs."""
    serving = Serving(data, options)
    serving.start()
    try:
        yield serving
    finally:
        if serving.is_running:
            serving.stop()


def new_key(data: Path, *options: str) -> str:
    """Return a key made by ``btql keys create``, with which the SDKs may do all that they do."""
    command = [sys.executable, "-m", "btql", "keys", "create", "--data", str(data), *options]
    made = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_S)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()
