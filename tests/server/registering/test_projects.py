"""Projects: the dialect of older SDKs, and what goes with a project."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest


def test_register_makes_it_once(client):
    body = {"project_name": "registered", "org_id": None}
    first = client.post("/api/project/register", json=body).json()
    again = client.post("/api/project/register", json=body).json()
    assert first["found_existing"] is False
    assert again["found_existing"] is True
    assert first["project"] == again["project"]
    assert client.get(f"/v1/project/{first['project']['id']}").json() == first["project"]


def test_register_by_id(client, project):
    organization = client.post("/api/apikey/login").json()["org_info"][0]["id"]
    answer = client.post("/api/project/register", json={"project_id": project["id"], "org_id": organization})
    assert answer.json() == {"project": project, "found_existing": True}
    # A project of that id is what counts, whatever name comes with it.
    both = client.post("/api/project/register", json={"project_id": project["id"], "project_name": "something else"})
    assert both.json()["project"]["id"] == project["id"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "project_name"),
        ({"project_id": "00000000-0000-4000-8000-000000000000"}, 403, "does not exist"),
        ({"project_name": "p", "org_id": "00000000-0000-4000-8000-000000000000"}, 403, "organization"),
        ({"project_name": "p", "org_name": "another"}, 403, "organization another"),
        ({"project_name": ""}, 400, "project_name"),
    ],
)
def test_what_cannot_be_registered(client, body, status, words):
    answer = client.post("/api/project/register", json=body)
    assert answer.status_code == status
    assert words in answer.json()["Message"]


def test_get(client, project):
    assert client.get("/api/project", params={"id": project["id"]}).json() == project
    assert client.get("/api/project").status_code == 400
    assert client.post("/api/project/get", json={"id": project["id"]}).json() == [project]
    assert client.post("/api/project/get", json={"name": project["name"], "org_name": "default"}).json() == [project]
    assert client.post("/api/project/get", json={"name": "no such project"}).json() == []


def test_everything_in_a_project_goes_with_it(client, project):
    experiment = client.post("/v1/experiment", json={"project_id": project["id"], "name": "e"}).json()
    dataset = client.post("/v1/dataset", json={"project_id": project["id"], "name": "d"}).json()
    assert client.delete(f"/v1/project/{project['id']}").status_code == 200
    assert client.get(f"/v1/experiment/{experiment['id']}").status_code == 403
    assert client.get(f"/v1/dataset/{dataset['id']}").status_code == 403
    assert client.get("/v1/experiment", params={"ids": experiment["id"]}).json() == {"objects": []}
    assert client.get("/v1/dataset", params={"project_id": project["id"]}).json() == {"objects": []}
    assert client.post("/v1/dataset", json={"project_id": project["id"], "name": "d"}).status_code == 403


def test_nothing_is_left_in_a_project_that_is_deleted_meanwhile(client):
    project = client.post("/v1/project", json={"name": "deleted meanwhile"}).json()

    def make(number: int) -> str | None:
        answer = client.post("/v1/dataset", json={"project_id": project["id"], "name": f"d{number}"})
        assert answer.status_code in (200, 403)
        return answer.json()["id"] if answer.status_code == 200 else None

    with ThreadPoolExecutor(8) as threads:
        made = [threads.submit(make, number) for number in range(60)]
        assert client.delete(f"/v1/project/{project['id']}").status_code == 200
        ids = [each.result() for each in made]
    for dataset in filter(None, ids):
        assert client.get(f"/v1/dataset/{dataset}").status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/api", "/api/projects", "/api/project/delete", "/api/self/nobody", "/v1/nothing"])
def test_other_addresses_are_not_found(client, method, path):
    assert client.request(method, path).status_code == 404
