"""Plays over real services: which call comes after which follows from the seed, what they do is their own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from shutil import rmtree

import pytest
from soak.conftest import Turn
from storage_support.places import SERVICES, place_over
from storage_support.simulation.play import play


@pytest.mark.turn(share=2)
@pytest.mark.parametrize("services", SERVICES.values(), ids=list(SERVICES))
def test_seeds(
    request: pytest.FixtureRequest, scratch: Path, turn: Turn, survived: Counter[str], services: tuple[str, ...]
):
    for seed in turn.seeds():
        folder = scratch / str(seed)
        address = place_over(request, services, folder, f"_{seed}")
        outcome = play(seed, folder / "play", shared=True, address=address)
        rmtree(folder, ignore_errors=True)
        survived.update(outcome.counts)
        survived.update({"plays": 1, "calls": outcome.calls, "checks": outcome.checks})
