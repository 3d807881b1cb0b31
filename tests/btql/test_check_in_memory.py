"""Pages of rows that are known in memory: the same rows as from reading all of them, wherever a page begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from btql.database import Database
from btql.execution import first_rows
from btql.running import run
from btql_planner.options import QueryOptions
from btql_storage.folder import Settings
from btql_storage.store import Storage

ROWS = 15
PARTS = 6
RULE = "check_in_memory"
Event = dict[str, object]


def created(minute: int) -> str:
    return f"2026-11-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"


def event(number: int, *, is_root: bool) -> Event:
    return {
        "id": f"row {number}",
        "created": created(number * 7 % 50 + number // 3 * 3),
        "root_span_id": f"trace {number // 3}",
        "span_parents": [] if is_root else ["x"],
        "metadata": {"n": number % 4},
        "input": "one of them" if number % 5 else "none",
    }


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """Parts whose times overlap, rows that became roots or are none any more, and a tail."""
    settings = Settings(job_events=ROWS, part_rows_max=ROWS)
    with Storage.open(tmp_path / "db", create=True, settings=settings) as storage:
        target = storage.create_object("project_logs", "p")
        for part in range(PARTS):
            numbers = range(part * ROWS, (part + 1) * ROWS)
            storage.ingest(target, [event(number, is_root=number % 3 == 0) for number in numbers])
        storage.ingest(target, [event(number, is_root=number % 2 == 0) for number in range(20, 40)])
        storage.compact(target)
        late = [event(number, is_root=True) for number in (7, 50, 90, 91)]
        storage.ingest(target, [*late, {"id": "row 60", "_object_delete": True}])
        yield storage


CONDITIONS = [
    "is_root",
    "created < '2026-11-01T01:11:00Z'",
    "is_root and created >= '2026-11-01T01:03:00Z' and created <= '2026-11-01T01:21:00Z'",
    "created = '2026-11-01T00:42:00Z'",
    "is_root and created > '2027-01-01'",
    "is_root and metadata.n = 2",
    "is_root and input match 'one'",
    "is_root and input ilike '%none%'",
    "is_root and any_span(metadata.n = 1)",
    "is_root and not is_root",
]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("few", [True, False])
def test_the_rows_are_those_of_all_rows(
    storage: Storage, condition: str, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_rows, "GUESS", 1)
    monkeypatch.setattr(first_rows, "GUESS_MIN", 1)
    if not few:
        # Then columns are read from their files, between bounds.
        monkeypatch.setattr("btql.execution.piece_reader.SCATTERED_BLOCKS_MAX", 0)
    database = Database(storage)
    found = 0
    for sort in ("created desc", "created", "_xact_id desc", "_pagination_key"):
        for limit, offset in ((1, 0), (9, 3)):
            text = (
                f"select: id, created, metadata.n from: project_logs('p') filter: {condition} "
                f"sort: {sort}, _pagination_key limit: {limit} offset: {offset}"
            )
            rows = database.query(text).rows()
            assert rows == database.query(text, {"stop_early", "check_few_documents"}).rows()
            found += len(rows)
    assert bool(found) == ("2027" not in condition and "not" not in condition)


def paged(database: Database, clauses: str, disabled: set[str]) -> Iterator[list[dict[str, object]]]:
    token: str | None = None
    while True:
        text = f"select: id, created from: project_logs('p') {clauses}"
        result = database.query(text, disabled, QueryOptions(cursor=token))
        rows = result.rows()
        yield rows
        if not rows:
            return
        token = result.cursor


@pytest.mark.parametrize("sort", ["_pagination_key desc", "_pagination_key", "_xact_id desc", "_xact_id"])
@pytest.mark.parametrize("condition", ["is_root", "is_root and created < '2026-11-01T01:11:00Z'", "metadata.n > 1"])
def test_pages_are_those_of_all_rows(storage: Storage, sort: str, condition: str) -> None:
    database = Database(storage)
    clauses = f"filter: {condition} sort: {sort} limit: 4"
    pages = list(paged(database, clauses, set()))

    assert len(pages) > 3
    assert pages == list(paged(database, clauses, {"stop_early"}))
    assert pages == list(paged(database, clauses, {RULE}))


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_rows_that_change_while_somebody_pages_come_at_most_once_and_as_they_are(storage: Storage, order: str) -> None:
    """New roots, roots that are none any more, roots that were deleted; some in parts, some in the tail."""
    target = storage.create_object("project_logs", "p")
    database = Database(storage)
    expected = {row["id"] for row in database.query("select: id from: project_logs('p') filter: is_root").rows()}
    changed: set[object] = set()
    found: list[object] = []
    clauses = f"filter: is_root sort: _pagination_key {order} limit: 3"
    for number, page in enumerate(paged(database, clauses, set())):
        found += [row["id"] for row in page]
        now = [event(number * 5, is_root=number % 2 == 0), event(200 + number, is_root=True)]
        changed.update(str(each["id"]) for each in now)
        storage.ingest(target, [*now, {"id": f"row {88 - number}", "_object_delete": True}])
        changed.add(f"row {88 - number}")
        if number % 3 == 2:
            storage.compact(target)
        if number > 40:
            break

    assert len(found) == len(set(found))
    assert expected - changed <= set(found) <= expected | changed


def test_a_page_in_the_middle_reads_no_other_rows(storage: Storage) -> None:
    database = Database(storage)
    text = "select: id from: project_logs('p') filter: is_root sort: _pagination_key desc limit: 4"
    token: str | None = None
    for _ in range(5):
        compiled = database.compile(text, options=QueryOptions(cursor=token))
        runner = database.runner(compiled)
        rows = sum(batch.num_rows for batch in run(runner, compiled.sources))
        (scan,) = runner.report.scans.values()
        assert rows == 4
        assert scan.candidates + scan.tail_rows == 4
        assert sum(scan.left_out.values()) >= PARTS - 3
        result = database.query(text, options=QueryOptions(cursor=token))
        assert len(result.rows()) == 4
        token = result.cursor


def test_a_page_behind_the_last_one_reads_nothing(storage: Storage) -> None:
    database = Database(storage)
    everything = database.query("select: id from: project_logs('p') filter: is_root limit: 1000")
    assert everything.rows()
    compiled = database.compile(
        "select: id from: project_logs('p') filter: is_root limit: 5", options=QueryOptions(cursor=everything.cursor)
    )
    runner = database.runner(compiled)

    assert not list(run(runner, compiled.sources))
    assert [scan.candidates for scan in runner.report.scans.values()] == [0]
