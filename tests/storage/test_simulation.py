"""Plays of many processes in all weathers: nothing acknowledged is lost, nothing is seen that was not, or twice.

`make soak` plays many more (tests/soak).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from storage_support.simulation.play import play

# Of some hundred calls each.
SEEDS = (0, 3, 4, 5)
FAILED_ONCE = {
    # Processing went past a number that was flying, in a register that was made to be wrong.
    (4, True),
}


@pytest.mark.parametrize(
    ("seed", "shared"), sorted(FAILED_ONCE | {(seed, shared) for seed in SEEDS for shared in (False, True)})
)
def test_a_play(quick_path: Path, seed: int, shared: bool):
    assert play(seed, quick_path / "db", shared=shared).checks > 0


def test_a_play_follows_from_its_seed(quick_path: Path):
    first, second = (play(3, quick_path / name / "db", shared=True) for name in ("first", "second"))

    assert first == second
