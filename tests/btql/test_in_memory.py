"""Few rows in memory: the same answer without the engine as with it, and EXPLAIN says which it was."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

import btql
from btql.execution import in_memory
from btql.explain import explained
from btql_planner.catalog import Objects
from btql_planner.columns import ScanColumns
from btql_planner.engine_plan import ScanSpec
from btql_planner.select import Select

LOGS = "project_logs('demo')"
WITHOUT_ENGINE = [
    f"SELECT * FROM {LOGS} WHERE id = 'r7'",
    f"SELECT * FROM {LOGS} WHERE id = 'no such'",
    f"SELECT id FROM {LOGS} WHERE id = 'it''s \"r\" OR (1 = 1)'",
    f"SELECT id FROM {LOGS} WHERE id IN ('r1', 'r2', 'r50', 'r51', 'no') ORDER BY created, id LIMIT 3 OFFSET 1",
    f"SELECT id, metadata.number FROM {LOGS} WHERE root_span_id = 't2' AND created >= '2026-11-01T00:00:02Z'",
    f"SELECT id FROM {LOGS} WHERE root_span_id = 't2' AND created < '2026-11-01T00:00:02.5Z'",
    f"SELECT id, metadata.number AS n FROM {LOGS} WHERE root_span_id = 't1' ORDER BY n DESC NULLS LAST, id",
    f"SELECT id, metadata.number AS n FROM {LOGS} WHERE root_span_id = 't1' ORDER BY n NULLS FIRST, id",
    f"select: id, metadata.odd | from: {LOGS} | filter: root_span_id = 't3' | sort: metadata.odd asc, id desc",
    f'SELECT id, tags, "we""ird" FROM {LOGS} ORDER BY created DESC LIMIT 20',
    f"SELECT id FROM {LOGS} WHERE id IN ('r1', 'r2', 'r7') AND is_root",
    f"SELECT id FROM {LOGS} WHERE root_span_id = 't1' AND id > 'r''2' AND id <= 'r6'",
    f"select: * | from: {LOGS} | filter: id = 'r3' and no_such.field = 'x'",
    "SELECT * FROM project_logs('empty')",
    f"SELECT count(*) AS n, count(1) AS m FROM {LOGS} WHERE id IN ('r7', 'r8') AND created >= '2026-11-01T00:00:02Z'",
]
WITH_ENGINE = [
    f"SELECT count(*) AS n, max(id) AS m FROM {LOGS} WHERE id = 'r7'",
    f"SELECT upper(id) AS u FROM {LOGS} WHERE id = 'r7'",
    f"SELECT id FROM {LOGS} WHERE root_span_id = 't1' AND NOT is_root",
    f"SELECT id FROM {LOGS} WHERE root_span_id = 't1' ORDER BY metadata.share",
    f"SELECT a.id FROM {LOGS} a JOIN {LOGS} b ON a.id = b.id WHERE a.id = 'r7'",
]
"""One word more than is done without it."""


def event(number: int) -> dict[str, object]:
    metadata: dict[str, object] = {"share": number / 7}
    if number % 3:
        metadata["number"] = number % 4
    if number % 2:
        metadata["odd"] = f"ö{number % 5}" if number % 5 else ""
    return {
        "id": f"r{number}",
        "root_span_id": f"t{number % 5}",
        "created": f"2026-11-01T00:00:{number % 60:02}Z",
        "metadata": metadata,
        "span_parents": [] if number < 5 else ["x"],
        "tags": ["a"] if number % 7 == 0 else None,
        'we"ird': number,
    }


@pytest.fixture(scope="module", params=["parts and tail", "tail"])
def conn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("in_memory") / "db") as conn:
        conn.ingest("project_logs:demo", [event(number) for number in range(50)])
        conn.ingest("project_logs:empty", [])
        if request.param != "tail":
            conn.compact()
        conn.ingest("project_logs:demo", [event(number) for number in (*range(40, 60), 7)])
        yield conn


def without_engine(conn: btql.Connection, query: str) -> bool:
    explanation = explained(conn._database, query, analyze=True)
    return any(statement.in_memory is not None for statement in explanation.statements)


@pytest.mark.parametrize("query", WITHOUT_ENGINE)
def test_without_the_engine_the_answer_is_the_same(
    conn: btql.Connection, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert without_engine(conn, query)
    found, schema = conn.query(query).rows(), conn.query(query).schema
    monkeypatch.setattr(in_memory, "ROWS_MAX", -1)
    assert not without_engine(conn, query)
    assert conn.query(query).rows() == found
    assert conn.query(query).schema == schema


@pytest.mark.parametrize("query", WITH_ENGINE)
def test_what_says_more_is_the_engines(conn: btql.Connection, query: str) -> None:
    assert not without_engine(conn, query)


def test_many_rows_are_the_engines(conn: btql.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    query = f"SELECT id FROM {LOGS} WHERE root_span_id = 't1'"
    rows = conn.query(query).rows()
    assert without_engine(conn, query)
    monkeypatch.setattr(in_memory, "ROWS_MAX", len(rows) - 1)
    assert not without_engine(conn, query)
    assert conn.query(query).rows() == rows


def test_explain_says_so(conn: btql.Connection) -> None:
    text = conn.explain(f"SELECT id FROM {LOGS} WHERE id = 'r7'", analyze=True)
    assert "answer\n  done without the engine: 1 row in memory" in text


def test_a_column_of_another_type_is_the_engines() -> None:
    spec = ScanSpec("rows_0", Objects("project_logs", ("demo",)), (), ())
    select = Select(ScanColumns(spec), lambda: '"rows_0"', "rows_0", {"id": '"id"'}, ["(\"id\" = 'a')"])
    statement = in_memory.over_rows(select)
    assert statement is not None
    assert statement.fits(pa.table({"id": pa.array(["a", None]), "_row": [1, 2]}))
    assert not statement.fits(pa.table({"id": pa.array(["a"], pa.large_string()), "_row": [1]}))
