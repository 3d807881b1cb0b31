"""What EXPLAIN says, beside what is known of a small database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

import btql
from btql.execution.report import FILES, LEFT_OUT
from btql.explain import explained
from btql.explaining import advice
from btql.explaining.explanation import (
    VERSION,
    Cache,
    Explanation,
    File,
    Node,
    PythonFunction,
    Query,
    ScanFacts,
    Statement,
    Step,
    Warn,
)
from btql.explaining.operators import Operator
from btql.running import run
from btql_planner.options import QueryOptions
from btql_storage.part import kept_columns
from btql_storage.part.documents import DOCUMENT_SCHEMA, DocumentsReader
from btql_storage.part.ipc_blocks import BlockBytes

LOGS = "project_logs('demo')"
PARTS, ROWS, REPLACED, TAIL = 3, 50, 10, 5
"""Parts of so many rows, a day each; of the first, some rows are replaced in the last; some wait."""
CURRENT = PARTS * ROWS + TAIL


def event(number: int, day: int) -> dict[str, object]:
    return {
        "id": f"r{number}",
        "root_span_id": f"t{number // 5}",
        "created": f"2026-11-{day:02}T12:00:00Z",
        "input": f"rainbow {number}" if number % 10 == 0 else f"rain {number}",
        "output": {"long": "x" * 200, "number": number, "list": [number]},
        "metadata": {"number": number, "kind": "odd" if number % 2 else "even"},
    }


@pytest.fixture(autouse=True)
def _from_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all columns read from files, however often a test before has asked for them."""
    monkeypatch.setattr(kept_columns, "WANTED_MIN", 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain") / "db"
    with btql.connect(folder) as conn:
        for part in range(PARTS):
            events = [event(number, part + 1) for number in range(part * ROWS, (part + 1) * ROWS)]
            if part == PARTS - 1:
                events += [event(number, part + 1) for number in range(REPLACED)]
            conn.ingest("project_logs:demo", events)
            conn.compact()
        conn.ingest("project_logs:demo", [event(PARTS * ROWS + number, PARTS + 1) for number in range(TAIL)])
    return folder


@pytest.fixture(scope="module")
def conn(folder: Path) -> Iterator[btql.Connection]:
    with btql.connect(folder) as conn:
        yield conn


def analyzed(conn: btql.Connection, query: str) -> Explanation:
    return explained(conn._database, query, analyze=True)


def only_scan(explanation: Explanation) -> tuple[Node, ScanFacts]:
    (node,) = [node for node in explanation.plan.walk() if node.scan is not None]
    assert node.scan is not None
    return node, node.scan


def rows_of(name: str, folder: Path) -> list[Path]:
    return sorted(folder.rglob(name))


CASES: list[tuple[str, int, int, dict[str, int], int, int]] = [
    # The query; rows of the answer and of its scan; parts left out; candidates in parts and rows of the tail.
    (f"SELECT id FROM {LOGS}", CURRENT, CURRENT, {}, PARTS * ROWS, TAIL),
    (f"SELECT count(1) FROM {LOGS} WHERE metadata.number < 20", 1, 20, {"value": 1}, 100, 0),
    (f"SELECT id FROM {LOGS} WHERE created >= '2026-11-04'", TAIL, TAIL, {"range": 3}, 0, TAIL),
    (f"SELECT id FROM {LOGS} WHERE created < '2026-11-02'", ROWS - REPLACED, ROWS - REPLACED, {"range": 2}, 40, 0),
    (f"SELECT id FROM {LOGS} WHERE id = 'r60'", 1, 1, {"key": 2}, 1, 0),
    (f"SELECT id FROM {LOGS} WHERE id = 'r3'", 1, 1, {"key": 1, "superseded": 1}, 1, 0),
    (f"SELECT id FROM {LOGS} WHERE root_span_id IN ('t12', 'nothing')", 5, 5, {"key": 2}, 5, 0),
    (f"SELECT id FROM {LOGS} WHERE id = 'nothing'", 0, 0, {"key": 3}, 0, 0),
    (f"SELECT id FROM {LOGS} WHERE input MATCH 'rainbow'", 16, 16, {}, 15, 1),
    (f"SELECT id FROM {LOGS} WHERE input MATCH 'rainbow 60'", 1, 1, {"text": 2}, 1, 0),
    (f"select: id | from: {LOGS} | filter: created < '2026-11-03' and input MATCH 'rainbow' | limit: 2", 2, 9,
     {"range": 1, "enough": 1}, 2, 0),
]  # fmt: skip


@pytest.mark.parametrize(("query", "answer", "passed", "left_out", "candidates", "tail"), CASES)
def test_scans(
    conn: btql.Connection,
    query: str,
    answer: int,
    passed: int,
    left_out: dict[str, int],
    candidates: int,
    tail: int,
) -> None:
    explanation = analyzed(conn, query)
    node, scan = only_scan(explanation)
    assert explanation.rows == answer == explanation.plan.rows
    assert (scan.parts, scan.left_out, scan.candidates, scan.tail_rows) == (PARTS, left_out, candidates, tail)
    assert scan.parts_read == PARTS - sum(left_out.values())
    assert node.rows == passed or (node.rows is None and passed == 0) or "limit" in query


def test_hits_are_those_of_parts_and_tail_before_rows_are_left_out(conn: btql.Connection) -> None:
    _, scan = only_scan(analyzed(conn, f"SELECT id FROM {LOGS} WHERE input MATCH 'rainbow'"))
    # Of the rows that were replaced, one has the word in both parts.
    assert list(scan.hits.values()) == [CURRENT // 10 + 1 + 1]


def test_bytes_of_columns_are_those_of_the_chunks(conn: btql.Connection, folder: Path) -> None:
    explanation = analyzed(conn, f"SELECT id, metadata.number FROM {LOGS}")
    (statement,) = explanation.statements
    assert statement.operators is not None
    (leaf,) = [each for each in statement.operators.walk() if each.files]
    files = rows_of("columns.parquet", folder)
    expected = 0
    for path in files:
        metadata = pq.read_metadata(path)
        for group in range(metadata.num_row_groups):
            chunks = [metadata.row_group(group).column(number) for number in range(metadata.num_columns)]
            expected += sum(each.total_compressed_size for each in chunks if each.path_in_schema in leaf.columns)
    assert {"id", "metadata.number#i"} <= {*leaf.columns}
    assert len(leaf.files) == len(files) == PARTS
    node, _ = only_scan(explanation)
    assert node.bytes == {"columns": expected}
    (file,) = explanation.files
    assert (file.kind, file.files, file.bytes) == ("columns", PARTS, expected)
    assert file.file_bytes == sum(path.stat().st_size for path in files)


def test_bytes_of_documents_are_those_of_the_blocks(conn: btql.Connection, folder: Path) -> None:
    explanation = analyzed(conn, f"SELECT output FROM {LOGS} WHERE id IN ('r60', 'r61', 'r152')")
    scan, _ = only_scan(explanation)
    (fetch,) = [node for node in explanation.plan.walk() if node.node == "Fetch"]
    # Two of one part, and one of the tail, which is in memory.
    path = rows_of("rows.arrow", folder)[1]
    rows = np.array([10, 11], np.int64)
    sizes = BlockBytes(path, DOCUMENT_SCHEMA)
    expected = sizes.read([0], ["output"])
    assert DocumentsReader(path, np.array([0], np.uint32)).bytes_read(rows, ["output"]) == expected
    assert (fetch.rows, fetch.bytes) == (3, {"rows": expected})
    # So few rows have their columns from documents, too.
    assert scan.bytes == {"rows": sizes.read([0], ["id", "pagination_key"])}
    found = {file.kind: file for file in explanation.files}
    assert (found["rows"].files, found["rows"].file_bytes) == (1, path.stat().st_size)
    assert found["rows"].bytes == expected + scan.bytes["rows"]
    keys = rows_of("keys.arrow", folder)
    assert (found["keys"].files, found["keys"].bytes) == (PARTS, None)
    assert found["keys"].file_bytes == sum(each.stat().st_size for each in keys)


BOUNDED = [
    f"SELECT id FROM {LOGS} WHERE id IN ('r1', 'r2', 'nothing')",
    f"SELECT metadata.kind, count(1) FROM {LOGS} GROUP BY 1",
    f"SELECT metadata.kind, count(1) FROM {LOGS} GROUP BY ROLLUP (1)",
    f"SELECT count(1) FROM {LOGS} WHERE id = 'nothing'",
    f"SELECT id FROM {LOGS} ORDER BY created LIMIT 7 OFFSET 3",
    f"SELECT a.id FROM {LOGS} a JOIN {LOGS} b ON a.root_span_id = b.root_span_id WHERE b.id = 'r60'",
    f"SELECT a.id FROM {LOGS} a, (VALUES (1), (2)) AS v (n) LIMIT 400",
    f"SELECT id FROM {LOGS} UNION ALL SELECT id FROM {LOGS} WHERE created < '2026-11-02'",
    f"SELECT id FROM {LOGS} INTERSECT SELECT id FROM {LOGS} WHERE created < '2026-11-02'",
    f"SELECT id FROM {LOGS} EXCEPT SELECT id FROM {LOGS} WHERE id = 'r1'",
    f"SELECT id FROM {LOGS} WHERE root_span_id IN (SELECT root_span_id FROM {LOGS} WHERE id = 'r60')",
    f"SELECT id, row_number() OVER (ORDER BY created) FROM {LOGS}",
    f"select: * | from: {LOGS} traces | filter: metadata.number = 60",
    f"select: * | from: {LOGS} summary | limit: 3",
    f"dimensions: metadata.kind | measures: count(1) as n | from: {LOGS} | sort: n | limit: 1",
]


@pytest.mark.parametrize("query", BOUNDED)
def test_no_node_gives_more_than_its_bound(conn: btql.Connection, query: str) -> None:
    before = explained(conn._database, query)
    after = analyzed(conn, query)
    assert [node.rows_max for node in before.plan.walk()] == [node.rows_max for node in after.plan.walk()]
    known = [node for node in after.plan.walk() if node.rows is not None]
    assert known[0] is after.plan
    for node in known:
        assert node.rows_max is None or (node.rows or 0) <= node.rows_max, node


def test_two_scans_of_the_same_parts_are_told_apart(conn: btql.Connection) -> None:
    query = f"SELECT a.id FROM {LOGS} a JOIN {LOGS} b ON a.root_span_id = b.root_span_id WHERE b.metadata.number = 60"
    one, other = [node for node in analyzed(conn, query).plan.walk() if node.scan is not None]
    assert 1 in (one.rows, other.rows)
    assert all(node.bytes["columns"] for node in (one, other))


def test_without_analyze_nothing_is_read(conn: btql.Connection) -> None:
    explanation = explained(conn._database, f"SELECT id FROM {LOGS} WHERE created < '2026-11-02' AND input MATCH 'x'")
    node, scan = only_scan(explanation)
    assert not explanation.analyzed
    assert not explanation.steps
    assert (scan.parts, scan.parts_read, scan.rows, scan.tail_rows) == (PARTS, 1, ROWS, 0)
    assert (node.rows_max, node.rows, scan.hits) == (ROWS - REPLACED, None, {})


def test_a_query_that_is_not_explained_pays_for_nothing(conn: btql.Connection) -> None:
    database = conn._database
    compiled = database.compile(f"SELECT id, output FROM {LOGS} LIMIT 5")
    runner = database.runner(compiled)
    assert sum(batch.num_rows for batch in run(runner, compiled.sources)) == 5
    assert not runner.report.plans
    assert not any(step.files.bytes for step in runner.report.steps.values())


def test_steps_are_in_order_and_have_rows(conn: btql.Connection) -> None:
    explanation = analyzed(conn, f"SELECT output FROM {LOGS} WHERE output.number >= 100")
    names = [step.name for step in explanation.steps]
    assert names[:2] == ["compile", "open"]
    assert names[-1] == "answer"
    fetches = [step for step in explanation.steps if step.name.startswith("fetch")]
    assert all(step.seconds >= 0 for step in explanation.steps)
    assert sum(step.rows or 0 for step in fetches) >= 55
    assert explanation.rows == 55


def test_functions_in_python_are_counted(conn: btql.Connection) -> None:
    explanation = analyzed(conn, f"SELECT similarity(input, 'rain') AS s FROM {LOGS}")
    (function,) = explanation.functions
    assert (function.name, function.rows) == ("similarity", CURRENT)


def test_lookups_of_this_query_are_counted(folder: Path) -> None:
    with btql.connect(folder, read_only=True) as conn:
        first, second = (analyzed(conn, f"SELECT id FROM {LOGS}") for _ in range(2))
    parts = [next(cache for cache in each.caches if cache.name == "parts") for each in (first, second)]
    assert [cache.misses for cache in parts] == [PARTS, 0]
    assert parts[1].hits == PARTS


# Doors.

QUERY = f"SELECT id FROM {LOGS} WHERE id = 'r60'"


def plan_of(result: btql.Result) -> Any:
    (row,) = result.rows()
    return row["QUERY PLAN"]


@pytest.mark.parametrize("analyze", [False, True])
def test_json_is_the_explanation(conn: btql.Connection, analyze: bool) -> None:
    read = msgspec.json.decode(conn.explain(QUERY, analyze=analyze, format="json"), type=Explanation)
    assert (read.version, read.analyzed, read.query.language) == (VERSION, analyze, "sql")
    options = "ANALYZE, " if analyze else ""
    result = conn.query(f"EXPLAIN ({options}FORMAT JSON) {QUERY}")
    assert result.columns == ["QUERY PLAN"]
    plan = plan_of(result)
    assert plan["plan"]["node"] == "Project"
    assert plan["analyzed"] is analyze


def test_text_and_tree_are_lines(conn: btql.Connection) -> None:
    for form, last in (("text", "-- analysis"), ("tree", "-- analysis")):
        lines = [str(row["QUERY PLAN"]) for row in conn.query(f"EXPLAIN (ANALYZE, FORMAT {form}) {QUERY}").rows()]
        assert last in lines
        assert any("1 of 3 parts" in line and "2 by key" in line for line in lines)
    assert "-- typed plan" not in conn.explain(QUERY, format="tree")


def test_a_query_in_btql_is_explained_as_one(conn: btql.Connection) -> None:
    query = f"select: id | from: {LOGS} | filter: id = 'r60'"
    plan = plan_of(conn.query(f"explain (analyze, format json) {query}"))
    assert plan["query"]["language"] == "btql"
    assert plan["rows"] == 1
    with pytest.raises(btql.QueryError) as caught:
        conn.query(f"explain analyze\nselect: idd.x | from: {LOGS} | filter: lenght(id) = 1")
    assert ":2:" in str(caught.value)


def test_an_unknown_format_is_refused(conn: btql.Connection) -> None:
    with pytest.raises(btql.ProgrammingError, match=r"no format `xml`.*text, json, tree"):
        conn.explain(QUERY, format="xml")  # type: ignore[arg-type]


# Advice.

ADVICE: list[tuple[str, str, str, str]] = [
    # The code, a query that is told, what it is told, and a query like it that is not.
    (
        "no_time_range",
        f"SELECT count(1) FROM {LOGS} WHERE metadata.number > 3",
        "3 of 3 parts read; add `created > now() - interval '1 day'`",
        f"SELECT count(1) FROM {LOGS} WHERE metadata.number > 3 AND created > '2026-11-02'",
    ),
    (
        "no_time_range",
        f"select: id | from: {LOGS}",
        "3 of 3 parts read; add `created > now() - interval 1 day`",
        f"select: id | from: {LOGS} | filter: id = 'r60'",
    ),
    (
        "documents_decide",
        f"SELECT id FROM {LOGS} WHERE output.list[0] = -1",
        "155 of them were read",
        f"SELECT id FROM {LOGS} WHERE output.list[0] = -1 AND id = 'r60'",
    ),
    (
        "python_function",
        f"SELECT similarity(input, 'rain') FROM {LOGS}",
        "`similarity` ran in Python: 155 rows",
        f"SELECT similarity(input, 'rain') FROM {LOGS} WHERE id = 'r60'",
    ),
    (
        "path_in_a_call",
        f"SELECT id FROM {LOGS} WHERE json_extract(output, 'list') IS NULL",
        "write the path, which has a column: `output.list`",
        f"SELECT id FROM {LOGS} WHERE output.list IS NULL",
    ),
    (
        "no_limit",
        f"select: * | from: {LOGS} | filter: metadata.number >= 0",
        "the documents of all 155 rows were read; add `limit: 100`",
        f"select: * | from: {LOGS} | limit: 150",
    ),
    (
        "offset_is_large",
        f"SELECT id FROM {LOGS} LIMIT 5 OFFSET 120",
        "120 rows are computed and skipped",
        f"SELECT id FROM {LOGS} LIMIT 120 OFFSET 5",
    ),
    (
        "all_pairs",
        f"SELECT count(1) FROM {LOGS} a JOIN {LOGS} b ON a.metadata.number < b.metadata.number",
        "looked at 24,025 pairs",
        f"SELECT count(1) FROM {LOGS} a JOIN {LOGS} b ON a.metadata.number = b.metadata.number",
    ),
]  # fmt: skip


@pytest.fixture
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "PARTS_MANY", PARTS)
    monkeypatch.setattr(advice, "ROWS_MANY", 100)
    monkeypatch.setattr(advice, "PAIRS_MANY", 10_000)


@pytest.mark.usefixtures("low")
@pytest.mark.parametrize(("code", "query", "words", "other"), ADVICE)
def test_advice_where_it_is_true_and_nowhere_else(
    conn: btql.Connection, code: str, query: str, words: str, other: str
) -> None:
    told = [f"{each.message}; {each.remedy}" for each in analyzed(conn, query).warnings if each.code == code]
    assert len(told) == 1, told
    assert words in told[0]
    assert code not in {each.code for each in analyzed(conn, other).warnings}


@pytest.mark.usefixtures("low")
def test_advice_can_be_followed(conn: btql.Connection) -> None:
    """What the remedy says to write is understood, in the language of the query, and the warning is gone."""
    conn.query(f"SELECT id FROM {LOGS} WHERE created > now() - interval '1 day'").rows()
    conn.query(f"select: id | from: {LOGS} | filter: created > now() - interval 1 day").rows()
    query = f"SELECT id FROM {LOGS} WHERE created > now() - interval '1 day'"
    assert "no_time_range" not in {each.code for each in analyzed(conn, query).warnings}


@pytest.mark.usefixtures("low")
def test_advice_about_rows_that_wait_or_were_replaced(tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:demo", [event(number, 1) for number in range(150)])
        query = f"SELECT id FROM {LOGS}"
        (told,) = explained(conn._database, query).warnings
        assert told.code == "tail_is_large"
        assert "150 rows" in told.message
        assert "run `btql compact`" in told.remedy
        conn.compact()
        assert not explained(conn._database, query).warnings
        conn.ingest("project_logs:demo", [event(number, 1) for number in range(60)])
        codes = {each.code: each.message for each in analyzed(conn, query).warnings}
        assert codes == {"rows_are_superseded": "60 of 150 rows read were replaced by newer ones"}
        # Rows that are not looked at were not replaced.
        conn.ingest("project_logs:demo", [event(number, 1) for number in range(150)])
        conn.compact()
        for newest in (f"{query} ORDER BY created DESC LIMIT 3", f"select: id | from: {LOGS} summary | limit: 3"):
            assert not analyzed(conn, newest).warnings
        conn.compact()
        assert not analyzed(conn, query).warnings


def test_the_page_names_every_key_means_and_warning() -> None:
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    shapes = (Explanation, Query, Node, ScanFacts, Statement, Operator, Step, File, PythonFunction, Cache, Warn)
    names = {field.name for shape in shapes for field in msgspec.structs.fields(shape)}
    names |= {*LEFT_OUT, *FILES}
    source = Path(advice.__file__).read_text(encoding="utf-8")
    names |= {*re.findall(r'code="(\w+)"', source)}
    assert len(advice.RULES) == len({*re.findall(r'code="(\w+)"', source)})
    assert not {name for name in names if f"`{name}`" not in page}
    assert f"`version` is {VERSION}" in page


@pytest.mark.usefixtures("low")
def test_what_only_the_run_knows_is_not_told_before(conn: btql.Connection) -> None:
    for query in (f"SELECT id FROM {LOGS} ORDER BY created DESC LIMIT 3", f"SELECT count(1) FROM {LOGS}"):
        for analyze in (False, True):
            assert not explained(conn._database, query, analyze=analyze).warnings, query


def test_small_databases_get_no_advice(conn: btql.Connection) -> None:
    for query in BOUNDED:
        assert not analyzed(conn, query).warnings, query


def test_lint_and_limits_of_options_hold_for_what_is_explained(conn: btql.Connection) -> None:
    options = QueryOptions(default_limit=7, lint="off")
    explanation = explained(conn._database, f"select: id | from: {LOGS}", options=options, analyze=True)
    assert explanation.rows == 7


def test_columns_that_are_in_memory_are_counted_and_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_columns, "WANTED_MIN", 8)
    with btql.connect(folder) as conn:
        found = [analyzed(conn, f"SELECT count(metadata.number) FROM {LOGS} WHERE id > 'b'") for _ in range(3)]
    read = [[each.kind for each in explanation.files if each.kind == "columns"] for explanation in found]
    hits = [[each.hits for each in explanation.caches if each.name == "columns"] for explanation in found]
    assert (read, hits) == ([["columns"], [], []], [[], [PARTS], [PARTS]])
