"""Work that goes on by itself: when it begins, how fast it may be, and what writers are told where it falls behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from storage_support.reading import documents_of

from btql_storage.background import loop
from btql_storage.background.loop import Background, Policy
from btql_storage.background.pace import UNHURRIED, Budget, Pace, WorkEnded
from btql_storage.background.pressure import Pressure
from btql_storage.catalog import ObjectInfo
from btql_storage.compaction.run import waiting_by_object
from btql_storage.errors import DiskFull, TooFarBehind
from btql_storage.folder import Settings
from btql_storage.store import Storage

DAY = "2026-01-01T00:00:00Z"
AT_ONCE = Policy(after_bytes=1)
_MIB = 1 << 20


@pytest.fixture
def storage(quick_path: Path) -> Generator[Storage]:
    with Storage.open(quick_path, create=True) as opened:
        yield opened


@pytest.fixture
def target(storage: Storage) -> ObjectInfo:
    return storage.create_object("project_logs", "x")


def put(storage: Storage, target: ObjectInfo, count: int = 1) -> None:
    storage.ingest(target, [{"id": str(number), "created": DAY, "input": "x" * 100} for number in range(count)])


def test_what_waits_is_compacted_by_itself(storage: Storage, target: ObjectInfo):
    jobs = threading.Semaphore(0)
    background = Background(storage, AT_ONCE, done=lambda done: jobs.release(done.jobs))
    background.start()
    put(storage, target)
    assert jobs.acquire(timeout=30)
    put(storage, target)
    assert jobs.acquire(timeout=30)
    background.stop()
    assert storage.waiting().events == 0
    assert set(documents_of(storage, target)) == {"0"}


def test_a_mistake_of_ours_does_not_end_it(
    storage: Storage, target: ObjectInfo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    jobs, failures = threading.Semaphore(0), list[Exception]()
    compact_once = storage.compact_once

    def once_wrongly(pace: Pace) -> object:
        if not failures:
            raise OverflowError("date value out of range")
        return compact_once(pace=pace)

    monkeypatch.setattr(loop, "_AFTER_ERROR_S", 0.01)
    monkeypatch.setattr(storage, "compact_once", once_wrongly)
    put(storage, target)
    background = Background(storage, AT_ONCE, done=lambda done: jobs.release(done.jobs), failed=failures.append)
    background.start()
    assert jobs.acquire(timeout=30)
    background.stop()
    assert [type(one) for one in failures] == [OverflowError]
    assert "background work failed" in caplog.text


def test_what_nobody_needs_goes_where_a_job_fails(quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It may be what fills the disk: who waited for a job that succeeds would wait for ever."""

    def full(pace: Pace) -> object:
        raise DiskFull("cannot write `parts/2`: no space left on device")

    with Storage.open(quick_path, create=True, settings=Settings(grace_s=0)) as storage:
        target = storage.create_object("project_logs", "x")
        for _ in range(3):
            put(storage, target)
            storage.process()
        while storage.compact_once():
            pass
        put(storage, target)
        assert len(list((quick_path / "wal").iterdir())) == 4
        monkeypatch.setattr(storage, "compact_once", full)
        with pytest.raises(DiskFull):
            Background(storage, AT_ONCE).look()

        assert len(list((quick_path / "wal").iterdir())) == 1


def test_little_may_wait_for_a_while(storage: Storage, target: ObjectInfo, monkeypatch: pytest.MonkeyPatch):
    now = 0.0
    monkeypatch.setattr(loop.time, "monotonic", lambda: now)
    background = Background(storage, Policy(after_bytes=1_000, after_s=60))
    put(storage, target)
    background.look()
    assert storage.waiting().events == 1
    now = 59.0
    background.look()
    assert storage.waiting().events == 1
    now = 60.0
    background.look()
    assert storage.waiting().events == 0
    put(storage, target, 20)
    background.look()
    assert storage.waiting().events == 0


def test_nothing_is_done_while_it_is_paused(storage: Storage, target: ObjectInfo):
    background = Background(storage, AT_ONCE)
    storage.pause_background(paused=True)
    put(storage, target)
    background.look()
    assert storage.waiting().events == 1
    assert storage.status().paused_since_s == storage.background_paused_since()
    storage.pause_background(paused=False)
    assert storage.status().paused_since_s is None
    background.look()
    assert storage.waiting().events == 0


