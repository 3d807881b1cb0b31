"""Whoever wants the first rows gets the first rows, however few of the parts were looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from btql.database import Database
from btql.execution import candidates, first_rows
from btql.execution.report import ScanReport
from btql.running import run
from btql_planner import probes
from btql_storage.folder import Settings
from btql_storage.store import Storage

PARTS = 8
ROWS = 12
COLUMNS = ("created", "_xact_id", "_pagination_key")


def created(minute: int) -> str:
    return f"2026-11-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Parts whose times overlap, rows with one time, rows that were replaced by newer and by older ones, a tail."""
    with Storage.open(
        tmp_path_factory.mktemp("early") / "db", create=True, settings=Settings(job_events=ROWS, part_rows_max=ROWS)
    ) as storage:
        for name, shift in (("p", 0), ("q", 40)):
            target = storage.create_object("project_logs", name)
            for part in range(PARTS):
                minutes = [shift + 10 * part + (row * 7) % 25 // 2 * 2 for row in range(ROWS)]
                events = [
                    {
                        "id": f"{part}-{row}",
                        "created": created(minute),
                        "root_span_id": f"t{row % 5}",
                        "metadata": {"n": row, "part": part, "word": f"word{row % 3}"},
                        "input": f"common word{row % 3} {'rare' * (part == 2)}",
                    }
                    for row, minute in enumerate(minutes)
                ]
                storage.ingest(target, events)
            again = [{"id": f"{PARTS - 1}-{row}", "created": created(row), "metadata": {"n": 3}} for row in range(6)]
            storage.ingest(target, [*again, {"id": "0-1", "created": created(300), "metadata": {"n": 1}}])
            storage.compact(target)
            storage.ingest(target, [{"id": "0-2", "created": created(50)}, {"id": "new", "created": created(80)}])
            storage.ingest(target, [{"id": "4-5", "_object_delete": True}])
        gone = storage.create_object("project_logs", "gone")
        storage.ingest(gone, [{"id": "1"}])
        storage.compact(gone)
        storage.ingest(gone, [{"id": "1", "_object_delete": True}])
        yield Database(storage)


def same(database: Database, text: str) -> None:
    expected = [json.dumps(row, default=str) for row in database.query(text, {"stop_early"}).rows()]
    assert [json.dumps(row, default=str) for row in database.query(text).rows()] == expected
    assert expected or "none" in text or "> 20" in text


def scanned(database: Database, text: str) -> tuple[int, ScanReport]:
    """Return how many rows an answer has, and what its only scan did."""
    compiled = database.compile(text)
    runner = database.runner(compiled)
    rows = sum(batch.num_rows for batch in run(runner, compiled.sources))
    (scan,) = runner.report.scans.values()
    return rows, scan


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_first_rows_are_those_of_all_rows(database: Database, column: str, order: str) -> None:
    for limit, offset, source in ((1, 0, "'p'"), (7, 3, "'q'"), (30, 0, "'p', 'q'"), (200, 0, "'p'")):
        same(
            database,
            f"select: * | from: project_logs({source}) | sort: {column} {order} | limit: {limit} | offset: {offset}",
        )


@pytest.mark.parametrize("condition", [
        "metadata.n = 3", "metadata.n > 20", "metadata.part < 2", "id != '0-1'", "input match 'common'",
        "input match 'word1'", "input match 'word2' and metadata.n > 3", "input match 'rare'", "input match 'none'",
        "any_span(metadata.n = 3) and any_span(metadata.part = 1)",
        "metadata.word = 'word1'", "metadata.word = 'word2' and metadata.n > 3",
        "metadata.word = 'word0' or error = 'e'",
        "input = 'common word1 '", "input ilike '%WORD1%' and metadata.n < 9",
    ],
)  # fmt: skip
def test_conditions_decide_which_rows_come_first(
    database: Database, condition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_rows, "GUESS", 1)
    monkeypatch.setattr(first_rows, "GUESS_MIN", 1)
    monkeypatch.setattr(candidates, "GAIN_MIN", 0)
    monkeypatch.setattr(probes, "COLUMNS_SHARE", 1.0)
    for order in ("desc", "asc"):
        for limit in (2, 9):
            same(
                database,
                f"select: id, metadata.n from: project_logs('p') filter: {condition} "
                f"sort: created {order}, metadata.n limit: {limit}",
            )
    same(database, f"select: id from: project_logs('p', 'q') filter: {condition} limit: 3")


def test_parts_behind_the_first_rows_are_not_opened(database: Database) -> None:
    rows, scan = scanned(database, "select: id | from: project_logs('p') | sort: created desc | limit: 3")

    assert rows == 3
    assert scan.left_out["enough"] >= PARTS // 2
    assert scan.candidates <= 4


def test_parts_behind_rows_that_an_index_names_are_not_opened(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_rows, "GUESS_MIN", 1)
    monkeypatch.setattr(first_rows, "GUESS", 4)
    monkeypatch.setattr(candidates, "GAIN_MIN", 0)
    monkeypatch.setattr(probes, "COLUMNS_SHARE", 1.0)
    rows, scan = scanned(
        database,
        "select: id | from: project_logs('p') | filter: metadata.word = 'word2' | sort: created desc | limit: 3",
    )

    assert rows == 3
    assert scan.left_out["enough"] >= PARTS // 2
    assert scan.candidates <= 10


@pytest.mark.parametrize("source", ["'p'", "'p', 'q'", "'gone'"])
@pytest.mark.parametrize("column", COLUMNS)
def test_ends_are_those_of_current_rows(database: Database, source: str, column: str) -> None:
    text = (
        f"measures: min({column}) as low, max({column}) as high, max(created) as newest | from: project_logs({source})"
    )
    (expected,) = database.query(text, {"read_ends"}).rows()

    assert database.query(text).rows() == [expected]
    assert (expected["low"] is None) == (source == "'gone'")


def test_ends_of_parts_whose_rows_are_current_are_in_the_catalog(database: Database) -> None:
    _, scan = scanned(database, "measures: max(_xact_id) as n | from: project_logs('p')")

    assert scan.left_out["statistics"] >= scan.parts - 3
