"""Processes that are killed at random moments lose nothing they acknowledged and repeat nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from storage_support.kills import start, survivors
from storage_support.places import SERVICES, place_over
from storage_support.reading import documents_of

from btql_storage.store import Storage

KILLS = 20
KILLS_OVER_SERVICES = 3
SEED = 20_260_501


def test_twenty_kills_of_a_process_that_ingests_and_compacts(quick_path: Path):
    with survivors(str(quick_path / "db"), SEED) as database:
        while database.kills < KILLS:
            database.kill(lives_s=0.08)
        database.finish()

    assert len(database.acknowledged) >= KILLS // 2, "the processes lived too short to matter"


@pytest.fixture(params=SERVICES.values(), ids=list(SERVICES))
def place(request: pytest.FixtureRequest, quick_path: Path) -> str:
    return place_over(request, request.param, quick_path)


def test_kills_over_services(place: str):
    with survivors(place, SEED) as database:
        while database.kills < KILLS_OVER_SERVICES:
            database.kill(lives_s=0.25)
        database.finish()

    assert database.acknowledged


def test_writers_in_several_processes_take_turns(quick_path: Path):
    folder = quick_path / "db"
    count = 8
    children = [start(str(folder), str(SEED), str(first), str(count)) for first in (0, 1000)]
    acknowledged: set[int] = set()
    seen: set[int] = set()
    while any(child.poll() is None for child in children):
        if (folder / "catalog.sqlite").exists():
            seen = _own_rows(folder, seen)
        time.sleep(0.01)
    for child in children:
        output, _ = child.communicate(timeout=20)
        acknowledged |= {int(line.split()[1]) for line in output.decode().splitlines()}

    assert [child.returncode for child in children] == [0, 0]
    assert acknowledged == {*range(count), *range(1000, 1000 + count)}
    assert _own_rows(folder, seen) == acknowledged


def _own_rows(folder: Path, before: set[int]) -> set[int]:
    """Return which requests a reader sees; what was seen once stays."""
    with Storage.open(folder, read_only=True) as storage:
        if not storage.objects():
            return before
        rows = documents_of(storage, storage.object("dataset", "crash"))
    found = {int(row_id.removeprefix("own-")) for row_id in rows if row_id.startswith("own-")}

    assert before <= found

    return found