def test_a_job_that_is_ended_changes_nothing(storage: Storage, target: ObjectInfo):
    put(storage, target, 500)
    pace = Pace(Budget())
    pace.end()
    with pytest.raises(WorkEnded):
        storage.compact_once(pace=pace)
    assert storage.waiting().events == 500
    assert len(documents_of(storage, target)) == 500
    storage.compact()
    assert storage.status().rows == 500
    assert len(documents_of(storage, target)) == 500


def test_whoever_waits_for_a_compaction_has_it_at_once(storage: Storage, target: ObjectInfo):
    """The thread's job, which rests for hours between two steps, gives up."""
    begun = threading.Event()
    background = Background(storage, Policy(after_bytes=1, budget=Budget(cpu_share=1e-9)))
    storage._background = background
    put(storage, target, 500)
    step = background._pace.step

    def slow(json_bytes: int) -> None:
        begun.set()
        step(json_bytes)

    background._pace.step = slow  # pyright: ignore[reportAttributeAccessIssue]
    background.start()
    assert begun.wait(30)
    storage.compact()
    assert storage.waiting().events == 0
    assert storage.status().rows == 500
    put(storage, target, 1)
    begun.clear()
    assert begun.wait(30), "the thread goes on"


def test_closing_ends_the_thread(quick_path: Path):
    before = threading.active_count()
    storage = Storage.open(quick_path, create=True)
    storage.run_in_background(AT_ONCE)
    storage.run_in_background(AT_ONCE)
    assert threading.active_count() == before + 1
    storage.close()
    assert threading.active_count() == before


