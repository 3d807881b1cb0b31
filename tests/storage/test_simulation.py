"""Plays of many processes in all weathers: nothing acknowledged is lost, nothing is seen that was not, or twice.

`make soak` plays many more (tests/soak).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from storage_support.simulation.play import play
from storage_support.simulation.world import Weather

PLAYS = {(3, False), (5, False)}
"""Seeds, and whether several machines share the database."""
FAILED_ONCE = {
    # Whoever waited for the lock of a folder polled it, tens of thousands of times: the play did not end.
    (6001, False),
    # A file was neither made durable nor removed, and the play took the error for one that says that nothing is stored.
    (6124, False),
    # Processing went past a number that was flying, in a register that was made to be wrong.
    (4, True),
    # A register that had forgotten gave a number to two; one of them took the other's file for its own.
    (57, True),
    # A version was named while a file was on its way of whose number the register knew nothing any more.
    (5026, True),
    # A list lacked files that were confirmed, and processing went past their numbers.
    (9014, True),
    # It lacked a file that the same process had written, and then read.
    (9038, True),
}


@pytest.mark.parametrize(("seed", "shared"), sorted(FAILED_ONCE | PLAYS))
def test_a_play(quick_path: Path, seed: int, shared: bool):
    assert play(seed, quick_path / "db", shared=shared).checks > 0


@pytest.mark.parametrize(("seed", "shared"), [(66, False), (61, True)])
def test_a_play_whose_clocks_jump_all_the_time(quick_path: Path, seed: int, shared: bool):
    # What a clock that was hours ahead had marked as no longer needed stayed until all clocks were there.
    weather = replace(Weather.drawn(Random(seed), shared=shared), jump=0.05)

    assert play(seed, quick_path / "db", shared=shared, weather=weather).checks > 0


def test_a_play_follows_from_its_seed(quick_path: Path):
    first, second = (play(5, quick_path / name / "db", shared=True) for name in ("first", "second"))

    assert first == second
    assert first.checks > 0
