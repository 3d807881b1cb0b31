"""Leases: one holder at a time, and who lost one changes nothing any more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from storage_support.catalogs import Opener

from btql_storage.catalog import Assignment, Catalog, NewPart, Swap
from btql_storage.catalog.leases import LeaseLock
from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.compaction.run import remove_strangers
from btql_storage.coordination.numbers import LocalNumbers
from btql_storage.errors import Locked
from btql_storage.folder import Folder, Services, Settings
from btql_storage.part.format import PartStats
from btql_storage.stores.local import LocalStore

STATS = PartStats(10, 100, 0, 1, 2, 3, "p0", "p1")


def lock_of(catalog: Catalog, *, wait_s: float = 0.05, lease_s: float = 30) -> LeaseLock:
    lock = LeaseLock(catalog.database, "work", wait_s=wait_s, lease_s=lease_s)
    catalog.fence = lock
    return lock


def end(lock: LeaseLock) -> None:
    """Let a lease run out at once, as if its holder had been paused for as long."""
    assert lock._token is not None
    lock._set_end(lock._token, 0)


def test_one_holder_at_a_time(open_catalog: Opener):
    mine, other = lock_of(open_catalog()), lock_of(open_catalog())
    with mine.held():
        with mine.held():
            pass
        with (
            pytest.raises(Locked, match=r"process \d+ .*` has held the work lease of `.*` for 0\.05 s; wait"),
            other.held(),
        ):
            pass
    with other.held():
        pass
    with mine.held(), LeaseLock(open_catalog().database, "other work", wait_s=0).held():
        pass


def test_threads_of_one_process_take_turns(open_catalog: Opener):
    lock = lock_of(open_catalog(), wait_s=20)
    inside: list[str] = []

    def work(name: str) -> None:
        with lock.held():
            inside.append(f"{name} begins")
            inside.append(f"{name} ends")

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(work, "abcdef"))

    assert [one[0] for one in inside[::2]] == [one[0] for one in inside[1::2]]
    impatient = lock_of(open_catalog())
    with impatient.held(), ThreadPoolExecutor(1) as threads, pytest.raises(Locked, match="another thread"):
        threads.submit(lambda: impatient.held().__enter__()).result()


def test_a_lease_is_renewed_while_it_is_held(open_catalog: Opener):
    mine, other = lock_of(open_catalog(), lease_s=0.3), lock_of(open_catalog(), wait_s=0.7)
    with mine.held(), pytest.raises(Locked), other.held():
        pass


def test_the_lease_of_a_dead_process_runs_out(open_catalog: Opener):
    lock_of(open_catalog(), lease_s=0.2)._take()
    with lock_of(open_catalog(), wait_s=10).held():
        pass


def test_a_clock_that_is_set_back_keeps_nobody_waiting(open_catalog: Opener):
    mine, other = lock_of(open_catalog()), lock_of(open_catalog())
    assert mine._take() is not None
    with pytest.raises(Locked), other.held():
        pass
    with open_catalog().database.writing() as run:
        run.execute("update leases set expires_at = expires_at + 3600000")
    with other.held():
        pass


def test_who_was_paused_for_too_long_changes_nothing(open_catalog: Opener):
    slow, quick = open_catalog(), open_catalog()
    paused, other = lock_of(slow), lock_of(quick)
    segment = slow.new_segment(slow.create_object("dataset", "d").id)
    events = [Assignment(5, segment.id, np.array([0, 1]), 10)]
    with paused.held():
        end(paused)
        with other.held():
            for change in (
                lambda: slow.commit_processed(0, 5, events),
                lambda: slow.commit_swap(Swap(1, segment.id, (), {}, (), (), ()), 1),
                lambda: slow.forget(files=[5]),
            ):
                with pytest.raises(Locked, match=r"the work lease of `.*` ran out and another process has it"):
                    change()

            assert slow.pending() == {}
            quick.commit_processed(0, 5, events)
    with paused.held(), pytest.raises(Locked, match="another process changed the catalog"):
        slow.commit_processed(0, 5, events)
    with pytest.raises(Locked):
        slow.commit_processed(5, 6, [])

    assert slow.processed_upto() == 5


def test_a_lease_that_ran_out_and_nobody_took_is_still_good(open_catalog: Opener):
    catalog = open_catalog()
    lock = lock_of(catalog)
    with lock.held():
        end(lock)
        catalog.commit_processed(0, 5, [])

    assert catalog.processed_upto() == 5


def test_who_lost_a_lease_does_not_give_back_that_of_another(open_catalog: Opener):
    paused, other, third = (lock_of(open_catalog()) for _ in range(3))
    with paused.held():
        end(paused)
        holding = other.held()
        holding.__enter__()
    with pytest.raises(Locked), third.held():
        pass
    holding.__exit__(None, None, None)
    with third.held():
        pass


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


class Pausing(LocalStore):
    """Lets others work right after it has listed the parts, as if its process stood still for as long."""

    def __init__(self, root: Path, meanwhile: Callable[[], None]) -> None:
        super().__init__(root)
        self.meanwhile = meanwhile

    def list(self, name: str, after: str = "") -> list[str]:
        found = super().list(name, after)
        if name == "parts":
            self.meanwhile()
        return found


def test_who_was_paused_removes_no_part_that_others_have_made(quick_path: Path, open_catalog: Opener):
    mine, others = open_catalog(), open_catalog()
    lock, other_lock = lock_of(mine), lock_of(others)

    def worker(store: LocalStore) -> Folder:
        services = Services(store, mine, LocalNumbers(store, SYSTEM_CLOCK, 1), lock)
        return Folder(services, read_only=False, settings=Settings(), clock=SYSTEM_CLOCK)

    def meanwhile() -> None:
        end(lock)
        with other_lock.held():
            segment = others.new_segment(others.create_object("dataset", "d").id)
            (quick_path / "parts/2").mkdir()
            part = NewPart(others.next_part_id(), STATS, {})
            others.commit_swap(Swap(1, segment.id, [part], {}, (), (), ()), 1)
            (quick_path / f"parts/.new-{others.next_part_id()}").mkdir()

    (quick_path / f"parts/{mine.next_part_id()}").mkdir(parents=True)
    with lock.held(), pytest.raises(Locked, match="ran out"):
        remove_strangers(worker(Pausing(quick_path, meanwhile)))
    assert names_in(quick_path / "parts") == [".new-3", "1", "2"]

    with lock.held():
        remove_strangers(worker(LocalStore(quick_path)))
    assert names_in(quick_path / "parts") == ["2"]


def test_unfinished_work_of_later_parts_is_left(quick_path: Path):
    store = LocalStore(quick_path)
    for name in (".new-1", ".new-7-x", ".new-12"):
        (quick_path / "parts" / name).mkdir(parents=True)
    store.sweep("parts", 11)
    assert names_in(quick_path / "parts") == [".new-12"]
    store.sweep("parts")
    assert names_in(quick_path / "parts") == []


def test_what_killed_writers_left_goes_once_their_number_is_processed(tmp_path: Path):
    store = LocalStore(tmp_path)
    store.make_folder("wal")
    for name in (".new-77-0000000000000000011.arrow", ".new-77-0000000000000000012.arrow"):
        (tmp_path / "wal" / name).touch()
    store.sweep("wal", 11)

    assert [path.name for path in (tmp_path / "wal").iterdir()] == [".new-77-0000000000000000012.arrow"]
