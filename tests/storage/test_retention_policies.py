"""Policies: which traces go, that they go as a whole and at once, and what becomes of the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_support.clocks import HandClock
from storage_support.reading import documents_of

from btql_storage.errors import BadSetting, VersionGone
from btql_storage.folder import Settings
from btql_storage.retention.expire import Expired
from btql_storage.retention.policy import DAY_S, RetentionPolicy, Traces, expired
from btql_storage.store import ObjectInfo, Storage

NOW_US = 100 * DAY_S * 1_000_000


def traces(*each: tuple[int, int, int], kept: tuple[int, ...] = ()) -> Traces:
    """Return traces from the age in days of their newest row, their rows and their bytes."""
    ages, rows, sizes = zip(*each, strict=True)
    newest = NOW_US - np.array(ages, dtype=np.int64) * DAY_S * 1_000_000
    stays = np.isin(np.arange(len(each)), kept)
    return Traces(newest, np.array(rows, dtype=np.int64), np.array(sizes, dtype=np.float64), stays)


@pytest.mark.parametrize(
    ("policy", "given_traces", "gone"),
    [
        (RetentionPolicy(), traces((99, 9, 9)), []),
        (RetentionPolicy(age_s=10 * DAY_S), traces((9, 1, 1), (10, 1, 1), (11, 1, 1)), [2]),
        (RetentionPolicy(age_s=10 * DAY_S), traces((11, 1, 1), (11, 1, 1), kept=(1,)), [0]),
        (RetentionPolicy(rows=5), traces((3, 2, 1), (1, 2, 1), (2, 2, 1)), [0]),
        (RetentionPolicy(rows=4), traces((3, 2, 1), (1, 2, 1), (2, 2, 1)), [0]),
        (RetentionPolicy(rows=3), traces((3, 1, 1), (1, 2, 1), (2, 2, 1)), [0, 2]),
        (RetentionPolicy(rows=1), traces((1, 9, 1), (2, 1, 1)), [1]),
        (RetentionPolicy(json_bytes=100), traces((1, 1, 60), (2, 1, 60), (3, 1, 10)), [1, 2]),
        (RetentionPolicy(json_bytes=100), traces((1, 1, 60), (2, 1, 60), (3, 1, 10), kept=(1,)), [2]),
        (RetentionPolicy(age_s=DAY_S, rows=2), traces((0, 1, 1), (1, 1, 1), (2, 1, 1)), [2]),
    ],
)
def test_the_traces_that_go(policy: RetentionPolicy, given_traces: Traces, gone: list[int]):
    assert np.flatnonzero(expired(given_traces, policy, NOW_US)).tolist() == gone


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9), st.integers(0, 99)), min_size=1, max_size=20),
    st.integers(1, 40),
)
def test_the_newest_that_fit_stay(each: list[tuple[int, int, int]], limit: int):
    found = traces(*each)
    gone = expired(found, RetentionPolicy(rows=limit), NOW_US)
    rows, newest = found.rows, found.newest_us

    assert rows[~gone].sum() <= limit or (~gone).sum() == 1
    assert not gone.all()
    if gone.any():
        assert newest[gone].max() <= newest[~gone].min()
        first = newest[gone].max()
        assert rows[~gone].sum() + rows[gone & (newest == first)].sum() > limit


@pytest.mark.parametrize("name", ["age_s", "json_bytes", "rows", "history_s"])
def test_a_limit_must_be_over_0(name: str):
    with pytest.raises(BadSetting, match=f"{name} = 0"):
        RetentionPolicy(**{name: 0})


class Db:
    """A database whose clock the test moves, with documents that are some days old."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        settings = Settings(grace_s=0, wal_grace_s=0, segment_events=4)
        self.storage = Storage.open(folder, create=True, settings=settings, clock=self.clock)

    def put(self, target: ObjectInfo, *events: dict[str, Any]) -> int:
        return self.storage.ingest(target, events).xact_id

    def span(self, row_id: str, days: float, root: str | None = None, **fields: Any) -> dict[str, Any]:
        created = datetime.fromtimestamp(self.clock.seconds - days * DAY_S, UTC).isoformat()
        return {"id": row_id, "root_span_id": root or row_id, "created": created, **fields}

    def ids(self, target: ObjectInfo) -> set[str]:
        return set(documents_of(self.storage, target))


@pytest.fixture
def db(quick_path: Path) -> Iterator[Db]:
    made = Db(quick_path)
    yield made
    made.storage.close()


def test_a_trace_goes_as_a_whole_when_its_newest_row_is_too_old(db: Db):
    storage, retention = db.storage, db.storage.retention
    target = storage.create_object("project_logs", "x")
    other = storage.create_object("project_logs", "y")
    # In several segments and parts.
    for days in (40, 35, 20, 5):
        db.put(target, *(db.span(f"{days}-{n}", days + n, root=f"{days}") for n in range(3)))
        db.put(target, db.span(f"{days} late", days - 4, root="35"))
        db.put(other, db.span(f"{days}", days))
        storage.compact()
    retention.set_policy("project_logs", RetentionPolicy(age_s=30 * DAY_S))
    retention.set_policy("project_logs:y", RetentionPolicy(age_s=DAY_S * 10))
    before = db.ids(target)
    done = {run.object.name: run.expired for run in retention.run()}

    assert done == {"x": Expired(3), "y": Expired(3)}
    assert before - db.ids(target) == {"40-0", "40-1", "40-2"}
    assert db.ids(other) == {"5"}
    assert retention.run() == []

    storage.compact()
    assert before - db.ids(target) == {"40-0", "40-1", "40-2"}

    db.clock.seconds += 31 * DAY_S
    retention.run()
    assert db.ids(target) == set()
    # Segments that are empty as a whole left no part behind.
    assert not storage._folder.catalog.view(target.id).parts
    db.put(target, db.span("new", 0))
    assert db.ids(target) == {"new"}


