"""Messages of sessions share the room that bodies of requests have: as they come, and while they are answered."""

from __future__ import annotations

import struct
import time

import pytest
from server_support.loops import run
from server_support.pg import place as place_of
from server_support.pg_raw import SYNC, Raw, bind, error, execute, parse, query, rows, startup

from btql_server import state
from btql_server.pgwire.requests import STARTUP_BYTES_MAX, Violation
from btql_server.pgwire.wire import Wire
from btql_server.running import running_doors
from btql_server.settings import Limits, Settings

LARGE = bind("", "", [b"x" * 1_500_000])


@pytest.fixture(scope="module")
def cramped(tmp_path_factory):
    """A server that has room for 2 MiB."""
    settings = Settings(
        tmp_path_factory.mktemp("cramped") / "db",
        ("127.0.0.1", 0),
        pg=("127.0.0.1", 0),
        insecure_no_auth=True,
        limits=Limits(request_bytes_max=1 << 20),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "machine_memory", lambda: 0)
        with running_doors(settings) as addresses:
            yield place_of(addresses["pg"])


def test_a_message_that_finds_no_room_beside_others_ends_its_session_alone(cramped):
    with Raw(*cramped) as first, Raw(*cramped) as second, Raw(*cramped) as third:
        for each in (first, second, third):
            each.ask(startup())
        first.send(parse("SELECT length($1::text)"), LARGE[:-10])
        _wait_until_received(third)
        # No more than it takes to be refused: what nobody reads any more would reset the connection.
        second.send(parse("SELECT length($1::text)"), LARGE[:729_000])
        refusal = error(second.rest())
        assert (refusal["S"], refusal["C"]) == ("FATAL", "53200")
        assert "hold the 2,097,152 bytes" in refusal["M"]

        assert rows(third.ask(query("SELECT 1"))) == [["1"]]
        assert rows(first.ask(LARGE[-10:], execute(), SYNC)) == [["1500000"]]
        # What others held is given back, and so is what was refused.
        assert rows(third.ask(parse("SELECT length($1::text)"), LARGE, execute(), SYNC)) == [["1500000"]]


def _wait_until_received(other):
    """Wait until the server has read what was sent before, on another connection."""
    for _ in range(20):
        other.ask(query("SELECT 1"))
        time.sleep(0.02)


def test_who_has_proved_nothing_yet_sends_no_large_message():
    async def refused():
        wire = Wire()
        wire.data_received(b"B" + struct.pack("!i", 1 << 20))
        with pytest.raises(Violation, match="longer than 10,000 bytes"):
            await wire.message(STARTUP_BYTES_MAX)

    run(refused())
