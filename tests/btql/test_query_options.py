"""Samples, inference, second stages, settings, lints, limits, time zones, versions, and the JSON form."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from oracle.expressions import get
from oracle.rows import difference
from support.generated import STATES, documents, stored

import btql
from btql.database import Database
from btql_planner.options import QueryOptions

LOGS = "from: project_logs('demo')"


@pytest.fixture(scope="module", params=STATES)
def conn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with stored(tmp_path_factory.mktemp("options") / "db", request.param) as connection:
        yield connection


def ids(conn: btql.Connection, text: str) -> list[object]:
    return [row["id"] for row in conn.query(text).rows()]


# Samples.


def test_a_rate_keeps_about_that_part_and_the_same_rows_again(conn: btql.Connection) -> None:
    everything = [span["id"] for span in documents()]
    found = ids(conn, f"select: id | {LOGS} | sample: 25% seed 42")
    spread = 5 * math.sqrt(len(everything) * 0.25 * 0.75)

    assert abs(len(found) - 0.25 * len(everything)) < spread
    assert found == sorted(found, key=everything.index)
    assert ids(conn, "SELECT id FROM project_logs('demo') TABLESAMPLE (25 PERCENT) REPEATABLE (42)") == found
    assert ids(conn, f"select: id | {LOGS} | sample: 25% seed 43") != found
    assert set(found) < set(ids(conn, f"select: id | {LOGS} | sample: 50% seed 42"))
    assert ids(conn, f"select: id | {LOGS} | sample: 0%") == []
    assert ids(conn, f"select: id | {LOGS} | sample: 100%") == everything


def test_a_number_of_rows_is_drawn_from_what_the_filter_leaves(conn: btql.Connection) -> None:
    failed = {span["id"] for span in documents() if span.get("error") is not None}
    found = ids(conn, f"select: id | {LOGS} | filter: error is not null | sample: 5 seed 1")

    assert len(found) == 5
    assert set(found) < failed
    assert ids(conn, f"select: id | {LOGS} | filter: error is not null | sample: 5 seed 1") == found
    assert (
        ids(conn, "SELECT id FROM project_logs('demo') WHERE error IS NOT NULL TABLESAMPLE (5 ROWS) REPEATABLE (1)")
        == found
    )
    assert conn.query(f"measures: count(1) as n | {LOGS} | sample: 17").rows() == [{"n": 17}]
    assert len(ids(conn, f"select: id | {LOGS} | sample: 100000")) == len(documents())


def test_traces_are_drawn_whole(conn: btql.Connection) -> None:
    sizes = Counter(span["root_span_id"] for span in documents())
    for clause, traces in (("sample: 4 seed 3", 4), ("sample: 30% seed 3", None)):
        rows = conn.query(f"select: root_span_id | {LOGS} traces | {clause}").rows()
        drawn = Counter(row["root_span_id"] for row in rows)
        summary = conn.query(f"select: root_span_id | {LOGS} summary | {clause}").rows()

        assert all(sizes[root] == count for root, count in drawn.items())
        assert traces is None or len(drawn) == traces
        assert {row["root_span_id"] for row in summary} == set(drawn)


# Inference.


def test_inference_knows_all_paths(conn: btql.Connection) -> None:
    result = conn.query(f"infer: scores, metadata, tags, created | {LOGS}")
    schema = result.inferred

    assert result.rows() == []
    assert result.columns == ["scores", "metadata", "tags", "created"]
    assert schema is not None
    properties = schema["items"]["properties"]  # type: ignore[index]
    names = {name for span in documents() for name in (span.get("scores") or {})}  # type: ignore[attr-defined]
    assert set(properties["scores"]["properties"]) == names
    assert properties["scores"]["properties"][min(names)]["type"] == "number"
    assert properties["tags"] == {"type": "array", "items": {"type": "string"}}
    assert properties["created"] == {"type": "string", "format": "date-time"}
    known = {name for span in documents() for name in (span.get("metadata") or {})}  # type: ignore[attr-defined]
    assert set(properties["metadata"]["properties"]) == known


def test_the_budget_bounds_the_rows_that_are_looked_at(conn: btql.Connection) -> None:
    whole = conn.query(f"infer: input | {LOGS} | inference_budget: 100000").inferred
    one = conn.query(f"infer: input | {LOGS} | inference_budget: 1").inferred
    setting = "SELECT * FROM project_logs('demo') SETTINGS inference_budget = 0"

    assert whole != one
    with pytest.raises(btql.QueryError, match="`inference_budget` cannot be 0"):
        conn.query(setting)


def test_star_infers_every_field(conn: btql.Connection) -> None:
    schema = conn.query(f"infer: * | {LOGS}").inferred

    assert schema is not None
    assert list(schema["items"]["properties"]) == conn.query(f"select: * | {LOGS} | limit: 1").columns  # type: ignore[index]


# Second stages.


def test_a_second_stage_groups_what_the_first_gives(conn: btql.Connection) -> None:
    sizes = Counter(str(span["root_span_id"]) for span in documents())
    tokens: dict[str, list[float]] = defaultdict(list)
    for span in documents():
        value = get(span, "metrics", "tokens")
        if isinstance(value, int | float):
            tokens[str(span["root_span_id"])].append(value)
    traces: dict[int, list[str]] = defaultdict(list)
    for root, size in sizes.items():
        traces[size].append(root)
    expected = []
    for size in sorted(traces):
        sums = [sum(tokens[root]) for root in traces[size] if tokens[root]]
        row = {"n": size, "traces": len(traces[size]), "t": sum(sums) / len(sums) if sums else None}
        expected.append(row)
    expected = [row for row in expected if row["traces"] > 1]

    text = (
        f"dimensions: root_span_id | measures: count(1) as n, sum(metrics.tokens) as tokens | {LOGS}"
        " | final_dimensions: n | final_measures: count(1) as traces, avg(tokens) as t"
        " | final_filter: traces > 1 | sort: n"
    )
    assert len(expected) > 2
    assert difference(conn.query(text).rows(), expected, in_order=True) is None


# Settings, lints, limits.


def test_settings_are_read_from_the_text(conn: btql.Connection) -> None:
    assert conn.query("SELECT id FROM project_logs('demo') LIMIT 1 SETTINGS lint_mode = 'default'").lints
    (row,) = conn.query(
        "SELECT input FROM project_logs('demo') WHERE is_root LIMIT 1 SETTINGS preview_length = 3"
    ).rows()
    assert len(str(row["input"])) == 3
    with pytest.raises(btql.QueryError, match="did you mean `tz_offset`"):
        conn.query("SELECT id FROM project_logs('demo') SETTINGS tz_ofset = 3")


MISSING = "missingSegmentEliminationSpecs"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (f"select: id | {LOGS}", [MISSING]),
        (f"select: id | {LOGS} | filter: created > '2026-01-01'", []),
        (f"select: id | {LOGS} | filter: is_root and (_xact_id > '1' or metadata.app = 'x')", []),
        (f"select: id | {LOGS} | filter: not id = 'x'", [MISSING]),
        (f"select: id | {LOGS} | filter: id != 'x'", [MISSING]),
        (f"select: id | {LOGS} traces | filter: any_span(root_span_id = 'x')", []),
        ("SELECT id FROM project_logs('demo') AS t WHERE t.id IN ('a', 'b')", []),
        ("SELECT id FROM project_logs('demo') WHERE created BETWEEN '2026-01-01' AND '2026-02-01'", []),
        (f"select: id | {LOGS} | filter: id = 'x' and input like '%y%'", ["filterPushdown"]),
        (f"select: id, input | {LOGS} | filter: id = 'x'", ["fullDocuments"]),
        (f"select: id, input | {LOGS} | filter: id = 'x' | preview_length: 10", []),
        (f"dimensions: id | measures: count(1) | {LOGS} summary | filter: id = 'x'", ["groupBySummary"]),
        ("SELECT 1 AS one", []),
    ],
)
def test_lints(conn: btql.Connection, text: str, codes: list[str]) -> None:
    assert [lint.code for lint in conn.query(text, lint="default").lints] == codes
    assert conn.query(text).lints == []
    if not codes:
        assert conn.query(text, lint="strict").rows() == conn.query(text).rows()
        return
    with pytest.raises(btql.QueryError) as caught:
        conn.query(text, lint="strict")
    assert caught.value.code == "B0412"
    assert all(f"{code} (" in str(caught.value) for code in codes)


def test_limits_of_whoever_runs_the_query(conn: btql.Connection) -> None:
    database: Database = conn._database
    ten = QueryOptions(default_limit=10, limit_max=20, lint="off")
    text = f"select: id | {LOGS}"

    assert len(conn.query(text).rows()) == len(documents())
    assert len(conn.query(text, limit=7).rows()) == 7
    assert len(conn.query(f"{text} | limit: 9", limit=7).rows()) == 9
    unlimited, large, small = (database.query(text + cut, options=ten) for cut in ("", " | limit: 30", " | limit: 20"))
    assert (len(unlimited.rows()), unlimited.warnings) == (10, [])
    assert (len(large.rows()), large.warnings) == (
        20,
        ["the limit 30 was lowered to 20, the most that is allowed here"],
    )
    assert (len(small.rows()), small.warnings) == (20, [])


@pytest.mark.parametrize("offset", [0, 480, -330])
def test_days_begin_where_the_reader_is(conn: btql.Connection, offset: int) -> None:
    def day(span: dict[str, object]) -> datetime:
        created = span["created"]
        assert isinstance(created, datetime)
        local = created - timedelta(minutes=offset)
        return local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=offset)

    expected = [{"d": d, "n": n} for d, n in sorted(Counter(map(day, documents())).items())]
    text = f"dimensions: day(created) as d | measures: count(1) as n | {LOGS} | sort: d"

    assert conn.query(text, tz_offset=offset).rows() == expected
    sql = "SELECT date_trunc('day', created) AS d, count(1) AS n FROM project_logs('demo') GROUP BY 1 ORDER BY 1"
    assert conn.query(f"{sql} SETTINGS tz_offset = {offset}").rows() == expected
    (first,) = conn.query(f"select: created | {LOGS} | limit: 1", tz_offset=offset).rows()
    assert first == {"created": documents()[0]["created"]}


def test_wrong_options_are_query_errors(conn: btql.Connection) -> None:
    for wrong in ({"tz_offset": 5000}, {"lint": "loud"}, {"version": "latest"}, {"limit": -1}):
        with pytest.raises(btql.QueryError, match=r"B0410"):
            conn.query(f"select: id | {LOGS}", **wrong)  # type: ignore[arg-type]


def test_the_json_form(conn: btql.Connection) -> None:
    source = {
        "op": "function",
        "name": {"op": "ident", "name": ["project_logs"]},
        "args": [{"op": "literal", "value": "demo"}],
    }
    query: dict[str, object] = {
        "select": [{"expr": {"btql": "id"}, "alias": "id"}],
        "from": source,
        "filter": [{"btql": "error is not null"}, {"op": "isnotnull", "expr": {"op": "ident", "name": ["created"]}}],
        "sample": {"method": {"type": "count", "value": 4}, "seed": 1},
        "preview_length": 10,
    }
    text = f"select: id | {LOGS} | filter: error is not null | sample: 4 seed 1"

    assert conn.query(query).rows() == conn.query(text).rows()
    with pytest.raises(btql.QueryError, match="did you mean `lower`"):
        conn.query({"select": [{"expr": {"btql": "lowr(id)"}, "alias": "x"}], "from": source})


PIECE = """\
error[B0101]: expected an expression, found `=`
 --> filter.children[1].btql:1:9
  |
