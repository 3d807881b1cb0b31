"""Processing and compaction: where events go, which parts come out, what is removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_support.clocks import HandClock
from storage_support.reading import documents_of, rows_of

from btql_storage.catalog import PartSize, RowNumbers
from btql_storage.compaction.job import CompactionProgress
from btql_storage.compaction.policy import Limits, choose_parts
from btql_storage.compaction.run import waiting
from btql_storage.errors import DiskFull
from btql_storage.folder import Settings
from btql_storage.part.writer import PartWriter
from btql_storage.store import ObjectInfo, Storage

DAY = "2026-01-01T00:00:00Z"
LIMITS = Limits(200_000, 2 << 30)


class Db:
    """A database whose clock the test moves."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.storage = Storage.open(folder, create=True, settings=Settings(**settings), clock=self.clock)
        self.target: ObjectInfo = self.storage.create_object("project_logs", "x")

    def put(self, *events: dict[str, Any]) -> int:
        return self.storage.ingest(self.target, [{"created": DAY, **event} for event in events]).xact_id

    def segments_of(self) -> dict[str, int]:
        """Return which segment each waiting event is assigned to."""
        folder = self.storage._folder
        homes: dict[str, int] = {}
        for one in folder.catalog.view(self.target.id).assignments:
            ids, _ = folder.wal.file(one.xact_id).ids(one.rows)
            homes |= dict.fromkeys(ids, one.segment_id)
        return homes

    def parts(self) -> list[tuple[int, int]]:
        """Return rows and current rows of each part."""
        return [(part.rows, part.rows_current) for part in self.storage._folder.catalog.view(self.target.id).parts]

    def files(self, name: str) -> list[str]:
        return sorted(entry.name for entry in (self.folder / name).iterdir())


@pytest.fixture
def make_db(quick_path: Path):
    made: list[Db] = []

    def make(**settings: Any) -> Db:
        made.append(Db(quick_path / "db", **settings))
        return made[-1]

    yield make
    for db in made:
        db.storage.close()


def test_events_follow_their_id_then_their_trace_then_go_to_the_newest_segment(make_db):
    db = make_db(segment_events=2)
    db.put({"id": "a", "root_span_id": "t1"}, {"id": "b", "root_span_id": "t2"})
    db.put({"id": "c", "root_span_id": "t3"})
    db.put({"id": "d", "root_span_id": "t1"}, {"id": "c", "root_span_id": "t2"}, {"id": "e", "root_span_id": "t4"})
    assert db.storage.process() == 3
    homes = db.segments_of()

    assert homes["a"] == homes["b"] == homes["d"] == 1
    assert homes["c"] == homes["e"] == 2

    # The same holds once they are in parts, also for what is deleted meanwhile.
    db.storage.compact()
    db.put({"id": "z", "root_span_id": "t5"})
    db.storage.compact()
    db.put({"id": "d", "_object_delete": True}, {"id": "f", "root_span_id": "t1"}, {"id": "g", "root_span_id": "t9"})
    db.put({"id": "d", "root_span_id": "t9"}, {"id": "e", "_is_merge": True})
    db.storage.process()
    homes = db.segments_of()

    assert homes["d"] == homes["f"] == 1
    assert homes["e"] == 2
    assert homes["g"] == 3


def test_what_waits_says_since_when(make_db):
    db = make_db()
    assert db.storage.waiting().since_s is None
    began = db.clock.seconds
    db.put({"id": "a"})
    db.clock.seconds += 10
    db.put({"id": "b"})
    assert db.storage.waiting().since_s == began
    db.storage.process(limit=1)
    assert db.storage.waiting().since_s == began
    db.storage.compact_once()
    db.storage.compact()
    assert db.storage.waiting().since_s is None
    db.put({"id": "c"})
    assert db.storage.waiting().since_s == began + 10


@pytest.mark.parametrize("processed", [False, True])
def test_the_status_tells_what_waits_of_each_object(make_db, processed: bool):
    db = make_db()
    other = db.storage.create_object("experiment", "y")
    events = [b'{"id": "a", "input": "x"}', b'{"id": "b", "input": "x"}', b'{"id": "a", "input": "x"}']
    db.storage.ingest_all([db.target, other, other], events)
    db.put({"id": "c"})
    if processed:
        db.storage.process()
    found = {one.object.kind: (one.pending_events, one.pending_bytes) for one in db.storage.status().objects}
    assert [events for events, _ in found.values()] == [2, 2]
    assert found["experiment"][1] == sum(map(len, events[1:]))
    for target in (db.target, other):
        assert waiting(db.storage._folder, target).events == 2
    db.storage.compact()
    status = db.storage.status()
    assert (status.pending_events, status.segments, status.rows) == (0, 2, 4)


