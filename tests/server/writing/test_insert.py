"""Events and feedback by REST."""

import json

import pytest

import btql

KINDS = ("project_logs", "experiment", "dataset")


@pytest.fixture
def objects(project, experiment, dataset):
    """An object of each kind."""
    return dict(zip(KINDS, (project, experiment, dataset), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_events_go_to_the_object_of_the_path(http, objects, stored, kind):
    events = [{"id": "a", "input": 1, "experiment_id": "ignored"}, {"input": 2}, {"id": "a", "output": 3}]
    answer = http.post(f"/v1/{kind}/{objects[kind]}/insert", json={"events": events})

    assert answer.status_code == 200
    first, second, third = answer.json()["row_ids"]
    assert (first, third) == ("a", "a")
    rows = stored(kind, objects[kind])
    assert rows.keys() == {"a", second}
    assert rows["a"].get("output") == 3 or kind == "dataset"
    assert rows[second]["input"] == 2


@pytest.mark.parametrize("spell", [str.upper, lambda text: text.replace("-", "")], ids=["capitals", "no hyphens"])
def test_ids_may_be_in_capitals_and_without_hyphens(http, project, stored, spell):
    large = spell(project)
    row = {"project_id": large, "log_id": "g"}
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    requests = {
        f"/v1/project_logs/{large}/insert": {"events": [{"id": "a"}]},
        f"/v1/project_logs/{large}/feedback": {"feedback": [{"id": "a", "scores": {"x": 1}}]},
        "/v1/insert": {"project_logs": {large: {"events": [{"id": "b"}]}}},
        "/logs3": {"rows": [{"id": "c", **row}]},
        "/otel/v1/traces": {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]},
    }
    for path, body in requests.items():
        answer = http.post(path, json=body, headers={"x-bt-parent": f"project_id:{large}"})
        assert answer.status_code == 200, answer.text

    assert stored("project_logs", project).keys() == {"a", "b", "c", "2" * 16}
    experiment, dataset = (
        http.post(f"/v1/{kind}", json={"project_id": large, "name": "e"}).json()["id"]
        for kind in ("experiment", "dataset")
    )
    for source, rows in ((f"project_logs('{large}')", 4), (f'"{spell(experiment)}"', 0)):
        answer = http.post("/btql", json={"query": f"SELECT count(*) AS rows FROM {source}"})
        assert answer.json().get("data") == [{"rows": rows}], answer.text
    other = {"project_id": large, "name": "other", "base_exp_id": spell(experiment)}
    assert http.post("/v1/experiment", json=other).status_code == 200
    version = http.get("/xact-id").text
    http.post("/v1/dataset_snapshot", json={"dataset_id": spell(dataset), "name": "s", "xact_id": version})
    found = http.get("/v1/dataset_snapshot", params={"dataset_id": spell(dataset)}).json()["objects"]
    assert [each["name"] for each in found] == ["s"]
    org_id = http.get(f"/v1/project/{large}").json()["org_id"]
    assert http.post("/api/project/register", json={"project_id": large, "org_id": spell(org_id)}).status_code == 200


def test_a_program_may_call_its_objects_by_32_digits(http, data, stored):
    name = "0af7651916cd43dd8448eb211c80319c"
    with btql.connect(data) as embedded:
        embedded.ingest(f"project_logs:{name}", [{"id": "a"}])
    assert http.post(f"/v1/project_logs/{name}/insert", json={"events": [{"id": "b"}]}).status_code == 200
    query = f"SELECT count(*) AS rows FROM project_logs('{name.upper()}')"
    assert http.post("/btql", json={"query": query}).json()["data"] == [{"rows": 2}]
    assert stored("project_logs", name).keys() == {"a", "b"}
    assert name in http.post("/btql/tables", json={}).text
    by_name = http.post("/btql", json={"query": f'SELECT count(*) AS rows FROM "{name}"'})
    assert by_name.json().get("data") == [{"rows": 2}], by_name.text


@pytest.mark.parametrize("kind", KINDS)
def test_feedback_is_merged_and_noted(http, objects, stored, kind):
    url = f"/v1/{kind}/{objects[kind]}"
    http.post(
        f"{url}/insert", json={"events": [{"id": "a", "scores": {"x": 0.5}, "tags": ["t"], "metadata": {"m": 1}}]}
    )
    said = {
        "id": "a",
        "scores": {"y": 1},
        "expected": [1],
        "tags": ["u"],
        "comment": "nice",
        "metadata": {"by": "me"},
        "source": "app",
    }
    answer = http.post(f"{url}/feedback", json={"feedback": [said]})

    assert (answer.status_code, answer.json()) == (200, {"status": "success"})
    (row,) = stored(kind, objects[kind]).values()
    assert row["expected"] == [1]
    assert row["tags"] == ["t", "u"]
    assert row["metadata"] == {"m": 1}
    if kind != "dataset":
        assert row["scores"] == {"x": 0.5, "y": 1}
    (comment,) = row["comments"]
    assert comment["comment"] == {"text": "nice"}
    assert [(one["audit_data"]["action"], one["source"], one["metadata"]) for one in row["audit_data"]] == [
        ("merge", "app", {"by": "me"}),
        ("comment", "app", {"by": "me"}),
    ]


def test_nulls_in_feedback_say_nothing(http, project, stored):
    http.post(f"/v1/project_logs/{project}/insert", json={"events": [{"id": "a", "expected": 1, "scores": {"x": 1}}]})
    nothing = {"id": "a", "scores": None, "expected": None, "tags": None, "comment": None, "metadata": None}
    answer = http.post(f"/v1/project_logs/{project}/feedback", json={"feedback": [nothing]})

    assert answer.status_code == 200
    row = stored("project_logs", project)["a"]
    assert (row["expected"], row["scores"], row["comments"]) == (1, {"x": 1}, None)


def test_everything_at_once_is_one_transaction(http, objects, stored):
    body = {
        kind: {name: {"events": [{"id": "a"}, {"input": kind}], "feedback": [{"id": "a", "comment": kind}]}}
        for kind, name in objects.items()
    }
    answer = http.post("/v1/insert", json=body)

    assert answer.status_code == 200
    assert answer.json().keys() == set(KINDS)
    versions = set()
    for kind, name in objects.items():
        ids = answer.json()[kind][name]["row_ids"]
        rows = stored(kind, name)
        assert list(rows) == list(reversed(ids))
        assert rows["a"]["comments"][0]["comment"] == {"text": kind}
        versions |= {row["_xact_id"] for row in rows.values()}
    assert len(versions) == 1


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("project_logs/{project_logs}/insert", {"events": [{}, {"scores": {"x": 2}}]}, ["events", 1, "scores", "x"]),
        ("project_logs/{project_logs}/insert", {"events": [{}, {"metadata": 1}]}, ["events", 1, "metadata"]),
        ("project_logs/{project_logs}/insert", {"events": [{}, 5]}, ["events", 1]),
        ("project_logs/{project_logs}/insert", {"events": [{}, {"org_id": 5}]}, ["events", 1, "org_id"]),
        ("experiment/{experiment}/feedback", {"feedback": [{"id": "a", "scores": 1}]}, ["feedback", 0, "scores"]),
        ("experiment/{experiment}/feedback", {"feedback": [{"id": "a", "tags": [1]}]}, ["feedback", 0, "tags", 0]),
        ("experiment/{experiment}/feedback", {"feedback": [{"scores": {}}]}, ["feedback", 0]),
        ("experiment/{experiment}/feedback", {"feedback": [{"id": "a", "source": "me"}]}, ["feedback", 0, "source"]),
        ("dataset/{dataset}/feedback", {"feedback": [{"id": "", "comment": "x"}]}, ["feedback", 0, "id"]),
    ],
)
def test_a_mistake_is_named_and_nothing_is_stored(http, objects, stored, path, body, place):
    answer = http.post("/v1/" + path.format(**objects), json=body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["path"] == place
    assert all(stored(kind, name) == {} for kind, name in objects.items())


def test_a_mistake_in_one_object_stores_nothing_in_the_others(http, objects, stored):
    project, dataset = objects["project_logs"], objects["dataset"]
    body = {"project_logs": {project: {"events": [{}]}}, "dataset": {dataset: {"feedback": [{"id": "a", "tags": 1}]}}}
    answer = http.post("/v1/insert", json=body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == ["dataset", dataset, "feedback", 0, "tags"]
    missing = {"project_logs": {project: {"events": [{}]}}, "dataset": {"nowhere": {"events": [{}]}}}
    assert http.post("/v1/insert", json=missing).status_code == 403
    assert all(stored(kind, name) == {} for kind, name in objects.items())


def test_an_object_that_is_not_there(http):
    answer = http.post("/v1/experiment/8f3e2e0c-0000-4000-8000-000000000000/insert", json={"events": []})

    assert answer.status_code == 403
    assert answer.json()["Code"] == "ForbiddenError"


def test_a_comment_of_an_sdk(http, project, stored):
    """A comment is no row; it can come before its row, be sent twice, and be taken away."""

    def send(*rows):
        keyed = [{"project_id": project, "log_id": "g", **row} for row in rows]
        assert http.post("/logs3", content=json.dumps({"rows": keyed})).status_code == 200

    comment = {"id": "c1", "created": "2026-01-02T00:00:00Z", "origin": {"id": "a"}, "comment": {"text": "nice"}}
    send(comment)
    send({"id": "a", "input": 1}, comment)
    send({**comment, "id": "c2", "comment": {"text": "more"}})
    rows = stored("project_logs", project)
    assert rows.keys() == {"a"}
    assert rows["a"]["input"] == 1
    assert [(one["id"], one["comment"]["text"]) for one in rows["a"]["comments"]] == [("c1", "nice"), ("c2", "more")]

    send({"id": "a", "input": 2}, {**comment, "_object_delete": True})
    row = stored("project_logs", project)["a"]
    assert row["input"] == 2
    assert [one["id"] for one in row["comments"]] == ["c2"]
