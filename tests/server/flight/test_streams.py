"""Long answers: cancelled in every way, read slowly, read by two, and bounded."""

from __future__ import annotations

import os
import threading
import time

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pytest
from adbc_driver_flightsql import DatabaseOptions
from pyarrow import flight
from server_support.endless import ENDLESS, LONG
from server_support.processes import resident_bytes
from server_support.waiting import eventually

from btql_server.flight import envelopes, messages, statements
from btql_server.flight.protobuf import decode, encode


def info_of(client, door, text, **more):
    return client.get_flight_info(flight.FlightDescriptor.for_command(text.encode()), door.options(**more))


def asked(cursor, text):
    cursor.execute(text)
    return cursor.fetchall()


@pytest.fixture
def ended(caplog):
    """The status of the answers that ended, of those that were asked for in this test.

    The server is shared, and an answer that an earlier test left may end only now.
    """
    caplog.set_level("INFO", "btql.flight")
    began = time.time()

    def statuses():
        answers = [each for each in caplog.records if each.getMessage().startswith("DoGet Ticket")]
        return [each.status for each in answers if each.created - each.ms / 1_000 >= began]

    return statuses


def test_a_client_that_cancels_stops_the_query(door, ended):
    with door.adbc() as connection, connection.cursor() as cursor:
        cursor.execute(ENDLESS)
        reader = cursor.fetch_record_batch()
        reader.read_next_batch()
        cursor.adbc_cancel()
        with pytest.raises(OSError, match="canceled"):
            for _ in reader:
                pass

    eventually(ended)
    assert ended() == ["CANCELLED"]


def test_a_client_that_goes_away_stops_the_query(door, ended):
    with flight.connect(door.address) as gone:
        info = info_of(gone, door, ENDLESS)
        reader = gone.do_get(info.endpoints[0].ticket, door.options())
        reader.read_chunk()
        reader.cancel()
        del reader

    eventually(ended)
    assert ended() == ["CANCELLED"]


@pytest.mark.parametrize("action", ["CancelFlightInfo", "CancelQuery"])
def test_a_query_is_cancelled_by_its_flight_info(door, client, action):
    info = info_of(client, door, LONG)
    sent = info.serialize()
    if action == "CancelQuery":
        body = envelopes.wrap(messages.ActionCancelQueryRequest(sent))
    else:
        body = b"\n" + bytes([len(sent) & 0x7F | 0x80, len(sent) >> 7]) + sent
    cancelled = threading.Timer(0.3, lambda: list(client.do_action((action, body), door.options())))
    cancelled.start()
    began = time.monotonic()
    with pytest.raises(flight.FlightCancelledError, match="B0502"):
        client.do_get(info.endpoints[0].ticket, door.options()).read_all()
    cancelled.join()
    answers = [each.body.to_pybytes() for each in client.do_action((action, body), door.options())]

    assert time.monotonic() - began < 20
    # It runs no more.
    found = envelopes.unwrap(answers[0])
    assert decode(messages.StatusResult, answers[0] if found is None else found[1]).status == 3
    assert encode(messages.StatusResult(3)) in answers[0]


def test_a_time_limit_ends_a_query(door, client):
    with pytest.raises(flight.FlightTimedOutError, match="B0501"):
        client.do_get(
            info_of(client, door, LONG, headers={"x-btql-timeout": "0.3"}).endpoints[0].ticket, door.options()
        ).read_all()
    assert client.do_get(flight.Ticket(b"SELECT 1 AS one"), door.options()).read_all().num_rows == 1


def test_a_deadline_of_the_client_ends_a_query(door, ended):
    with (
        door.adbc(**{DatabaseOptions.TIMEOUT_FETCH.value: "0.5"}) as connection,
        connection.cursor() as cursor,
        pytest.raises((flightsql.Error, OSError), match=r"(?i)deadline"),
    ):
        asked(cursor, LONG)

    eventually(ended)
    assert ended() == ["CANCELLED"]


def test_a_slow_reader_takes_no_memory_and_no_time_of_the_query(door, client):
    info = info_of(client, door, ENDLESS, headers={"x-btql-timeout": "2.5"})
    reader = client.do_get(info.endpoints[0].ticket, door.options())
    reader.read_chunk()
    before = resident_bytes(os.getpid())
    time.sleep(2.7)
    grown = resident_bytes(os.getpid()) - before
    for _ in range(20):
        reader.read_chunk()
    reader.cancel()

    assert grown < 100 << 20


def test_two_readers_each_get_their_rows(door):
    counts: dict[int, int] = {}

    def read(number: int) -> None:
        with flight.connect(door.address) as client:
            info = info_of(client, door, f"SELECT a.id, b.id AS other FROM demo a, demo b WHERE a.input.n < {number}")
            counts[number] = client.do_get(info.endpoints[0].ticket, door.options()).read_all().num_rows

    threads = [threading.Thread(target=read, args=(number,)) for number in (100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts == {100: 50_000, 200: 100_000}


def test_large_rows_come_in_pieces(door, client, cursor):
    table = pa.table({"id": [f"r{n}" for n in range(12)], "input": ["x" * 400_000] * 12})
    cursor.adbc_ingest("large", table, mode="create", db_schema_name="project_logs")
    reader = client.do_get(flight.Ticket(b"SELECT id, input FROM project_logs.large"), door.options())
    sizes = [chunk.data.nbytes for chunk in reader]

    assert sum(sizes) > 4_800_000
    assert max(sizes) <= 4 << 20


def test_more_readers_than_there_may_be_are_refused(door, client, monkeypatch):
    def is_free() -> bool:
        try:
            return bool(client.do_get(flight.Ticket(b"SELECT 1 AS one"), door.options()).read_all().num_rows)
        except flight.FlightUnavailableError:
            return False

    monkeypatch.setattr(statements, "_READERS_MAX", 1)
    # Answers that were cancelled before are let go of a little later.
    eventually(is_free)
    info = info_of(client, door, ENDLESS)
    reader = client.do_get(info.endpoints[0].ticket, door.options())
    reader.read_chunk()
    with pytest.raises(flight.FlightUnavailableError, match="answers are being read"):
        client.do_get(flight.Ticket(b"SELECT 1 AS one"), door.options()).read_all()
    reader.cancel()
    del reader

    eventually(is_free)
