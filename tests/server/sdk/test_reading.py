"""What SDKs read back: spans by every filter, datasets by filter and page, objects by id and by environment."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spans(api, newest_python):
    return newest_python.run(api, "spans", "spans read back")


def test_scorers_read_the_spans_of_their_trace(spans):
    assert spans["spans"] == {
        "all": ["ask", "ask again", "look", "root"],
        "with scorers": ["ask", "ask again", "judge", "look", "root"],
        "llm": ["ask", "ask again"],
        "two types": ["look", "root"],
        "by name": ["ask", "look"],
        "failed": ["look"],
        "fine": ["ask", "ask again", "root"],
        "metadata": ["ask"],
        "deep metadata": ["ask"],
        "no metadata": ["ask", "ask again", "look", "root"],
        "quick": ["ask", "look", "root"],
        "slow": ["ask again"],
        "all of it": ["ask again"],
    }


def test_a_log_record_stands_beside_the_span_whose_ids_it_has(api, spans):
    rows = api.query(
        f"select: * | from: project_logs('{spans['project_id']}') | filter: span_id = '{spans['talk']['span_id']}'"
    )
    assert len(rows) == 2
    (record,) = [row for row in rows if row["id"] == spans["record"]]
    assert record["output"] == "3 tries left"
    assert record["span_attributes"]["type"] == "log"
    assert record["span_attributes"]["log_level"] == "error"
    assert record["metadata"]["host"] == "a1"
    assert record["root_span_id"] == spans["talk"]["root_span_id"]


def test_datasets_are_read_by_filter_and_by_page(spans):
    assert spans["filtered"] == [f"{n:02}" for n in range(1, 25, 2)]
    assert spans["paged"] == [f"{n:02}" for n in range(25)]
    assert spans["limited"] == ["00", "01", "02", "03"]


@pytest.fixture
def production(api, project):
    """A prompt and a dataset with an older version of each in an environment, and parameters."""
    project_id = api.post("/v1/project", {"name": project})["id"]
    message = {"role": "user", "content": "Hello {{name}}"}
    data = {"prompt": {"type": "chat", "messages": [message]}, "options": {"model": "gpt-5-nano"}}
    prompt = api.post("/v1/prompt", {"project_id": project_id, "name": "Hi", "slug": "hi", "prompt_data": data})
    later = {"prompt": {"type": "chat", "messages": [message | {"content": "Bye {{name}}"}]}}
    assert api.http.patch(f"/v1/prompt/{prompt['id']}", json={"prompt_data": later}).status_code == 200
    dataset = api.post("/v1/dataset", {"project_id": project_id, "name": "cases"})
    insert = f"/v1/dataset/{dataset['id']}/insert"
    api.post(insert, {"events": [{"id": "old", "input": 1, "expected": 2}]})
    version = api.http.get("/xact-id").text
    api.post(insert, {"events": [{"id": "new", "input": 1, "expected": 2}]})
    api.post("/environment", {"name": "Production", "slug": "production"})
    for kind, made, pinned in (("prompt", prompt, prompt["_xact_id"]), ("dataset", dataset, version)):
        where = f"/environment-object/{kind}/{made['id']}/production"
        answer = api.http.put(where, json={"object_version": pinned})
        assert answer.is_success, answer.text
    knobs = {"type": "parameters", "data": {"depth": 3}, "__schema": {"type": "object", "properties": {}}}
    function = {"name": "Knobs", "slug": "knobs", "function_type": "parameters", "function_data": knobs}
    api.post("/v1/function", {"project_id": project_id} | function)
    return {"project": project, "dataset": dataset, "prompt": prompt}


def test_environments_pin_versions(api, newest_python, production):
    said = newest_python.run(api, "environments", production["project"], "hi", "cases", "knobs")
    assert said["prompt"] == "Hello Ada"
    assert said["prompt_version"] == production["prompt"]["_xact_id"]
    assert said["dataset"] == ["old"]
    assert said["newest"] == ["new", "old"]
    assert said["parameters"] == {"depth": 3}
    assert said["missing"]


def test_objects_are_reached_by_id_and_environment_from_javascript(api, js_sdk, production):
    said = js_sdk.run(api, "objects", production["project"], production["dataset"]["id"], "hi")
    assert said["dataset"] == {"id": production["dataset"]["id"], "name": "cases", "project": production["project"]}
    assert said["logger_project"] == production["project"]
    assert said["rows"] == ["new", "old"]
    assert said["pinned"] == ["old"]
    assert said["prompt"] == "Hello Ada"
    assert said["parameters"] == {"depth": 3}
    assert said["spans"] == ["ask", "eval", "task"]
    assert said["llm"] == ["ask"]


def test_audit_headers_are_ones_that_the_sdk_can_read(api, newest_python, production):
    dataset = production["dataset"]
    answer = api.http.get(f"/v1/dataset/{dataset['id']}", headers={"x-bt-enable-audit": "true"})
    said = newest_python.run(api, "audit", answer.headers["x-bt-audit-resources"])
    assert {"type": "dataset", "id": dataset["id"], "name": "cases"} in said["resources"]
    assert answer.headers["x-bt-audit-user-email"] == "ada@example.com"
    assert answer.headers["x-bt-audit-normalized-url"] == "/v1/dataset/[id]"
