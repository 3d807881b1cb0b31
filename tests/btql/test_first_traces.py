"""Summaries of the first traces are those of all traces, though only the rows of few traces were read."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from btql.database import Database, run
from btql.execution import first_traces
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


def test_rows_of_other_traces_are_not_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_traces, "GUESS", 2)
    monkeypatch.setattr(first_traces, "GUESS_MIN", 1)
    compiled = database.compile("select: * | from: project_logs('p') summary | limit: 2")
    runner = database.runner(compiled)

    assert sum(batch.num_rows for batch in run(runner, compiled.sources)) == 2
    assert {scan.candidates < TRACES for scan in runner.report.scans.values()} == {True}
