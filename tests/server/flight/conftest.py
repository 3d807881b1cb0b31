"""One server with Flight SQL for all tests of it."""

from __future__ import annotations

import pytest
from pyarrow import flight
from server_support.flight import OWNER, FlightDoor
from server_support.party import Party
from server_support.pg import demo_rows

import btql
from btql_server.running import running_doors
from btql_server.settings import Settings


@pytest.fixture(scope="session")
def door(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flight") / "db"
    with btql.connect(folder) as connection:
        connection.ingest("project_logs:demo", demo_rows())
        connection.compact()
    with running_doors(Settings(folder, ("127.0.0.1", 0), flight=("127.0.0.1", 0))) as addresses:
        party = Party(addresses["http"], folder)
        yield FlightDoor(addresses["flight"], party, party.key(OWNER).text)
        party.close()


@pytest.fixture(scope="session")
def client(door):
    with flight.connect(door.address) as found:
        yield found


@pytest.fixture
def cursor(door):
    with door.adbc() as connection, connection.cursor() as found:
        yield found
