"""Plays of many processes in all weathers: nothing acknowledged is lost, nothing is seen that was not, or twice.

`make soak` plays many more (tests/soak).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from storage_support.simulation.play import play

# Of about 300 calls each; what failed once is added below.
SEEDS = range(8)
FAILED_ONCE: list[tuple[int, bool]] = []


@pytest.mark.parametrize("shared", [False, True], ids=["one machine", "several machines"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_play(quick_path: Path, seed: int, shared: bool):
    assert play(seed, quick_path / "db", shared=shared).checks > 0


@pytest.mark.parametrize("shared", [False, True], ids=["one machine", "several machines"])
def test_a_play_follows_from_its_seed(quick_path: Path, shared: bool):
    first, second = (play(4, quick_path / name / "db", shared=shared) for name in ("first", "second"))

    assert first == second
