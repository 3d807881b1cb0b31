"""The children of `btql serve`, told to stop at moments when none of them runs."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from typing import Any, cast

import pytest
from server_support import loops

from btql_server.child import Child
from btql_server.operating.shared_counts import FOLDER
from btql_server.settings import Settings


class Pipe:
    def __init__(self):
        self.closed = asyncio.Event()

    def close(self):
        self.closed.set()

    async def readline(self):
        return b"ready\n"


class Ended:
    """A process that is ready, and ends at once or once it is told to."""

    pid = 0

    def __init__(self, *, at_once):
        self.stdin = self.stdout = Pipe()
        self.returncode = 1 if at_once else None

    async def wait(self):
        if self.returncode is None:
            await self.stdin.closed.wait()
            self.returncode = 0
        return self.returncode


class Childish(Child):
    def __init__(self, tmp_path, *, at_once):
        super().__init__("worker", "worker-1", Settings(tmp_path / "db"), {}, {FOLDER: str(tmp_path)})
        self.at_once = at_once
        self.latest: Any = None
        self.starting, self.may_start = asyncio.Event(), asyncio.Event()

    async def _start(self):
        self.starting.set()
        await self.may_start.wait()
        self._process = self.latest = cast("Any", Ended(at_once=self.at_once))
        return self._process


def test_a_child_in_its_pause_is_stopped_at_once(tmp_path):
    async def run():
        child = Childish(tmp_path, at_once=True)
        child.may_start.set()
        keeping = asyncio.create_task(child.keep(asyncio.Event()))
        for _ in range(3):
            await child.starting.wait()
            child.starting.clear()
        # It has died three times, so that the pause is of 3.5 s.
        await asyncio.sleep(0.05)
        await child.stop()
        await asyncio.wait_for(keeping, 2)

    loops.run(run())


def test_a_child_that_is_being_started_is_told_to_stop(tmp_path):
    async def run():
        child = Childish(tmp_path, at_once=False)
        keeping = asyncio.create_task(child.keep(asyncio.Event()))
        await child.starting.wait()
        await child.stop()
        child.may_start.set()
        await asyncio.wait_for(keeping, 5)
        assert child.latest.stdin.closed.is_set()

    loops.run(run())


@pytest.mark.parametrize(("role", "told"), [("worker", True), ("maintenance", True), ("worker", False)])
def test_a_child_whose_parent_died_while_it_was_starting_ends_like_any_other(role, told, tmp_path):
    settings = Settings(tmp_path / "db", flight=("127.0.0.1", 0))
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("127.0.0.1", 0)) as pg:
        doors = [f"http={http.fileno()}", f"pg={pg.fileno()}"]
        child = subprocess.Popen(
            [sys.executable, "-m", "btql_server.process", role, f"{role}-1", *doors],
            pass_fds=[http.fileno(), pg.fileno()],
            env={**os.environ, FOLDER: str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.close()
    child.stdin.write(settings.to_json() + b"\n" if told else b"")
    child.stdin.close()
    child.stdin = None
    try:
        said = child.communicate(timeout=60)[1].decode()
    finally:
        child.kill()

    assert (child.returncode, "Traceback" in said) == (0, False), said
