"""Kills of processes under load, on every combination of services."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from soak.conftest import Turn
from storage_support.kills import survivors
from storage_support.places import SERVICES, place_over

_KILLS_MAX = 10
"""Of the processes of one database."""


@pytest.mark.parametrize("writers", [1, 3])
@pytest.mark.parametrize("services", [("folder",), *SERVICES.values()], ids=["folder", *SERVICES])
def test_kills(
    request: pytest.FixtureRequest,
    scratch: Path,
    turn: Turn,
    survived: Counter[str],
    services: tuple[str, ...],
    writers: int,
):
    for seed in turn.seeds():
        place = (
            str(scratch / str(seed)) if services == ("folder",) else place_over(request, services, scratch / str(seed))
        )
        with survivors(place, seed, writers) as database:
            while not database.kills or (database.kills < _KILLS_MAX and not turn.is_over):
                # Longer than a lease.
                database.kill(lives_s=0.5, pause_s=1.5)
            database.finish()
            survived.update({"killed": database.kills, "acknowledged": len(database.acknowledged), "databases": 1})
