"""Who may call: keys as passwords and as bearers, as for HTTP."""

from __future__ import annotations

import base64

import adbc_driver_flightsql.dbapi as flightsql
import httpx
import pyarrow as pa
import pytest
from pyarrow import flight
from server_support.endless import ENDLESS
from server_support.waiting import eventually

from btql_server.access.desk import Desk
from btql_server.access.model import Level


def one(door, **options):
    with (
        flightsql.connect(door.address, db_kwargs=options, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 AS one")
        return cursor.fetchall()


@pytest.mark.parametrize("user", ["ann@example.com", "anything", ""])
def test_a_key_is_a_password_for_its_owner_and_for_any_name(door, user):
    assert one(door, username=user, password=door.key) == [(1,)]


def test_wrong_passwords_and_unknown_users_look_alike(door):
    told = set()
    for user, password in (
        ("ann@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
        ("bob@example.com", door.key),
        ("ann@example.com", door.key[:-1] + ("-" if door.key.endswith("_") else "_")),
    ):
        with pytest.raises(flightsql.ProgrammingError) as raised:
            one(door, username=user, password=password)
        told.add(str(raised.value))

    (message,) = told
    assert message.startswith("UNAUTHENTICATED: [FlightSQL] Invalid API key")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", "Basic", "Basic ???", "Basic eA==", "Digest x", "Basic " + "A" * 5_000]
)
def test_headers_that_hold_no_key_are_refused(door, client, header):
    options = flight.FlightCallOptions(headers=[(b"authorization", header.encode())] if header else [])

    with pytest.raises(flight.FlightUnauthenticatedError, match="API key"):
        client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT 1"), options)


def test_passwords_of_pyarrow_and_without_padding_are_taken(door, client):
    header, token = client.authenticate_basic_token("ann@example.com", door.key)
    basic = base64.b64encode(f"xy:{door.key}".encode()).rstrip(b"=")

    assert token == f"Bearer {door.key}".encode()
    for each in (token, b"Basic " + basic):
        options = flight.FlightCallOptions(headers=[(header, each)])
        table = client.do_get(flight.Ticket(b"SELECT 1 AS one"), options).read_all()
        assert table.to_pylist() == [{"one": 1}]


def test_a_key_reads_what_its_owner_may_read(door):
    door.party.join("elsewhere@example.com", Level.ADMIN).post("/v1/project", json={"name": "apart"})
    key = door.party.key("elsewhere@example.com", Level.READ, project="apart").text
    with (
        door.adbc(key) as connection,
        connection.cursor() as cursor,
        pytest.raises(flightsql.ProgrammingError, match="B0402"),
    ):
        cursor.execute("SELECT id FROM demo")


def test_a_key_that_is_revoked_reads_nothing_more_of_a_stream(door, client):
    issued = door.party.key("leaving@example.com")
    text = ENDLESS.encode()
    options = door.options(issued.text)
    info = client.get_flight_info(flight.FlightDescriptor.for_command(text), options)
    reader = client.do_get(info.endpoints[0].ticket, options)
    reader.read_chunk()
    with Desk.at(door.party.folder, "a test") as desk:
        desk.revoke(issued.key.id)

    with pytest.raises(flight.FlightUnauthenticatedError, match="Invalid API key"):
        reader.read_all()


def test_calls_are_counted_and_logged_without_what_is_private(door, client, caplog):
    caplog.set_level("INFO", "btql.flight")
    client.do_get(flight.Ticket(b"SELECT 'a secret' AS x FROM demo LIMIT 2"), door.options()).read_all()
    with pytest.raises(pa.ArrowInvalid, match="B0201"):
        client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT secret(1)"), door.options())
    # A call is over a moment after its answer has come.
    wanted = {("DoGet text OK", 2, None), ("GetFlightInfo text INVALID_ARGUMENT", 0, "B0201")}
    eventually(
        lambda: (
            wanted <= {(each.getMessage(), each.rows, each.error) for each in caplog.records if hasattr(each, "rows")}
        )
    )
    admin = door.party.key("watcher@example.com", Level.ADMIN).text
    metrics = httpx.get(f"{door.party.url}/metrics", headers={"authorization": f"Bearer {admin}"}).text

    assert not any("secret" in each.getMessage() or door.key in str(vars(each)) for each in caplog.records)
    assert 'btql_flight_calls_total{command="text",method="DoGet",status="OK"}' in metrics
    assert 'btql_flight_sent_rows_total{command="text",method="DoGet"}' in metrics
