"""Names and places of objects, asked by id."""

from __future__ import annotations

import pytest

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("kind", ["experiment", "dataset", "prompt", "function"])
def test_what_lives_in_a_project(client, project, kind):
    spec = {"project_id": project["id"], "name": "n", "slug": "s", "function_data": {"type": "global", "name": "n"}}
    made = client.post(f"/v1/{kind}", json=spec).json()
    answer = client.post("/api/self/get_object_info", json={"object_type": kind, "object_ids": [made["id"]]})

    (found,) = answer.json()
    assert (found["object_id"], found["object_name"]) == (made["id"], "n")
    assert found["parent_cols"]["project"] == {"id": project["id"], "name": project["name"]}
    assert found["parent_cols"]["organization"]["id"] == project["org_id"]


def test_a_project(client, project):
    answer = client.post("/api/self/get_object_info", json={"object_type": "project", "object_ids": [project["id"]]})
    (found,) = answer.json()
    assert found["object_name"] == project["name"]
    assert set(found["parent_cols"]) == {"organization"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"object_type": "dataset", "object_ids": [NOWHERE]}, 403),
        ({"object_type": "dataset", "object_ids": ["nonsense"]}, 400),
        ({"object_type": "secret", "object_ids": [NOWHERE]}, 400),
        ({"object_type": "dataset"}, 400),
        ({"object_type": "dataset", "object_ids": "x"}, 400),
        ({"object_type": "dataset", "object_ids": [NOWHERE] * 1_001}, 400),
    ],
)
def test_what_is_not_there(client, body, status):
    assert client.post("/api/self/get_object_info", json=body).status_code == status
