"""Kills of processes under load, on every combination of services."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from soak.conftest import seeds
from storage_support.kills import survivors
from storage_support.places import SERVICES, place_over

_SHARE = 0.025
_KILLS = 10


@pytest.mark.parametrize("writers", [1, 3])
@pytest.mark.parametrize("services", [("folder",), *SERVICES.values()], ids=["folder", *SERVICES])
def test_kills(
    request: pytest.FixtureRequest, scratch: Path, survived: Counter[str], services: tuple[str, ...], writers: int
):
    for seed in seeds(_SHARE):
        place = (
            str(scratch / str(seed)) if services == ("folder",) else place_over(request, services, scratch / str(seed))
        )
        with survivors(place, seed, writers) as database:
            while database.kills < _KILLS:
                # Longer than a lease.
                database.kill(lives_s=0.5, pause_s=1.5)
            database.finish()
            survived.update({"killed": database.kills, "acknowledged": len(database.acknowledged), "databases": 1})
