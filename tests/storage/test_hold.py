"""Holds: files stay while a backup runs, and no longer, whatever the clock said when it was killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from storage_support.clocks import HandClock

from btql_storage.care.hold import PREFIX, held, is_held
from btql_storage.folder import Folder, Settings

SMALL = Settings(grace_s=0, wal_grace_s=0)
DAY = 86_400


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def folder(quick_path: Path, clock: HandClock):
    opened = Folder.at(quick_path / "db", create=True, settings=SMALL, clock=clock)
    yield opened
    opened.close()


def leave(folder: Folder) -> None:
    """Leave a hold as a backup does that is killed."""
    with held(folder):
        left = folder.catalog.settings(PREFIX)
    for name, value in left.items():
        folder.catalog.put_setting(name, value)


def test_a_hold_is_in_force_until_the_backup_is_done(folder: Folder):
    with held(folder):
        assert is_held(folder)
    assert not is_held(folder)


def test_one_that_was_left_ends_by_itself(folder: Folder, clock: HandClock):
    leave(folder)
    assert is_held(folder)
    clock.seconds += 121
    assert not is_held(folder)


def test_one_of_a_machine_whose_clock_is_somewhat_ahead_counts(folder: Folder, clock: HandClock):
    clock.seconds += 600
    leave(folder)
    clock.seconds -= 600
    assert is_held(folder)


@pytest.mark.parametrize("ahead_s", [DAY, 400 * DAY])
def test_one_that_was_left_while_the_clock_was_ahead_does_not_count(folder: Folder, clock: HandClock, ahead_s: int):
    clock.seconds += ahead_s
    leave(folder)
    clock.seconds -= ahead_s
    assert not is_held(folder)
