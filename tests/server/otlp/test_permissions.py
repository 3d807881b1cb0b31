"""Whose key may send spans where."""

import pytest
from google.rpc.status_pb2 import Status

from btql_server.access.model import Level

PATH = "/otel/v1/traces"


@pytest.fixture(scope="module")
def admin(party):
    return party.join("admin@example.com", Level.ADMIN)


@pytest.fixture(scope="module")
def project(admin):
    return admin.post("/v1/project", json={"name": "shop"}).json()["id"]


def _send(client, body, parent="project_name:shop", media="application/json"):
    return client.post(PATH, content=body, headers={"content-type": media, "x-bt-parent": parent})


def test_a_key_that_only_reads_is_refused_in_the_encoding_of_the_request(party, project, as_json, as_protobuf):
    reader = party.join("reader@example.com", Level.READ)
    for parent in ("project_name:shop", f"project_id:{project}", "project_name:new"):
        answer = _send(reader, as_json([{}]), parent)
        assert answer.status_code == 403
        assert answer.json()["code"] == 7
        answer = _send(reader, as_protobuf([{}]), parent, "application/x-protobuf")
        assert answer.status_code == 403
        status = Status.FromString(answer.content)
        assert status.code == 7
        assert status.message.startswith("span `a span`: Missing write access to ")


def test_another_organization_sees_neither_the_project_nor_that_it_is_there(party, project, as_json):
    other = party.join("otto@other.example", Level.ADMIN, organization="other")
    assert _send(other, as_json([{}]), f"project_id:{project}").status_code == 403
    # The same name is another project there.
    assert _send(other, as_json([{}])).status_code == 200
    assert other.get("/v1/project?project_name=shop").json()["objects"][0]["id"] != project


def test_a_key_for_one_project_sends_there_by_name_and_makes_no_other(party, project, as_json):
    writer = party.join(None, Level.WRITE, service_token="ci", project=project)
    assert _send(writer, as_json([{}])).status_code == 200
    assert _send(writer, as_json([{}]), "project_name:another").status_code == 403


def test_spans_for_a_place_without_permission_are_rejected_alone(party, admin, project, as_json):
    writer = party.join(None, Level.WRITE, service_token="ci2", project=project)
    hidden = admin.post("/v1/project", json={"name": "hidden"}).json()["id"]
    spans = [
        {"spanId": "0000000000000001"},
        {"spanId": "0000000000000002", "attributes": {"braintrust.parent": f"project_id:{hidden}"}},
    ]
    partial = _send(writer, as_json(spans)).json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "Missing write access" in partial["errorMessage"]
    query = {"query": f"select: id | from: project_logs('{hidden}')"}
    assert admin.post("/btql", json=query).json()["data"] == []
