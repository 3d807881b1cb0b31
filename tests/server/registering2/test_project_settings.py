"""Scores, tags, iframes and views: kept and given back."""

from __future__ import annotations

import pytest

NOWHERE = "00000000-0000-4000-8000-000000000000"
SPECS = {
    "project_score": {
        "score_type": "slider",
        "config": {"multi_select": True},
        "categories": [{"name": "a", "value": 1}],
    },
    "project_tag": {"color": "#fff"},
    "prompt_session": {"metadata": {"a": 1}},
    "span_iframe": {"url": "https://example.com/{{id}}", "post_message": True},
    "view": {"object_type": "project", "view_type": "logs", "view_data": {"search": {"filter": [{"x": 1}]}}},
}


@pytest.fixture(params=sorted(SPECS))
def kind(request):
    return request.param


@pytest.fixture
def make(client, kind, project):
    def make(name="n", method="POST", **more):
        place = {"object_id": project["id"]} if kind == "view" else {"project_id": project["id"]}
        return client.request(method, f"/v1/{kind}", json={"name": name, **SPECS[kind], **place, **more})

    return make


def test_round_trip(client, kind, project, make):
    made = make(description="d").json()
    one = f"/v1/{kind}/{made['id']}"

    assert {**SPECS[kind], "name": "n", "description": "d"}.items() <= made.items()
    assert make(description="e").json() == made
    assert client.get(one).json() == made
    replaced = make(method="PUT", description="f").json()
    assert (replaced["id"], replaced["description"]) == (made["id"], "f")
    other = make("other").json()
    query = {"object_id": project["id"]} if kind == "view" else {"project_id": project["id"]}
    assert client.get(f"/v1/{kind}", params=query).json()["objects"] == [other, replaced]
    assert client.get(f"/v1/{kind}", params={**query, f"{kind}_name": "other"}).json()["objects"] == [other]
    assert client.patch(one, json={"name": "other"}).status_code == 409
    changed = client.patch(one, json={"name": "changed", "description": None}).json()
    assert changed == {**replaced, "name": "changed"}
    assert client.delete(one).json()["id"] == made["id"]
    assert client.get(one).status_code == 403
    assert make("changed").json()["id"] != made["id"]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("project_score", {"score_type": "other"}),
        ("project_score", {"score_type": None}),
        ("span_iframe", {"url": None}),
        ("project_tag", {"name": ""}),
        ("view", {"object_type": "planet"}),
        ("view", {"object_id": "nonsense"}),
        ("view", {"view_data": 5}),
    ],
)
def test_what_cannot_be_made(kind, make, change):
    answer = make(**change)
    assert answer.status_code == 400, kind
    assert answer.json()["Message"]


def test_nowhere(make, kind):
    place = "object_id" if kind == "view" else "project_id"
    assert make(**{place: NOWHERE}).status_code == 403


def test_views_of_several_things_have_the_same_name(client, project):
    dataset = client.post("/v1/dataset", json={"project_id": project["id"], "name": "d"}).json()
    spec = {"name": "n", "view_type": "logs"}
    of_project = {**spec, "object_type": "project", "object_id": project["id"]}
    of_dataset = {**spec, "object_type": "dataset", "object_id": dataset["id"]}
    made = [client.post("/v1/view", json=each).json() for each in (of_project, of_dataset)]
    made.append(client.post("/v1/view", json={**of_project, "view_type": "monitor"}).json())
    made.append(client.post("/v1/view", json={**of_project, "view_type": None}).json())

    assert len({each["id"] for each in made}) == 4
    query = {"object_type": "project", "object_id": project["id"], "view_type": "logs"}
    assert client.get("/v1/view", params=query).json()["objects"] == [made[0]]
    pages = [client.get("/v1/view", params={"object_id": project["id"], "limit": 2}).json()["objects"]]
    after = {"object_id": project["id"], "limit": 2, "starting_after": pages[0][-1]["id"]}
    pages.append(client.get("/v1/view", params=after).json()["objects"])
    assert [each["id"] for page in pages for each in page] == [made[3]["id"], made[2]["id"], made[0]["id"]]


def test_scores_by_type(client, project):
    place = {"project_id": project["id"]}
    for score_type in ("slider", "online"):
        client.post("/v1/project_score", json={**place, "name": score_type, "score_type": score_type})
    found = client.get("/v1/project_score", params={**place, "score_type": "online"}).json()["objects"]
    assert [one["name"] for one in found] == ["online"]


def test_they_go_with_their_project(client, project, make, kind):
    made = make().json()
    client.delete(f"/v1/project/{project['id']}")
    assert client.get(f"/v1/{kind}/{made['id']}").status_code == 403


def test_a_playground_has_logs(client, project, btql):
    made = client.post("/v1/prompt_session", json={"project_id": project["id"], "name": "p"}).json()
    assert btql(f"select: id | from: playground_logs('{made['id']}')") == []
    rows = [{"id": "a", "prompt_session_id": made["id"], "log_id": "x", "input": 1}]
    assert client.post("/logs3", json={"rows": rows, "api_version": 2}).status_code == 200
    (row,) = btql(f"select: * | from: playground_logs('{made['id']}')")
    assert (row["id"], row["input"], row["project_id"]) == ("a", 1, project["id"])
