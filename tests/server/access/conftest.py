"""An administrator of each of two organizations."""

from __future__ import annotations

import pytest

from btql_server.access.model import Level


@pytest.fixture(scope="module")
def ann(party):
    """An administrator of the default organization."""
    return party.join("ann@example.com", Level.ADMIN)


@pytest.fixture(scope="module")
def otto(party):
    """An administrator of another organization."""
    return party.join("otto@other.example", Level.ADMIN, organization="other")
