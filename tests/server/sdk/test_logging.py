"""Logins, traces, updates and feedback, as each SDK sends them and as BTQL shows them."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.slow


def rows_of(api, project_id):
    return api.query(f"select: * | from: project_logs('{project_id}')")


def by_name(rows):
    return {row["span_attributes"]["name"]: row for row in rows}


def test_login_tells_the_organization(api, sdk):
    said = sdk.run(api, "login")
    organization = api.post("/api/apikey/login", None)["org_info"][0]
    assert said["org_id"] == organization["id"]
    assert said["org_name"] == organization["name"]
    assert said["api_url"] == api.url
    assert "401" in said["wrong"]
    assert "key" in said["wrong"]


@pytest.fixture(scope="module")
def trace(api, told, sdk):
    """What the program said, and the rows that it left."""
    said = told("traces", sdk.version)
    return said, rows_of(api, said["project_id"])


def test_spans_form_the_tree_that_the_program_has(trace):
    said, rows = trace
    root = said["root"]
    spans = [row for row in rows if row["id"] != said["lone"]]
    assert {row["span_attributes"]["name"] for row in spans} == {"request", "look up", "answer", "fail", "elsewhere"}
    assert len(spans) == 5
    assert {row["root_span_id"] for row in spans} == {root["root_span_id"]}
    for row in spans:
        is_root = row["span_attributes"]["name"] == "request"
        assert row["is_root"] is is_root
        assert row["span_parents"] == (None if is_root else [root["span_id"]])
        assert row["metrics"]["start"] <= row["metrics"]["end"]
        assert row["project_id"] == said["project_id"]
        assert row["log_id"] == "g"


def test_spans_have_what_was_logged(trace):
    spans = by_name(trace[1])
    answer = spans["answer"]
    assert answer["span_attributes"]["type"] == "llm"
    assert answer["input"] == [{"role": "user", "content": "longest river?"}]
    assert answer["output"] == {"role": "assistant", "content": "the Nile, 尼罗河"}
    assert answer["metadata"] == {"model": "gpt-5-nano", "temperature": 0.5}
    assert answer["metrics"]["tokens"] == 17
    assert spans["look up"]["span_attributes"]["type"] == "tool"
    assert spans["look up"]["metadata"] == {"source": "atlas"}
    assert spans["look up"]["output"] == {"found": "RIVER"}
    assert "no such river" in spans["fail"]["error"]
    assert spans["answer"]["error"] is None
    assert spans["elsewhere"]["input"] == 1
    assert spans["elsewhere"]["output"] == 2


def test_updates_of_stored_rows_are_merged(trace):
    said, rows = trace
    root = by_name(rows)["request"]
    assert root["id"] == said["root"]["id"]
    assert root["input"] == {"question": "longest river?"}
    assert root["output"] == "the Nile"
    assert root["expected"] == "the Nile"
    assert root["scores"] == {"sure": 0.75}
    assert root["metadata"] == {"late": {"a": 1, "b": [1, None]}}
    assert sorted(root["tags"]) == ["geo", "late"]


def test_a_row_logged_at_once_is_a_trace_of_its_own(trace):
    said, rows = trace
    (lone,) = [row for row in rows if row["id"] == said["lone"]]
    assert lone["is_root"]
    assert (lone["input"], lone["output"], lone["metadata"]) == ("ping", "pong", {"n": 1})
    assert lone["root_span_id"] != said["root"]["root_span_id"]


def test_links_lead_to_the_page(api, trace):
    said = trace[0]
    answer = api.http.get(said["link"])
    assert answer.status_code == 302
    place = unquote(answer.headers["location"])
    assert place.startswith(f"{api.url}/#object=project_logs:{said['project_id']}")
    assert said["root"]["id"] in place


def test_traces_are_counted_and_summed(api, trace):
    project = trace[0]["project_id"]
    (sums,) = api.query(
        f"measures: count(1) as spans, count(distinct root_span_id) as traces, sum(metrics.tokens) as tokens "
        f"| from: project_logs('{project}')"
    )
    assert sums == {"spans": 6, "traces": 2, "tokens": 17}
    (failed,) = api.query(
        f"select: span_attributes.name as name | from: project_logs('{project}') | filter: error IS NOT NULL"
    )
    assert failed == {"name": "fail"}


def test_feedback_changes_the_row_and_comments_stand_beside_it(api, sdk, project):
    said = sdk.run(api, "feedback", project)
    (row,) = rows_of(api, said["project_id"])
    assert row["id"] == said["id"]
    assert row["output"] == "5"
    assert row["expected"] == "4"
    assert row["scores"] == {"correct": 0, "kind": 1}
    assert sorted(row["tags"]) == ["math", "wrong"]
    assert [comment["comment"]["text"] for comment in row["comments"]] == ["off by one", "again off by one"]
    audited = [(entry["source"], entry["metadata"]) for entry in row["audit_data"]]
    assert ("app", {"user": "ada"}) in audited
    assert any(source == "external" for source, _ in audited)


@pytest.mark.parametrize("version", ["0.48.1", "js"])
def test_newer_sdks_can_write_ids_as_older_ones_do(api, sdk_of, project, version):
    said = sdk_of(version).run(api, "traces", project, BRAINTRUST_LEGACY_IDS="1")
    root = said["root"]
    assert root["root_span_id"] == root["span_id"]
    assert len(root["span_id"]) == 36
    children = [row for row in rows_of(api, said["project_id"]) if row["span_parents"] == [root["span_id"]]]
    assert {row["root_span_id"] for row in children} == {root["root_span_id"]}
    assert len(children) == 4
