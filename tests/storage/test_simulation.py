"""Plays of many processes in all weathers: nothing acknowledged is lost, nothing is seen that was not, or twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from storage_support.simulation.play import play

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_play(quick_path: Path, seed: int):
    outcome = play(seed, quick_path / "db")

    assert outcome.checks > 0


def test_a_play_follows_from_its_seed(quick_path: Path):
    first, second = (play(4, quick_path / name / "db") for name in ("first", "second"))

    assert first == second