def test_whoever_is_interrupted_while_the_thread_begins_can_close(quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(_: threading.Thread) -> None:
        raise KeyboardInterrupt

    storage = Storage.open(quick_path, create=True)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        storage.run_in_background(AT_ONCE)
    storage.close()


LEAVES = """
import sys
from btql_storage.background import loop
from btql_storage.background.loop import Policy
from btql_storage.store import Storage

loop._LOOK_EVERY_S = 0.01
storage = Storage.open(sys.argv[1], create=True)
target = storage.create_object("project_logs", "x")
storage.run_in_background(Policy(after_bytes=1))
storage.ingest(target, [{"id": str(number), "input": "some words of it"} for number in range(20_000)])
while not storage.status().segments:
    pass
"""


def test_a_program_may_end_in_the_middle_of_a_job(quick_path: Path):
    done = subprocess.run([sys.executable, "-c", LEAVES, str(quick_path / "db")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    with Storage.open(quick_path / "db") as storage:
        assert len(documents_of(storage, storage.object("project_logs", "x"))) == 20_000


def test_a_budget_says_how_long_to_rest():
    assert Budget().rest_s(1.0, 10 * _MIB) == 0
    assert Budget(cpu_share=0.25).rest_s(0.5, 0) == 1.5
    assert Budget(json_bytes_per_s=_MIB).rest_s(0.5, 2 * _MIB) == 1.5
    assert Budget(json_bytes_per_s=_MIB).rest_s(3, 2 * _MIB) == 0
    assert Budget(0.5, _MIB).rest_s(1, 3 * _MIB) == 2
    for share in (0, 1.5):
        with pytest.raises(ValueError, match="share of the processor"):
            Budget(cpu_share=share)
    with pytest.raises(ValueError, match="not over 0"):
        Budget(json_bytes_per_s=0)
    UNHURRIED.step(_MIB)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now


def test_writers_wait_and_are_refused():
    clock = Clock()
    waiting = 0
    bounds = Settings(waiting_bytes_max=100 * _MIB, waiting_bytes_slow=50 * _MIB)
    pressure = Pressure(bounds, lambda: waiting, now=clock, sleep=clock.slept.append)
    pressure.admit(_MIB)
    assert clock.slept == []
    waiting = 75 * _MIB
    clock.now = 10
    pressure.admit(_MIB)
    assert clock.slept == [0.5]
    waiting = 100 * _MIB
    clock.now = 20
    with pytest.raises(TooFarBehind, match=r"100 MiB wait .* stops at 100 MiB; try again"):
        pressure.admit(_MIB)
    waiting = 0
    clock.now = 30
    pressure.admit(_MIB)
    assert len(clock.slept) == 1


def test_what_is_written_between_two_counts_is_counted():
    clock = Clock()
    counts = 0

    def count() -> int:
        nonlocal counts
        counts += 1
        return 40 * _MIB

    bounds = Settings(waiting_bytes_max=100 * _MIB, waiting_bytes_slow=80 * _MIB)
    pressure = Pressure(bounds, count, now=clock, sleep=clock.slept.append)
    for _ in range(10):
        pressure.admit(_MIB)
    assert counts == 1
    for _ in range(10):
        pressure.admit(_MIB)
    assert counts == 2


def test_nobody_waits_while_another_one_counts():
    clock = Clock()
    bounds = Settings(waiting_bytes_max=100 * _MIB, waiting_bytes_slow=80 * _MIB)
    begun, go_on = threading.Event(), threading.Event()
    found = iter([20 * _MIB, 97 * _MIB])

    def count() -> int:
        if clock.now:
            begun.set()
            assert go_on.wait(60)
        return next(found)

    pressure = Pressure(bounds, count, now=clock, sleep=clock.slept.append)
    pressure.admit(_MIB)
    clock.now = 10
    counting = threading.Thread(target=pressure.admit, args=(_MIB,))
    counting.start()
    assert begun.wait(60)
    # These find 20 MiB and what was written, and do not wait for the thread.
    pressure.admit(_MIB)
    pressure.admit(_MIB)
    assert clock.slept == []
    go_on.set()
    counting.join()
    # What they have written counts besides, and so does what the thread has: 97 MiB and three of one.
    with pytest.raises(TooFarBehind, match="100 MiB wait"):
        pressure.admit(_MIB)


def test_the_first_ones_wait_until_somebody_has_counted():
    bounds = Settings(waiting_bytes_max=100 * _MIB, waiting_bytes_slow=80 * _MIB)
    begun, go_on = threading.Event(), threading.Event()

    def count() -> int:
        begun.set()
        assert go_on.wait(60)
        return 100 * _MIB

    pressure = Pressure(bounds, count, now=Clock())
    refused: list[TooFarBehind] = []

    def write() -> None:
        try:
            pressure.admit(_MIB)
        except TooFarBehind as error:
            refused.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(refused) == 3


def test_a_refused_request_leaves_nothing(quick_path: Path):
    with Storage.open(quick_path, create=True, settings=Settings(waiting_bytes_max=1, waiting_bytes_slow=0)) as storage:
        target = storage.create_object("project_logs", "x")
        put(storage, target)
        storage._writer._pressure._counted_at = float("-inf")
        with pytest.raises(TooFarBehind):
            storage.ingest(target, [{"id": "late"}])
        assert set(documents_of(storage, target)) == {"0"}
        storage.compact()
        storage._writer._pressure._counted_at = float("-inf")
        storage.ingest(target, [{"id": "late"}])
        assert set(documents_of(storage, target)) == {"0", "late"}


def test_a_database_without_limits_never_counts(storage: Storage, target: ObjectInfo):
    put(storage, target)
    before = storage.usage().calls["list"]
    for _ in range(5):
        put(storage, target)
    assert storage.usage().calls["list"] == before


def test_files_are_opened_once_at_most_to_count_what_waits(storage: Storage, target: ObjectInfo):
    def opened(some: Storage) -> int:
        return some.usage().lookups.get(("wal_files", False), 0)

    for _ in range(3):
        put(storage, target)
    found = storage.waiting()
    assert (found.events, opened(storage)) == (3, 0)
    with Storage.open(Path(storage.store.label)) as other:
        assert other.waiting() == other.waiting() == found
        assert opened(other) == 3
        # The same, looked at more closely.
        assert sum(one.events for one in waiting_by_object(other._folder).values()) == 3
        storage.process()
        assert other.waiting() == found
        assert not other._folder.wal._sizes
    assert storage.waiting() == found
    assert not storage._folder.wal._sizes
