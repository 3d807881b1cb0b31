"""How often WAL files are opened: a few times each, however many of them wait."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from btql_storage.compaction.run import waiting, waiting_by_object
from btql_storage.folder import Settings
from btql_storage.store import Storage
from btql_storage.wal import files, reader
from btql_storage.wal.reader import WalFile

FEW = Settings(pending_events_max=20, job_events=10)


def fill(path: Path, files: int) -> None:
    with Storage.open(path, create=True) as storage:
        target = storage.create_object("project_logs", "demo")
        other = storage.create_object("dataset", "other")
        for number in range(files):
            events = [{"id": f"{number} {place}", "input": "x"} for place in range(2)]
            storage.ingest_all([target, other if number % 3 else target], events)


def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Return how often each file is opened from now on."""
    counts: Counter[int] = Counter()
    init = WalFile.__init__

    def counting(self: WalFile, path: Path, xact_id: int, locate: object = None) -> None:
        counts[xact_id] += 1
        init(self, path, xact_id, locate)  # type: ignore[arg-type]

    monkeypatch.setattr(WalFile, "__init__", counting)
    return counts


def test_files_are_not_opened_again_for_each_batch_that_is_processed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fill(tmp_path / "db", 60)
    monkeypatch.setattr(files, "_FILES_KEPT", 4)
    counts = opened(monkeypatch)
    with Storage.open(tmp_path / "db", settings=FEW) as storage:
        # Each job counts what still waits, for its progress.
        report = storage.compact(storage.object("project_logs", "demo"), progress=lambda _: None)

    # To count what waits, to assign its events, and to compact them. There are eight jobs.
    assert report.events > 60
    assert len(counts) == 60
    assert max(counts.values()) <= 3


def test_no_file_is_opened_where_compaction_is_far_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fill(tmp_path / "db", 30)
    with Storage.open(tmp_path / "db", settings=FEW) as storage:
        while storage.process(5):
            pass
    counts = opened(monkeypatch)
    with Storage.open(tmp_path / "db", settings=FEW) as storage:
        assert storage.process() == 0

    assert not counts


def test_a_file_that_is_mapped_has_the_same_events_as_one_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fill(tmp_path / "db", 1)
    (path,) = (tmp_path / "db" / "wal").glob("*.arrow")
    rows = np.arange(2)
    read = list(WalFile(path, int(path.stem)).events(rows))
    monkeypatch.setattr(reader, "_SMALL_BYTES", 0)

    assert list(WalFile(path, int(path.stem)).events(rows)) == read


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [3, 1], []])
def test_lines_that_stay_in_place_are_those_that_are_copied(tmp_path: Path, rows: list[int]):
    with Storage.open(tmp_path / "db", create=True) as storage:
        target = storage.create_object("project_logs", "demo")
        xact_id = storage.ingest(target, [{"id": str(place), "input": "é" * place} for place in range(4)]).xact_id
        file = storage._folder.wal.file(xact_id)
    numbers = np.array(rows, np.int64)
    copied, in_place = list(file.events(numbers)), list(file.events(numbers, in_place=True))
    assert [event.fields for event in in_place] == [event.fields for event in copied]
    assert [event.fields["input"].decode() for event in in_place] == [f'"{"é" * row}"' for row in rows]
    assert {type(event.line) for event in in_place} <= {memoryview}


def test_what_waits_is_counted_for_each_object_as_files_have_it(tmp_path: Path):
    fill(tmp_path / "db", 7)
    with Storage.open(tmp_path / "db") as storage:
        one, other = storage.object("project_logs", "demo"), storage.object("dataset", "other")
        mine = storage._folder
        found = {owner: one.events for owner, one in waiting_by_object(mine).items()}

        # One in three requests has both of its events in the first.
        assert found == {one.id: 10, other.id: 4}
        for target in (one, other):
            rows = sum(len(mine.wal.file(number).rows_of(target.id)) for number in mine.wal.numbers())
            assert waiting(mine, target).events == rows == found[target.id]
