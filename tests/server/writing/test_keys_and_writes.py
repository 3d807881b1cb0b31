"""Who may write, who wrote a comment, and what of one organization another one cannot reach."""

import json
from uuid import uuid4

import httpx
import pytest

from btql_server.access.model import Level


@pytest.fixture(scope="module")
def ann(party):
    return party.join("ann@example.com", Level.ADMIN)


@pytest.fixture(scope="module")
def otto(party):
    return party.join("otto@other.example", Level.ADMIN, organization="other")


@pytest.fixture(scope="module")
def project(ann):
    return ann.post("/v1/project", json={"name": "p"}).json()["id"]


def logs3(client, *rows):
    return client.post("/logs3", content=json.dumps({"rows": rows}))


def rows_of(client, project):
    answer = client.post("/btql", json={"query": f"select: * | from: project_logs('{project}')"})
    assert answer.status_code == 200, answer.text
    return {row["id"]: row for row in answer.json()["data"]}


def test_a_comment_has_the_user_of_its_key(ann, project):
    forged = {"id": "somebody else", "email": "else@example.com"}
    comment = {"project_id": project, "id": "c1", "origin": {"id": "a"}, "comment": {"text": "x"}, "user": forged}
    assert logs3(ann, {"project_id": project, "id": "a", "user": "a field"}, comment).status_code == 200
    feedback = {"feedback": [{"id": "a", "comment": "y"}]}
    assert ann.post(f"/v1/project_logs/{project}/feedback", json=feedback).status_code == 200

    row = rows_of(ann, project)["a"]
    assert [one["user"]["email"] for one in row["comments"]] == ["ann@example.com"] * 2
    assert [one["comment"]["text"] for one in row["comments"]] == ["x", "y"]


def test_who_may_only_read_writes_nothing(party, ann, project):
    reader = party.join("reader@example.com", Level.READ)
    before = rows_of(ann, project)
    row = {"project_id": project, "id": "z"}

    refused = [
        logs3(reader, row),
        reader.post(f"/v1/project_logs/{project}/insert", json={"events": [{}]}),
        reader.post(f"/v1/project_logs/{project}/feedback", json={"feedback": [{"id": "a", "comment": "x"}]}),
        reader.post("/v1/insert", json={"project_logs": {project: {"events": [{}]}}}),
        reader.post("/logs3/overflow", json={"size_bytes": 1}),
        reader.post("/attachment", json={"key": "k"}),
        reader.post("/attachment/status", json={"key": "k", "status": {"upload_status": "done"}}),
    ]

    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert rows_of(ann, project) == before


def test_one_object_that_may_not_be_written_stops_all(ann, otto, project):
    other = otto.post("/v1/project", json={"name": "other"}).json()["id"]
    answer = logs3(ann, {"project_id": project, "id": "both"}, {"project_id": other, "id": "both"})

    assert answer.status_code == 403
    assert "`rows[1]`" in answer.json()["Message"]
    assert "both" not in rows_of(ann, project)
    assert rows_of(otto, other) == {}


def test_attachments_of_another_organization(ann, otto):
    key = str(uuid4())
    put = ann.post("/attachment", json={"key": key}).json()["signedUrl"]
    assert httpx.put(put, content=b"ann's").status_code == 200
    assert otto.get("/attachment", params={"key": key}).status_code == 404

    # The same key is another file there.
    put = otto.post("/attachment", json={"key": key}).json()["signedUrl"]
    assert httpx.put(put, content=b"otto's").status_code == 200
    for client, content in ((ann, b"ann's"), (otto, b"otto's")):
        assert httpx.get(client.get("/attachment", params={"key": key}).json()["downloadUrl"]).content == content


def test_uploaded_rows_of_another_organization(ann, otto, project):
    place = ann.post("/logs3/overflow", json={"size_bytes": 10}).json()
    httpx.put(place["signedUrl"], content=json.dumps({"rows": [{"project_id": project, "id": "up"}]}))
    reference = {"rows": {"type": "logs3_overflow", "key": place["key"]}}

    assert otto.post("/logs3", json=reference).status_code == 400
    assert "up" not in rows_of(ann, project)
    assert ann.post("/logs3", json=reference).json()["ids"] == ["up"]
