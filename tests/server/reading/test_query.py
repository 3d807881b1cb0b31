"""`POST /btql`: bodies, formats, envelopes, headers, errors."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

import btql

LAST = "select: id | from: project_logs('demo') | limit: 3"


def test_the_envelope(ask):
    body = ask("select: id, created, scores.s, input | from: project_logs('demo') | filter: id = 's0007'").json()

    assert body["data"] == [
        {"id": "s0007", "created": "2026-01-01T00:00:00.000007Z", "s": 0.7, "input": {"n": 7, "text": "xxxxxxx"}}
    ]
    assert body["schema"]["items"]["properties"] == {
        "id": {"type": "string"},
        "created": {"type": "string", "format": "date-time"},
        # Read from whole documents, which may have anything there.
        "s": {},
        "input": {},
    }
    assert list(body["schema"]["items"]["properties"]) == ["id", "created", "s", "input"]
    assert body["columns"] == ["id", "created", "s", "input"]
    seen = body["realtime_state"]
    assert seen["type"] == "on"
    assert seen["actual_xact_id"] == seen["minimum_xact_id"]
    assert len(seen["actual_xact_id"]) == 19
    assert body["freshness_state"] == {
        "last_processed_xact_id": seen["actual_xact_id"],
        "last_considered_xact_id": seen["actual_xact_id"],
    }
    assert [(each["code"], each["stage"], each["severity"]) for each in body["warnings"]] == [
        ("fullDocuments", "execution", "warning")
    ]


def test_star_has_every_column(ask):
    (row,) = ask("SELECT * FROM project_logs('demo') LIMIT 1").json()["data"]

    assert set(row) == {
        *(
            "_async_scoring_state",
            "_pagination_key",
            "_xact_id",
            "audit_data",
            "classifications",
            "comments",
            "context",
        ),
        *(
            "created",
            "error",
            "expected",
            "facets",
            "id",
            "input",
            "is_root",
            "log_id",
            "metadata",
            "metrics",
            "origin",
        ),
        *("output", "project_id", "root_span_id", "scores", "span_attributes", "span_id", "span_parents", "tags"),
    }
    assert row["log_id"] == "g"
    assert row["output"] is None


@pytest.mark.parametrize(
    "query",
    [
        LAST,
        "SELECT id FROM project_logs('demo') LIMIT 3",
        {
            "select": [{"alias": "id", "expr": {"op": "ident", "name": ["id"]}}],
            "from": {
                "op": "function",
                "name": {"op": "ident", "name": ["project_logs"]},
                "args": [{"op": "literal", "value": "demo"}],
            },
            "cursor": None,
            "limit": 3,
        },
    ],
)
def test_text_in_either_language_and_the_json_form(ask, query):
    assert [row["id"] for row in ask(query).json()["data"]] == ["s4999", "s4998", "s4997"]


def test_lines_of_json(ask):
    answer = ask(LAST, fmt="jsonl")

    assert answer.headers["content-type"] == "application/x-jsonlines"
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == ["s4999", "s4998", "s4997"]
    assert answer.text.endswith("\n")
    assert ask("select: id | from: project_logs('demo') | filter: id = 'nobody'", fmt="jsonl").content == b""


def test_arrow(ask):
    answer = ask(LAST, fmt="arrow")
    table = pa.ipc.open_stream(answer.content).read_all()

    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    assert table.to_pydict() == {"id": ["s4999", "s4998", "s4997"]}


def test_parquet(ask):
    answer = ask(LAST, fmt="parquet")
    assert parquet.read_table(io.BytesIO(answer.content)).to_pydict() == {"id": ["s4999", "s4998", "s4997"]}


def test_no_rows_in_any_format(ask):
    query = "select: id, created | from: project_logs('demo') | filter: id = 'nobody'"

    assert ask(query).json()["data"] == []
    assert pa.ipc.open_stream(ask(query, fmt="arrow").content).read_all().num_rows == 0
    table = parquet.read_table(io.BytesIO(ask(query, fmt="parquet").content))
    assert (table.num_rows, table.column_names) == (0, ["id", "created"])


@pytest.mark.parametrize(
    ("accepted", "media"),
    [
        ("application/x-jsonlines", "application/x-jsonlines"),
        ("application/x-ndjson, */*", "application/x-jsonlines"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
    ],
)
def test_the_accept_header_says_the_format_and_the_body_wins(ask, accepted, media):
    assert ask(LAST, {"accept": accepted}).headers["content-type"] == media
    assert ask(LAST, {"accept": accepted}, fmt="json").headers["content-type"] == "application/json"


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_compressed_answers(ask, encoding):
    query = "select: * | from: project_logs('demo') | limit: 100"
    answer = ask(query, {"accept-encoding": encoding})

    assert answer.headers["content-encoding"] == encoding
    assert answer.json()["data"] == ask(query, {"accept-encoding": "identity"}).json()["data"]


@pytest.mark.parametrize("fmt", ["json", "jsonl", "arrow", "parquet"])
def test_cursors_in_body_and_header(ask, fmt):
    first = ask(LAST, fmt=fmt)
    cursor = first.headers["x-bt-cursor"]
    in_body = ask(LAST, cursor=cursor).json()
    in_header = ask(LAST, {"x-bt-cursor": cursor}).json()

    assert [row["id"] for row in in_body["data"]] == ["s4996", "s4995", "s4994"]
    assert in_header["data"] == in_body["data"]
    assert ask(LAST).json()["cursor"] == cursor


def test_pages_are_all_rows_and_end(ask):
    body = ask("select: id | from: project_logs('demo') | limit: 900").json()
    found = [row["id"] for row in body["data"]]
    while body["cursor"] is not None:
        body = ask("select: id | from: project_logs('demo') | limit: 900", cursor=body["cursor"]).json()
        found += [row["id"] for row in body["data"]]
    assert found == sorted(found, reverse=True)
    assert len(found) == 5_000
    assert body["data"] == []


def test_a_sort_of_its_own_has_no_cursor(ask):
    answer = ask("select: id | from: project_logs('demo') | sort: created | limit: 3")
    assert answer.json()["cursor"] is None
    assert "x-bt-cursor" not in answer.headers


def test_limits(ask):
    everything = "select: id | from: project_logs('demo')"
    cut = ask(everything).json()
    assert len(cut["data"]) == 1_000
    assert cut["warnings"][-1]["message"] == "these are the first 1,000 rows: the query has no limit of its own"

    lowered = ask(everything + " | limit: 4000").json()
    assert len(lowered["data"]) == 1_000
    assert "the limit 4,000 was lowered to 1,000" in lowered["warnings"][-1]["message"]

    asked_for = ask(everything + " | limit: 1000").json()
    assert len(asked_for["data"]) == 1_000
    assert [each["code"] for each in asked_for["warnings"]] == ["missingSegmentEliminationSpecs"]

    assert len(ask(everything, disable_limit=True).json()["data"]) == 5_000
    assert len(ask(everything + " | limit: 4000", disable_limit=True).json()["data"]) == 4_000


def test_limits_do_not_cut_what_a_statement_writes(ask):
    ask("INSERT INTO project_logs('copy') (id, input) SELECT id, input FROM project_logs('demo') WHERE id < 's1500'")
    assert ask("SELECT count(*) AS n FROM project_logs('copy')").json()["data"] == [{"n": 1_500}]
    assert ask("UPDATE project_logs('copy') SET output = 1").json()["data"] == [{"count": 1_500}]


def test_time_zones(ask):
    query = "dimensions: day(created) as d | measures: count(1) as n | from: project_logs('demo')"
    assert ask(query).json()["data"] == [{"d": "2026-01-01T00:00:00.000Z", "n": 5_000}]
    assert ask(query, tz_offset=480).json()["data"] == [{"d": "2025-12-31T08:00:00.000Z", "n": 5_000}]


def test_inferred_schemas(ask):
    body = ask("infer: input | from: project_logs('demo')").json()
    assert body["data"] == []
    assert body["schema"]["items"]["properties"]["input"]["properties"] == {
        "n": {"type": "integer"},
        "text": {"type": "string"},
    }


def test_headers(ask):
    answer = ask(LAST)
    assert answer.headers["x-bt-brainstore-duration-ms"].isdigit()
    assert answer.headers["x-bt-api-duration-ms"].isdigit()
    assert answer.headers["x-bt-freshness-state"] == "complete"
    assert "x-bt-query-plan" not in answer.headers


@pytest.mark.parametrize("form", ["jsonl", "json", "arrow"])
def test_the_plan_is_in_a_header_when_asked_for(ask, form):
    def plan(value: str, query: str = LAST) -> Any:
        return json.loads(ask(query, {"x-bt-query-plan": value}, fmt=form).headers["x-bt-query-plan"])

    assert "-- typed plan" in plan("true")
    assert "-- analysis" not in plan("tree")
    assert "-- analysis" in plan("tree, analyze")
    rows = ask(LAST).json()["data"]
    told = plan("json, analyze")
    assert (told["version"], told["analyzed"], told["rows"]) == (1, True, len(rows))
    assert told["plan"]["node"] == "Project"
    # An answer that is kept was not computed.
    assert plan("json,analyze", "SELECT 1 AS one")["analyzed"] is False
    wide = " UNION ALL ".join([f"SELECT id, {number} AS n FROM demo" for number in range(30)])
    assert plan("json, analyze", wide)["rows"] == 1_000
    assert len(json.dumps(plan("json", wide))) < 7_000


def test_no_plan_where_there_is_none_and_an_error_for_another_word(ask, reader):
    assert "x-bt-query-plan" not in ask(LAST, {"x-bt-query-plan": "false"}).headers
    answer = reader.post("/btql", json={"query": LAST}, headers={"x-bt-query-plan": "xml"})
    assert answer.status_code == 400
    assert "one of text, json, tree" in answer.json()["Message"]


def test_hints_to_other_engines_and_unknown_fields_are_tolerated(ask):
    body = ask(
        LAST,
        api_version=1,
        use_columnstore=True,
        use_brainstore=True,
        brainstore_realtime=True,
        inference_depth=3,
        force_push_limit=False,
        expected_cost=4,
        overflow_results=True,
        relaxed_search_mode=True,
        query_source="py_sdk_object_fetcher_dataset",
        client_version="1",
        _source="x",
        audit_log=False,
        version=None,
        cursor=None,
        lint_mode=None,
    ).json()
    assert len(body["data"]) == 3


def test_a_query_that_is_none_has_the_shape_of_zod(reader):
    answer = reader.post("/btql", json={})
    issue = {"code": "invalid_type", "expected": "string", "received": "undefined", "path": ["query"]}

    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid request"
    (error,) = answer.json()["errors"]
    assert error["code"] == "invalid_union"
    first, second = error["unionErrors"]
    assert first == {"issues": [{**issue, "message": "Required"}], "name": "ZodError"}
    assert second == {"issues": [{**issue, "expected": "object", "message": "Required"}], "name": "ZodError"}
    (error,) = reader.post("/btql", json={"query": [1]}).json()["errors"]
    assert error["unionErrors"][0]["issues"][0]["message"] == "Expected string, received array"


def test_mistakes_say_where(reader):
    body = reader.post(
        "/btql", json={"query": "select: id\n| from: project_logs('demo')\n| filter: idd = lowr('x')"}
    ).json()

    (mistake,) = body["errors"]
    assert (mistake["code"], mistake["line"], mistake["column"]) == ("B0201", 3, 17)
    assert body["Message"].startswith("error[B0201]")
    assert body["Code"] == "BadRequestError"


def test_strict_lint_mode_refuses_in_the_words_that_clients_know(reader):
    for more in ({"lint_mode": "strict"}, {"strict_lint_mode": True}):
        answer = reader.post("/btql", json={"query": LAST, **more})
        assert answer.status_code == 400
        assert answer.json()["Message"] == (
            "Query blocked by strict lint mode due to 1 lint:\n"
            "missingSegmentEliminationSpecs (optimizer/warning): No filters available for segment elimination. "
            "Add a range filter on created, _xact_id, or _pagination_key, or scope to a specific root_span_id or id."
        )


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"fmt": "xml"}, "fmt"),
        ({"fmt": 7}, "fmt"),
        ({"tz_offset": "x"}, "tz_offset"),
        ({"tz_offset": 0.5}, "tz_offset"),
        ({"tz_offset": 1e300}, "tz_offset"),
        ({"lint_mode": "loud"}, "lint_mode"),
        ({"query_timeout_seconds": 0}, "query_timeout_seconds"),
        ({"version": "soon"}, "version"),
        ({"version": "9" * 30}, "version"),
        ({"query": "SELECT id FROM project_logs('demo') SETTINGS version = " + "9" * 30}, "version"),
        ({"version": [1]}, "version"),
        ({"cursor": "!"}, "cursor"),
        ({"cursor": 1}, "cursor"),
        ({"audit_log": "yes"}, "audit_log"),
    ],
)
def test_what_is_wrong_in_the_body_is_named(reader, body, place):
    answer = reader.post("/btql", json={"query": LAST, **body})
    assert answer.status_code == 400
    assert place in answer.json()["Message"]


def test_a_time_limit_may_be_any_number(reader):
    assert reader.post("/btql", json={"query": LAST, "query_timeout_seconds": 10**400}).status_code == 200


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'"x"', b"{", b'{"query": "\xff"}', b'{"query": "\\ud800"}'])
def test_bodies_that_are_none(reader, content):
    assert reader.post("/btql", content=content).status_code == 400


def test_logs_have_no_versions_and_data_sets_do(served, ask, reader):
    answer = reader.post("/btql", json={"query": LAST, "version": "1000198244729618432"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "B0417")

    ask("INSERT INTO dataset('golden') (id, input) VALUES ('a', 'before')")
    version = ask("SELECT max(_xact_id) AS v FROM dataset('golden')").json()["data"][0]["v"]
    ask("INSERT INTO dataset('golden') (id, input) VALUES ('a', 'after'), ('b', 'new')")
    query = "SELECT id, input FROM dataset('golden') ORDER BY id"
    pretty = f"{int(version) * 205891132094649 % 2**64:016x}"

    assert len(ask(query).json()["data"]) == 2
    for written in (version, int(version), pretty):
        assert ask(query, version=written).json()["data"] == [{"id": "a", "input": "before"}]


def test_the_audit_log_of_rows(served, ask, reader):
    project = reader.post("/v1/project", json={"name": "audited"}).json()["id"]
    there = {"project_id": project, "log_id": "g", "id": "a"}
    written = [{**there, "input": 1, "_audit_source": "app"}, {**there, "id": "b", "input": 2}]
    first = reader.post("/logs3", json={"rows": written}).json()["xact_id"]
    merged = {**there, "output": 3, "_is_merge": True, "_audit_source": "external"}
    second = reader.post("/logs3", json={"rows": [merged]}).json()["xact_id"]
    query = "select: * | from: project_logs('audited')"
    rows = ask(query, audit_log=True).json()["data"]

    assert [(row["id"], row["_xact_id"], row["audit_data"], row["output"]) for row in rows] == [
        ("a", first, {"action": "upsert"}, 3),
        ("a", second, {"action": "merge"}, 3),
    ]
    lines = [json.loads(line) for line in ask(query, audit_log=True, fmt="jsonl").text.splitlines()]
    assert lines == rows
    none = ask("select: * | from: project_logs('demo') | limit: 2", audit_log=True).json()
    assert none["data"] == []
    answer = reader.post("/btql", json={"query": LAST, "audit_log": True})
    assert (answer.status_code, "audit_data" in answer.json()["Message"]) == (400, True)
    assert reader.post("/btql", json={"query": query, "audit_log": True, "fmt": "arrow"}).status_code == 400


def test_statements_explain_and_write(ask):
    assert "engine plan" in "\n".join(
        row["QUERY PLAN"] for row in ask("EXPLAIN " + "SELECT id FROM demo").json()["data"]
    )
    assert ask("INSERT INTO project_logs('made') (id) VALUES ('x')").json()["data"] == [{"count": 1}]
    assert ask("DELETE FROM project_logs('made') WHERE id = 'x'").json()["data"] == [{"count": 1}]


def test_the_same_rows_as_in_the_process(served, ask):
    query = "select: * | from: project_logs('demo') | filter: id < 's0100'"
    with btql.connect(served[1], read_only=True) as conn:
        expected = [json.loads(line) for line in b"".join(conn.query(query).json()).splitlines()]
    assert ask(query).json()["data"] == expected


def test_values_beside_a_query(ask, reader):
    text = "SELECT id FROM project_logs('demo') WHERE id IN ? AND scores.s > ? ORDER BY id LIMIT ?"
    rows = ask(text, parameters=[["s0001", "s0007", "'; --"], 0.5, 5]).json()["data"]
    assert rows == [{"id": "s0007"}]
    named = ask("select: :v as v | from: project_logs('demo') | limit: 1", parameters={"v": {"a": ["'"]}})
    assert named.json()["data"] == [{"v": {"a": ["'"]}}]
    missing = reader.post("/btql", json={"query": "select: ? as v | from: project_logs('demo')"})
    assert missing.status_code == 400
    assert missing.json()["errors"][0]["code"] == "B0115"
    assert missing.json()["errors"][0]["column"] == 9


@pytest.mark.parametrize("source", ["nothing_like_it", "project_logs('nothing like it')", "pg_catalog.pg_class"])
def test_whoever_asks_a_server_is_told_where_it_lists_what_there_is(reader, source):
    (mistake,) = reader.post("/btql", json={"query": f"SELECT id FROM {source}"}).json()["errors"]
    assert mistake["code"] == "B0402"
    assert "`POST /btql/tables`" in mistake["help"]
    assert "btql status" not in mistake["help"]
