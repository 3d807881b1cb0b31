"""Bodies of requests that come at once: they have bounded room together, and find it again."""

from __future__ import annotations

import gzip
import json
import time
from contextlib import ExitStack

import pytest
from server_support.wire import connect, request

from btql_server import state
from btql_server.running import running
from btql_server.settings import Limits, Settings

PING = request("GET", "/ping")


@pytest.fixture(scope="module")
def cramped(tmp_path_factory):
    """A server that has room for two of the largest bodies."""
    limits = Limits(request_bytes_max=1 << 20)
    folder = tmp_path_factory.mktemp("cramped") / "db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "machine_memory", lambda: 0)
        with running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True, limits=limits)) as url:
            yield url


@pytest.mark.parametrize("compressed", [False, True])
def test_bodies_that_find_no_room_beside_others_are_told_to_come_back(cramped, compressed):
    large = request("POST", "/v1/project", json.dumps({"name": "large", "settings": {"x": "x" * 900_000}}).encode())
    packed = gzip.compress(large.partition(b"\r\n\r\n")[2])
    another = request("POST", "/v1/project", packed, {"content-encoding": "gzip"}) if compressed else large
    with ExitStack() as stack:
        first, second, fourth = (stack.enter_context(connect(cramped)) for _ in range(3))
        for wire in (first, second):
            wire.send(large[:-5])
        _wait_until_received(fourth)
        third = stack.enter_context(connect(cramped))
        third.send(another)
        answer = third.receive()
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
        assert "hold the 2,097,152 bytes" in answer.json()["Message"]

        fourth.send(request("POST", "/v1/project", b'{"name": "small"}'))
        assert fourth.receive().status == 200
        for wire in (first, second):
            wire.send(large[-5:])
            assert wire.receive().status == 200
        # What others held is given back, and so is what was refused.
        third.send(another)
        assert third.receive().status == 200


def _wait_until_received(wire):
    """Wait until the server has read what was sent before, on other connections."""
    for _ in range(20):
        wire.send(PING)
        assert wire.receive().status == 200
        time.sleep(0.02)