def test_processing_goes_on_where_it_ended(make_db):
    db = make_db()
    for number in range(3):
        db.put({"id": str(number)})

    assert db.storage.process(limit=2) == 2
    assert db.storage.process() == 1
    assert db.storage.process() == 0


def test_processing_does_not_run_far_ahead_of_compaction(make_db, monkeypatch):
    db = make_db(pending_events_max=2)
    monkeypatch.setattr("btql_storage.process._BATCH_EVENTS", 1)
    for number in range(5):
        db.put({"id": str(number)})

    assert db.storage.process() == 2
    assert db.storage.compact().rows == 5


def test_rows_are_ordered_by_the_first_time_of_their_trace(make_db):
    db = make_db()
    db.put(
        {"id": "late", "root_span_id": "t1", "created": "2026-01-03T00:00:00Z"},
        {"id": "other", "root_span_id": "t2", "created": "2026-01-02T00:00:00Z"},
        {"id": "b", "root_span_id": "t1", "created": "2026-01-01T00:00:00Z"},
        {"id": "a", "root_span_id": "t1", "created": "2026-01-01T00:00:00Z"},
    )
    db.storage.compact()
    with db.storage.snapshot(db.target) as snapshot:
        part = snapshot.parts[0].part
        ids = part.documents(np.arange(4), ["id"]).column("id").to_pylist()

    assert ids == ["a", "b", "late", "other"]


def test_a_job_ends_inside_a_file_and_the_next_goes_on(make_db):
    db = make_db(job_events=4)
    db.put(*({"id": str(number), "input": number} for number in range(9)))
    db.put({"id": "7", "_is_merge": True, "output": 1}, {"id": "0", "_is_merge": True, "output": 1})
    seen: list[CompactionProgress] = []
    report = db.storage.compact(progress=seen.append)

    assert [step.events_done for step in seen] == [4, 8, 11]
    assert [step.events_total for step in seen] == [11, 11, 11]
    assert (report.events, report.parts) == (11, 3)
    assert rows_of(db.storage, db.target)["7"].fields == {"input": b"7", "output": b"1"}
    assert rows_of(db.storage, db.target)["0"].fields == {"input": b"0", "output": b"1"}


def test_a_job_is_bounded_by_bytes_too_and_takes_at_least_one_event(make_db):
    db = make_db(job_json_bytes=1_000)
    db.put(*({"id": str(number), "input": "x" * 5_000} for number in range(2)))
    db.put({"id": "small"})
    report = db.storage.compact()

    assert (report.events, report.parts) == (3, 3)


def test_a_row_that_is_deleted_leaves_no_part(make_db):
    db = make_db()
    db.put({"id": "a"}, {"id": "a", "_object_delete": True})
    report = db.storage.compact()

    assert (report.events, report.rows, report.parts) == (2, 0, 0)
    assert db.parts() == []


def test_four_small_parts_become_one(make_db):
    db = make_db()
    for number in range(4):
        db.put({"id": f"a{number}", "root_span_id": f"t{number % 2}", "input": number}, {"id": f"b{number}"})
        db.storage.compact()
    expected = documents_of(db.storage, db.target)

    assert db.parts() == [(8, 8)]
    assert len(expected) == 8
    assert expected["a3"]["input"] == 3


def test_a_part_with_many_superseded_rows_is_written_anew(make_db):
    db = make_db()
    db.put(*({"id": str(number), "input": number} for number in range(10)))
    db.storage.compact()
    db.put(*({"id": str(number), "_object_delete": True} for number in range(3)))
    db.storage.compact()
    assert db.parts() == [(10, 7)]
    db.put({"id": "3", "_object_delete": True})
    db.storage.compact()

    assert db.parts() == [(6, 6)]
    assert set(documents_of(db.storage, db.target)) == {"4", "5", "6", "7", "8", "9"}


def test_a_part_without_current_rows_goes(make_db):
    db = make_db()
    db.put({"id": "a"})
    db.storage.compact()
    db.put({"id": "a", "_object_delete": True})
    db.storage.compact()

    assert db.parts() == []
    assert documents_of(db.storage, db.target) == {}


def test_files_outlive_their_use_by_the_grace_period(make_db):
    db = make_db(grace_s=600)
    first = db.put({"id": "a"})
    second = db.put({"id": "a"})
    db.storage.compact()
    db.put({"id": "a", "_object_delete": True})
    db.storage.compact()
    assert len(db.files("wal")) == 3
    assert db.files("parts") == ["1"]
    db.clock.seconds += 59
    db.storage.compact()
    assert len(db.files("wal")) == 3
    db.clock.seconds += 1
    db.storage.compact()
    left = db.files("wal")
    db.clock.seconds += 539
    db.storage.compact()
    assert db.files("parts") == ["1"]
    db.clock.seconds += 1
    db.storage.compact()

    assert db.files("parts") == []
    # The newest file stays: it tells which transaction was the last.
    assert db.files("wal") == left
    assert len(left) == 1
    assert str(first) not in left[0]
    assert str(second) not in left[0]