1 | error = = 'x'
  |         ^ found `=`
  |"""
WHOLE = """\
error[B0201]: unknown function `lowr`
 --> <query as BTQL>:3:9
  |
3 | filter: lowr(error) = 'x'
  |         ^^^^ no such function
  |
  = help: did you mean `lower`?"""


def test_a_mistake_in_a_piece_of_the_json_form_is_drawn_over_that_piece(conn: btql.Connection) -> None:
    def mistake(condition: dict[str, object]) -> str:
        logs = {"op": "function", "name": {"op": "ident", "name": ["project_logs"]}}
        source = {**logs, "args": [{"op": "literal", "value": "demo"}]}
        with pytest.raises(btql.QueryError) as caught:
            conn.query({"select": [{"op": "star"}], "from": source, "filter": condition})
        return str(caught.value)

    assert mistake({"op": "and", "children": [{"btql": "is_root"}, {"btql": "error = = 'x'"}]}) == PIECE
    assert mistake({"btql": "lowr(error) = 'x'"}) == WHOLE
    assert mistake({"btql": ""}).startswith("error[B0112]: the expression is empty\n --> filter.btql:1:1")


# Versions.


@pytest.mark.parametrize("kind", ["dataset", "experiment"])
def test_rows_as_they_were(tmp_path: Path, kind: str) -> None:
    source = f"from: {kind}('d')"
    with btql.connect(tmp_path / "db") as conn:
        versions: list[tuple[int, list[tuple[object, object]]]] = []
        writes: list[list[dict[str, object]]] = [
            [{"id": "a", "input": 1}, {"id": "b", "input": 1}],
            [{"id": "a", "input": 2, "_is_merge": True}],
            [{"id": "b", "_object_delete": True}, {"id": "c", "input": 3}],
        ]
        for events in writes:
            receipt = conn.ingest(f"{kind}:d", events)
            rows = conn.query(f"select: id, input | {source} | sort: id").rows()
            versions.append((receipt.xact_id, [(row["id"], row["input"]) for row in rows]))

        for compacted in (False, True):
            for number, expected in versions:
                found = conn.query(f"select: id, input | {source} | sort: id", version=str(number)).rows()
                assert [(row["id"], row["input"]) for row in found] == expected
            if not compacted:
                conn.compact()
        sql = f"SELECT count(*) AS n FROM {kind}('d') SETTINGS version = '{versions[1][0]}'"
        assert conn.query(sql).rows() == [{"n": 2}]
        assert conn.query(f"measures: count(1) as n | {source}", version=versions[0][0] - 1).rows() == [{"n": 0}]


def test_versions_before_there_was_history_are_refused(tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db") as conn:
        first = conn.ingest("dataset:d", [{"id": "a"}]).xact_id
        last = conn.ingest("dataset:d", [{"id": "a", "_object_delete": True}]).xact_id
        conn.compact()
    with closing(sqlite3.connect(tmp_path / "db" / "catalog.sqlite")) as catalog, catalog:
        # What a compaction of before noted.
        catalog.execute("insert into numbers select 'compacted_upto ' || id, ? from objects", (last,))

    with btql.connect(tmp_path / "db") as conn:
        assert conn.query("measures: count(1) as n | from: dataset('d')", version=last).rows() == [{"n": 0}]
        with pytest.raises(btql.QueryError, match=f"the oldest version that can still be read is {last}") as caught:
            conn.query("measures: count(1) as n | from: dataset('d')", version=first)
        assert caught.value.code == "B0417"


def test_logs_have_no_versions(conn: btql.Connection) -> None:
    with pytest.raises(btql.QueryError, match="experiments, datasets, prompts and functions can be read") as caught:
        conn.query(f"select: id | {LOGS}", version=2**62)

    assert caught.value.code == "B0417"
