"""A server in a thread of this process: what goes wrong before it is ready is raised, and nothing stays open."""

from __future__ import annotations

import socket
import threading

import pytest

from btql_server.listening import ServeError
from btql_server.running import running, running_doors
from btql_server.settings import Settings
from btql_server.state import State
from btql_server.worker import Worker

ANY = ("127.0.0.1", 0)


@pytest.fixture
def states(monkeypatch):
    """Counts how many states are open."""
    still_open: list[State] = []
    opened, close = State.open, State.close

    def open_(settings):
        still_open.append(opened(settings))
        return still_open[-1]

    def close_(state):
        close(state)
        still_open.remove(state)

    monkeypatch.setattr(State, "open", open_)
    monkeypatch.setattr(State, "close", close_)
    return still_open


def test_what_fails_before_the_server_is_ready_is_raised(tmp_path, monkeypatch, states):
    async def run(worker):
        raise RuntimeError("no, not today")

    monkeypatch.setattr(Worker, "run", run)
    threads = threading.active_count()

    with pytest.raises(RuntimeError, match="not today"), running(Settings(tmp_path / "db", ANY)):
        pytest.fail("it is not ready")

    assert states == []
    assert threading.active_count() <= threads


def test_a_port_of_flight_that_is_taken_is_an_error(tmp_path, states):
    with socket.create_server(ANY) as taken:
        settings = Settings(tmp_path / "db", ANY, flight=taken.getsockname())
        with pytest.raises(ServeError, match="cannot listen"), running_doors(settings):
            pytest.fail("it is not ready")

    assert states == []


def test_a_port_that_is_taken_leaves_nothing_open(tmp_path, states):
    with (
        socket.create_server(ANY) as taken,
        pytest.raises(ServeError, match="cannot listen"),
        running(Settings(tmp_path / "db", taken.getsockname())),
    ):
        pytest.fail("it is not ready")

    assert states == []


def test_a_server_stops_where_the_body_fails(tmp_path, states):
    with pytest.raises(KeyError), running(Settings(tmp_path / "db", ANY)):
        raise KeyError

    assert states == []