def test_files_of_a_snapshot_stay(make_db):
    db = make_db(grace_s=0)
    db.put({"id": "a"})
    db.storage.compact()
    with db.storage.snapshot(db.target) as snapshot:
        db.put({"id": "a", "_object_delete": True})
        db.storage.compact()
        db.clock.seconds += 1
        db.storage.compact()

        assert [row.id for row in snapshot.parts[0].part.rows(np.array([0]))] == ["a"]
        assert db.files("parts") == ["1"]
    db.storage.compact()

    assert db.files("parts") == []


def test_what_a_killed_compaction_left_is_removed(make_db):
    db = make_db()
    db.put({"id": "a"})
    catalog = db.storage._folder.catalog
    for name in (f".new-{catalog.next_part_id()}", str(catalog.next_part_id())):
        (db.folder / "parts" / name).mkdir()
        (db.folder / "parts" / name / "rows.arrow").write_bytes(b"half")
    (db.folder / "wal" / ".new-1-x.arrow").write_bytes(b"half")
    db.storage.compact()

    assert db.files("parts") == ["3"]
    assert len(db.files("wal")) == 1


def test_a_disk_that_fills_up_in_a_job_changes_nothing(make_db, monkeypatch: pytest.MonkeyPatch):
    db = make_db()
    db.put({"id": "a"}, {"id": "b"})
    before = documents_of(db.storage, db.target)
    finish = PartWriter.finish

    def full(writer: PartWriter, until: RowNumbers | None):
        finish(writer, until)
        raise DiskFull("no space left")

    monkeypatch.setattr(PartWriter, "finish", full)
    with pytest.raises(DiskFull):
        db.storage.compact()
    monkeypatch.undo()

    assert documents_of(db.storage, db.target) == before
    db.storage.compact()
    assert documents_of(db.storage, db.target) == before
    assert len(db.files("parts")) == 1


def test_objects_share_nothing(make_db):
    db = make_db()
    other = db.storage.create_object("dataset", "x")
    db.put({"id": "a", "input": 1})
    db.storage.ingest(other, [{"id": "a", "input": 2}])
    for _ in range(2):
        assert documents_of(db.storage, db.target)["a"]["input"] == 1
        assert documents_of(db.storage, other)["a"]["input"] == 2
        db.storage.compact(db.target)
    assert db.storage.status().pending_events == 1


def sizes(*rows: int, superseded: int = 0, segment: int = 1) -> list[PartSize]:
    return [PartSize(number, segment, one, one - superseded, one * 1_000) for number, one in enumerate(rows, 1)]


@pytest.mark.parametrize(
    ("parts", "chosen"),
    [
        ([], ()),
        (sizes(*[10] * 3), ()),
        (sizes(*[10] * 4), (1, 2, 3, 4)),
        (sizes(*[1_500] * 7), ()),
        (sizes(*[1_500] * 8), tuple(range(1, 9))),
        (sizes(*[10] * 20), tuple(range(1, 21))),
        (sizes(9, 10, 8, 63), (1, 2, 3, 4)),
        (sizes(9, 10, 8, 64), ()),
        (sizes(*[25_000] * 9), tuple(range(1, 9))),
        (sizes(*[50_000] * 30), ()),
        (sizes(10, 10, superseded=3), ()),
        (sizes(100, 10, superseded=4), (2,)),
        (sizes(*[10] * 3) + sizes(10, segment=2), ()),
    ],
)
def test_the_policy(parts: list[PartSize], chosen: tuple[int, ...]):
    assert choose_parts(parts, LIMITS) == chosen


def test_the_policy_heeds_bytes():
    assert choose_parts(sizes(*[1_000] * 20), Limits(200_000, 10_000_000)) == tuple(range(1, 11))
    assert choose_parts(sizes(*[1_000] * 20), Limits(200_000, 7_000_000)) == ()


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=200))
def test_the_policy_comes_to_an_end_and_writes_each_row_few_times(jobs: list[int]):
    parts: list[PartSize] = []
    written = next_id = 0
    for rows in jobs:
        next_id += 1
        parts.append(PartSize(next_id, 1, rows, rows, 2_000 * rows))
        while chosen := choose_parts(parts, LIMITS):
            merged = sum(part.rows for part in parts if part.id in chosen)
            written += merged
            next_id += 1
            parts = [part for part in parts if part.id not in chosen] + [
                PartSize(next_id, 1, merged, merged, 2_000 * merged)
            ]

    assert written <= 6 * sum(jobs)
    assert len(parts) < 8 * 7
