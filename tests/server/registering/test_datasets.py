"""Datasets: both dialects."""

from __future__ import annotations


def test_without_a_name_it_is_called_logs(client, project):
    made = client.post("/v1/dataset", json={"project_id": project["id"]}).json()
    assert made["name"] == "logs"
    body = {"project_name": project["name"], "dataset_name": None}
    assert client.post("/api/dataset/register", json=body).json()["dataset"] == made


def test_register_makes_the_project_too(client):
    organization = client.post("/api/apikey/login").json()["org_info"][0]["id"]
    body = {
        "org_id": organization,
        "project_name": "of a dataset",
        "dataset_name": "Food & drink",
        "description": "d",
        "metadata": {"a": 1},
    }
    first = client.post("/api/dataset/register", json=body).json()
    assert first["found_existing"] is False
    assert first["project"]["name"] == "of a dataset"
    assert first["dataset"]["project_id"] == first["project"]["id"]
    assert first["dataset"]["description"] == "d"
    assert first["dataset"]["metadata"] == {"a": 1}
    assert first["dataset"]["url_slug"] == "food-drink"
    again = client.post("/api/dataset/register", json=body | {"description": "other"}).json()
    assert again == first | {"found_existing": True}


def test_names_are_those_of_the_project(client, project):
    other = client.post("/v1/project", json={"name": project["name"] + " other"}).json()
    bodies = [{"project_id": project["id"], "name": "same"}, {"project_name": other["name"], "name": "same"}]
    one, two = (client.post("/v1/dataset", json=body).json() for body in bodies)
    assert one["id"] != two["id"]
    found = client.get("/v1/dataset", params={"dataset_name": "same", "project_name": project["name"]}).json()
    assert [each["id"] for each in found["objects"]] == [one["id"]]


def test_a_project_must_be_named(client):
    answer = client.post("/v1/dataset", json={"name": "d"})
    assert answer.status_code == 400
    assert "`project_id` or `project_name`" in answer.json()["Message"]
    missing = {"project_id": "00000000-0000-4000-8000-000000000000", "name": "d"}
    assert client.post("/v1/dataset", json=missing).status_code == 403
    assert client.post("/v1/dataset", json=missing | {"project_id": "x"}).status_code == 400