def test_traces_with_waiting_events_stay(db: Db):
    storage, retention = db.storage, db.storage.retention
    target = storage.create_object("project_logs", "x")
    db.put(target, *(db.span(name, 50, root="t") for name in "ab"), db.span("c", 50), db.span("d", 50))
    storage.compact()
    # A merge names only the row; a late span only the trace.
    db.put(target, {"id": "a", "_is_merge": True, "output": 1}, db.span("c2", 50, root="c"))
    retention.set_policy("project_logs", RetentionPolicy(age_s=30 * DAY_S))
    retention.run()

    assert db.ids(target) == {"a", "b", "c", "c2"}
    storage.compact()
    assert db.ids(target) == {"a", "b", "c", "c2"}
    retention.run()
    assert db.ids(target) == set()


def test_the_oldest_go_where_there_are_too_many_or_too_much(db: Db):
    storage, retention = db.storage, db.storage.retention
    rows, sizes = (storage.create_object("project_logs", name) for name in ("rows", "sizes"))
    for n in range(8):
        db.put(rows, db.span(f"r{n}", n))
        db.put(sizes, db.span(f"s{n}", n, input="x" * 1000))
        storage.compact()
    retention.set_policy("project_logs:rows", RetentionPolicy(rows=3))
    retention.set_policy("project_logs:sizes", RetentionPolicy(json_bytes=5500))
    retention.run()

    assert db.ids(rows) == {"r0", "r1", "r2"}
    assert db.ids(sizes) == {f"s{n}" for n in range(5)}


def test_a_reader_with_a_tail_sees_what_compaction_will_make(db: Db, quick_path: Path):
    """A merge that comes right after its row has expired makes a new row, in every process."""
    storage, retention = db.storage, db.storage.retention
    target = storage.create_object("project_logs", "x")
    db.put(target, db.span("a", 50, input="old"), db.span("b", 1))
    storage.compact()
    retention.set_policy("project_logs", RetentionPolicy(age_s=30 * DAY_S))
    with Storage.open(quick_path, clock=db.clock) as reader:
        view = storage._folder.catalog.view
        merge = {"id": "a", "_is_merge": True, "output": 1}

        def meanwhile(*arguments: Any) -> Any:
            retention._folder.catalog.view = view  # type: ignore[method-assign]
            found = view(*arguments)
            db.put(target, merge)
            assert documents_of(reader, target)["a"]["input"] == "old"
            return found

        retention._folder.catalog.view = meanwhile  # type: ignore[method-assign]
        retention.run()
        seen = documents_of(reader, target)["a"]

        assert "input" not in seen
        storage.compact()
        assert documents_of(reader, target)["a"] == seen


def test_the_past_goes_when_it_ended_too_long_ago(db: Db):
    storage, retention = db.storage, db.storage.retention
    target = storage.create_object("dataset", "x")
    versions = []
    for n in range(4):
        versions.append(db.put(target, db.span("a", 0, input=n)))
        storage.compact()
        db.clock.seconds += 10 * DAY_S
    # The last state is there since 10 days, the one before ended then.
    retention.set_policy("dataset", RetentionPolicy(history_s=15 * DAY_S))
    (run,) = retention.run()

    assert run.expired == Expired(0, 2)
    for version in versions[:2]:
        with pytest.raises(VersionGone), storage.snapshot(target, version):
            pass
    for version, n in zip(versions[2:], (2, 3), strict=True):
        with storage.snapshot(target, version) as snapshot:
            (part,) = [one for one in snapshot.parts if len(one.superseded) < one.part.stats.rows]
            assert part.part.rows(np.array([0]))[0].fields["input"] == b"%d" % n
    assert retention.run() == []


def test_rows_that_expire_are_in_no_version_any_more(db: Db):
    storage, retention = db.storage, db.storage.retention
    target = storage.create_object("dataset", "x")
    db.put(target, db.span("a", 40, input=1), db.span("b", 2, input=1))
    storage.compact()
    last = db.put(target, db.span("a", 40, input=2), db.span("b", 2, input=2))
    storage.compact()
    retention.set_policy("dataset", RetentionPolicy(age_s=30 * DAY_S))
    (run,) = retention.run()

    assert run.expired == Expired(1, 1)
    assert db.ids(target) == {"b"}
    with storage.snapshot(target, last - 1) as snapshot:
        assert sum(one.part.stats.rows - len(one.superseded) for one in snapshot.parts) == 1


def test_policies_are_kept_and_removed(db: Db, quick_path: Path):
    retention = db.storage.retention
    own = RetentionPolicy(rows=5, age_s=7)
    retention.set_policy("project_logs", RetentionPolicy(age_s=1))
    retention.set_policy("project_logs:x", own)
    retention.set_policy("project_logs:x", own)
    with Storage.open(quick_path, read_only=True) as reader:
        assert reader.retention.policies() == {"project_logs": RetentionPolicy(age_s=1), "project_logs:x": own}
    retention.set_policy("project_logs", None)
    retention.set_policy("dataset", None)

    assert retention.policies() == {"project_logs:x": own}
    assert retention.policy_of(ObjectInfo(9, "project_logs", "x")) == own
    assert retention.policy_of(ObjectInfo(9, "project_logs", "y")) == RetentionPolicy()
    with pytest.raises(BadSetting):
        retention.set_policy(":x", own)
