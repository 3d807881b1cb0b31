"""Summaries of the first traces are those of all traces, though only the rows of few traces were read."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from btql.database import Database
from btql.execution import first_traces
from btql.running import run
from btql_planner.explain import plan_text
from btql_storage.folder import Settings
from btql_storage.store import Storage

TRACES = 60


def created(minute: int) -> str:
    return f"2026-11-01T{minute // 60 % 24:02}:{minute % 60:02}:00Z"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Traces whose root comes first, last, twice or never; whose rows are in several parts, replaced or deleted."""
    settings = Settings(job_events=40, part_rows_max=40)
    with Storage.open(tmp_path_factory.mktemp("traces") / "db", create=True, settings=settings) as storage:
        target = storage.create_object("project_logs", "p")
        spans = [
            {
                "id": f"{trace}-{place}",
                "root_span_id": f"trace {trace}",
                # Of each fourth trace none is a root, of each fifth two are.
                "span_parents": [] if (place == trace % 3 and trace % 4) or (trace % 5 == 0 and place == 1) else ["x"],
                "created": created(3 * trace + (7 * place) % 5),
                "scores": {"s": place / 3},
                "metrics": {"tokens": trace},
            }
            for trace in range(TRACES)
            for place in range(3)
        ]
        late = [span for span in spans if str(span["id"]).endswith("-2") and int(str(span["metrics"])[11:-1]) % 7 == 0]
        early = [span for span in spans if span not in late]
        storage.ingest(target, early)
        storage.ingest(target, late)
        storage.ingest(target, [{**span, "scores": {"s": 0.5}} for span in spans[30:40]])
        storage.compact(target)
        storage.ingest(target, [{**spans[3], "created": created(900)}, {"id": spans[60]["id"], "_object_delete": True}])
        storage.ingest(target, [{"id": "alone", "root_span_id": "new", "span_parents": ["y"]}])
        yield Database(storage)


@pytest.mark.parametrize("clauses", ["", "| sort: created", "| sort: created desc", "| sort: _xact_id desc, created"])
def test_summaries_are_those_of_all_traces(database: Database, clauses: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_traces, "GUESS", 1)
    monkeypatch.setattr(first_traces, "GUESS_MIN", 1)
    for limit, offset in ((1, 0), (5, 4)):
        text = f"select: * | from: project_logs('p') summary {clauses} | limit: {limit} | offset: {offset}"
        expected = [json.dumps(row, default=str) for row in database.query(text, {"read_first_traces"}).rows()]
        assert expected
        assert [json.dumps(row, default=str) for row in database.query(text).rows()] == expected


CONDITIONS = [
    "is_root",
    "created < '2026-11-01T01:11:00Z'",
    "is_root and created > '2026-11-01T00:40:00Z' and created < '2026-11-01T02:00:00Z'",
    "is_root and created > '2027-01-01'",
]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("guess", [1, 32])
def test_traces_are_those_that_have_such_a_row(
    database: Database, condition: str, guess: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_traces, "GUESS", guess)
    monkeypatch.setattr(first_traces, "GUESS_MIN", 1)
    for order in ("created desc", "created", "_pagination_key desc"):
        for limit, offset in ((3, 0), (4, 5), (100, 0)):
            text = (
                "select: id, root_span_id, span_attributes, scores, metrics.tokens, metrics.errors "
                f"from: project_logs('p') summary filter: {condition} sort: {order} limit: {limit} offset: {offset}"
            )
            expected = [json.dumps(row, default=str) for row in database.query(text, {"read_first_traces"}).rows()]
            assert bool(expected) == ("2027" not in condition)
            assert [json.dumps(row, default=str) for row in database.query(text).rows()] == expected
            assert "traces=(" in plan_text(database.compile(text).rewritten)


def test_traces_with_many_rows_are_added_up_with_all_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "select: id, metrics.tokens, scores from: project_logs('p') summary filter: is_root limit: 5"
    expected = database.query(text).rows()
    monkeypatch.setattr(first_traces, "ROWS_MAX", 3)

    assert database.query(text).rows() == expected


def test_of_roots_no_other_row_is_read(database: Database) -> None:
    compiled = database.compile("select: id, metrics.tokens from: project_logs('p') summary filter: is_root limit: 4")
    runner = database.runner(compiled)
    assert sum(batch.num_rows for batch in run(runner, compiled.sources)) == 4
    roots = [scan for name, scan in runner.report.scans.items() if name.startswith("roots")]

    assert [scan.candidates + scan.tail_rows for scan in roots] == [4]


def test_rows_of_other_traces_are_not_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_traces, "GUESS", 2)
    monkeypatch.setattr(first_traces, "GUESS_MIN", 1)
    compiled = database.compile("select: * | from: project_logs('p') summary | limit: 2")
    runner = database.runner(compiled)

    assert sum(batch.num_rows for batch in run(runner, compiled.sources)) == 2
    assert {scan.candidates < TRACES for scan in runner.report.scans.values()} == {True}
