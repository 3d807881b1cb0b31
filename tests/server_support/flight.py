"""Clients of Flight SQL in tests, and where they find the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import adbc_driver_flightsql.dbapi as flightsql
from adbc_driver_flightsql import DatabaseOptions
from pyarrow import flight

from server_support.party import Party

OWNER = "ann@example.com"


@dataclass(frozen=True, slots=True)
class FlightDoor:
    """A server with keys, and its address."""

    address: str
    party: Party
    key: str
    """Of :data:`OWNER`, who may write."""

    def adbc(self, key: str | None = None, **options: str) -> flightsql.Connection:
        """Return a connection of ADBC."""
        authorization = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {key or self.key}"}
        return flightsql.connect(self.address, db_kwargs={**authorization, **options}, autocommit=True)

    def options(self, key: str | None = None, headers: Mapping[str, str] | None = None) -> flight.FlightCallOptions:
        """Return what ``pyarrow.flight`` sends with a call."""
        sent = {"authorization": f"Bearer {key or self.key}", **(headers or {})}
        return flight.FlightCallOptions(headers=[(name.encode(), text.encode()) for name, text in sent.items()])
