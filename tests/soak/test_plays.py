"""Plays of many seeds, and plays in which just one thing goes wrong: at the first call, the second, the third …"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from shutil import rmtree

import pytest
from soak.conftest import Turn
from storage_support.simulation.play import play
from storage_support.simulation.world import Weather

ONE_MACHINE = ["error", "lost", "twice", "kill", "power"]
SEVERAL_MACHINES = ["error", "lost", "twice", "kill", "late", "forget", "stale"]


@pytest.mark.turn(share=8)
@pytest.mark.parametrize("shared", [False, True], ids=["one machine", "several machines"])
def test_seeds(scratch: Path, turn: Turn, survived: Counter[str], shared: bool):
    for seed in turn.seeds():
        _play(scratch, survived, seed, shared=shared)


@pytest.mark.parametrize(
    ("what", "shared"), [*((what, False) for what in ONE_MACHINE), *((what, True) for what in SEVERAL_MACHINES)]
)
def test_each_call(scratch: Path, turn: Turn, survived: Counter[str], what: str, shared: bool):
    for seed in turn.seeds():
        calls = _play(scratch, survived, seed, shared=shared, weather=Weather())
        step = max(calls // 100, 1)
        for at in turn.some_of(range(1 + seed % step, calls + 1, step)):
            _play(scratch, survived, seed, shared=shared, weather=Weather(at=at, what=what))


def _play(scratch: Path, survived: Counter[str], seed: int, *, shared: bool, weather: Weather | None = None) -> int:
    folder = scratch / "play"
    outcome = play(seed, folder / "db", shared=shared, weather=weather)
    rmtree(folder)
    survived.update(outcome.counts)
    survived.update({"plays": 1, "calls": outcome.calls, "checks": outcome.checks})
    return outcome.calls
