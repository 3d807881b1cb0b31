"""Who may register, read and summarize what."""

from __future__ import annotations

import json
from base64 import b64decode
from gzip import decompress

import pytest

from btql_server.access.model import Level


@pytest.fixture(scope="module")
def admin(party):
    return party.join("admin@example.com", Level.ADMIN)


@pytest.fixture(scope="module")
def writer(party):
    return party.join("writer@example.com", Level.WRITE)


@pytest.fixture(scope="module")
def reader(party):
    return party.join("reader@example.com", Level.READ)


@pytest.fixture(scope="module")
def stranger(party):
    """An administrator of another organization."""
    return party.join("stranger@other.example", Level.ADMIN, organization="other")


@pytest.fixture(scope="module")
def theirs(admin):
    """A project with an experiment and a dataset in it."""
    project = admin.post("/v1/project", json={"name": "shared"}).json()
    place = {"project_id": project["id"], "name": "shared"}
    experiment = admin.post("/v1/experiment", json=place).json()
    dataset = admin.post("/v1/dataset", json=place).json()
    return {"project": project, "experiment": experiment, "dataset": dataset}


@pytest.fixture(scope="module")
def guest(party, admin, theirs):
    """Somebody who may write to one project only."""
    admin.post("/v1/project", json={"name": "not shared"})
    return party.join("guest@example.com", Level.WRITE, project="shared")


def test_login_tells_the_organization_of_the_key(party, admin, stranger):
    names = [client.post("/api/apikey/login").json()["org_info"][0]["name"] for client in (admin, stranger)]
    assert names == ["default", "other"]
    for key in ("wrong", "btql_wrong_key"):
        answer = party.client(key).post("/api/apikey/login")
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("kind", ["project", "experiment", "dataset"])
def test_who_reads_may_find_but_not_make(reader, theirs, kind):
    place = {} if kind == "project" else {"project_id": theirs["project"]["id"]}
    found = reader.post(f"/v1/{kind}", json={"name": "shared", **place})
    assert found.status_code == 200
    assert found.json() == theirs[kind]
    for method, path, body in (
        ("POST", f"/v1/{kind}", {"name": "made by a reader", **place}),
        ("PUT", f"/v1/{kind}", {"name": "made by a reader", **place}),
        ("PUT", f"/v1/{kind}", {"name": "shared", **place}),
        ("PATCH", f"/v1/{kind}/{theirs[kind]['id']}", {"description": "changed"}),
        ("DELETE", f"/v1/{kind}/{theirs[kind]['id']}", None),
    ):
        answer = reader.request(method, path, json=body)
        assert answer.status_code == 403, (method, path)
        assert "Missing" in answer.json()["Message"]
    assert reader.get(f"/v1/{kind}/{theirs[kind]['id']}").json() == theirs[kind]
    assert reader.get(f"/v1/{kind}", params={f"{kind}_name": "made by a reader"}).json() == {"objects": []}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/project/register", {"project_name": "of a reader"}),
        ("/api/experiment/register", {"project_name": "of a reader", "experiment_name": "e"}),
        ("/api/experiment/register", {"project_name": "shared", "experiment_name": "shared"}),
        ("/api/dataset/register", {"project_name": "of a reader", "dataset_name": "d"}),
        ("/api/dataset/register", {"project_name": "shared", "dataset_name": "of a reader"}),
    ],
)
def test_who_reads_may_not_register(reader, admin, path, body, theirs):
    del theirs
    assert reader.post(path, json=body).status_code == 403
    assert admin.get("/v1/project", params={"project_name": "of a reader"}).json() == {"objects": []}


def test_only_administrators_delete_projects(admin, writer):
    project = writer.post("/v1/project", json={"name": "to delete"}).json()
    assert writer.patch(f"/v1/project/{project['id']}", json={"description": "d"}).status_code == 200
    assert writer.delete(f"/v1/project/{project['id']}").status_code == 403
    dataset = writer.post("/v1/dataset", json={"project_id": project["id"], "name": "d"}).json()
    assert writer.delete(f"/v1/dataset/{dataset['id']}").status_code == 200
    assert admin.delete(f"/v1/project/{project['id']}").status_code == 200


def test_other_organizations_see_nothing(stranger, theirs):
    ids = {kind: each["id"] for kind, each in theirs.items()}
    for kind, each in ids.items():
        assert stranger.get(f"/v1/{kind}").json() == {"objects": []}
        assert stranger.get(f"/v1/{kind}", params={"ids": each}).json() == {"objects": []}
        for method in ("GET", "PATCH", "DELETE"):
            body = {"json": {}} if method == "PATCH" else {}
            assert stranger.request(method, f"/v1/{kind}/{each}", **body).status_code == 403
    place = {"project_id": ids["project"]}
    for method, path, body in (
        ("POST", "/v1/experiment", {"name": "e", **place}),
        ("POST", "/v1/dataset", {"name": "shared", **place}),
        ("POST", "/api/project/register", place),
        ("POST", "/api/experiment/register", {"experiment_name": "e", **place}),
        ("POST", "/api/experiment/get", {"id": ids["experiment"]}),
        ("POST", "/api/base_experiment/get_id", {"id": ids["experiment"]}),
        ("POST", "/v1/project", {"name": "p", "org_name": "default"}),
        ("GET", f"/api/project?id={ids['project']}", None),
        ("GET", f"/v1/experiment/{ids['experiment']}/summarize", None),
        ("GET", f"/experiment-comparison2?experiment_id={ids['experiment']}", None),
        ("GET", f"/v1/dataset/{ids['dataset']}/summarize", None),
        ("GET", f"/dataset-summary?dataset_id={ids['dataset']}", None),
    ):
        assert stranger.request(method, path, json=body).status_code == 403, path
    assert stranger.post("/api/project/get", json={"id": ids["project"]}).json() == []
    assert stranger.post("/api/experiment/get", json={"experiment_name": "shared", **place}).json() == []
    # The same name is another project there.
    assert stranger.post("/v1/project", json={"name": "shared"}).json()["id"] != ids["project"]
    own = stranger.post("/v1/experiment", json={"project_name": "shared", "name": "e"}).json()
    assert stranger.get("/v1/experiment").json() == {"objects": [own]}
    compared = {"comparison_experiment_id": ids["experiment"]}
    assert stranger.get(f"/v1/experiment/{own['id']}/summarize", params=compared).status_code == 403
    unseen = {"project_name": "shared", "name": "e2", "base_exp_id": ids["experiment"]}
    assert stranger.post("/v1/experiment", json=unseen).status_code == 400


def test_who_may_write_to_one_project_sees_that_one(guest, theirs):
    assert guest.get("/v1/project").json() == {"objects": [theirs["project"]]}
    assert guest.get("/v1/project", params={"limit": 1}).json() == {"objects": [theirs["project"]]}
    assert guest.post("/v1/project", json={"name": "shared"}).json() == theirs["project"]
    assert guest.post("/v1/project", json={"name": "new"}).status_code == 403
    assert guest.post("/v1/project", json={"name": "not shared"}).status_code == 403
    place = {"project_name": "shared", "ensure_new": True}
    made = [guest.post("/v1/experiment", json={"name": "by a guest", **place}).json() for _ in range(3)]
    listed = guest.get("/v1/experiment", params={"limit": 2, "project_name": "shared"}).json()["objects"]
    assert listed == made[:0:-1]
    before = {"limit": 1, "ending_before": made[0]["id"]}
    assert guest.get("/v1/experiment", params=before).json()["objects"] == [made[1]]
    assert guest.post("/api/base_experiment/get_id", json={"id": made[2]["id"]}).json()["base_exp_id"] == made[1]["id"]


def test_who_may_read_one_thing_is_told_the_name_of_its_project_and_no_more(party, admin):
    project = admin.post("/v1/project", json={"name": "around it", "description": "told to nobody"}).json()
    place = {"project_id": project["id"], "name": "it"}
    member = party.join("member@example.com", Level.READ, project="around it")
    user = member.get("/api/self/me").json()["id"]
    for grant in admin.get("/v1/acl/list_org", params={"user_id": user}).json()["objects"]:
        assert admin.delete(f"/v1/acl/{grant['id']}").status_code == 200
    things = {kind: admin.post(f"/v1/{kind}", json=place).json() for kind in ("experiment", "dataset")}
    for kind, thing in things.items():
        grant = {"object_type": kind, "object_id": thing["id"], "user_id": user, "permission": "read"}
        assert admin.post("/v1/acl", json=grant).status_code == 200

    for kind, thing in things.items():
        asked = {"object_type": kind, "object_ids": [thing["id"]]}
        answers = (
            member.get(f"/v1/{kind}/{thing['id']}/summarize"),
            member.post("/api/self/get_object_info", json=asked),
        )
        for answer in answers:
            assert answer.status_code == 200
            assert "around it" in answer.text
            assert "told to nobody" not in answer.text
    assert member.get(f"/v1/project/{project['id']}").status_code == 403
    assert member.get("/v1/project").json() == {"objects": []}


def test_audit_headers_name_what_was_touched(admin, theirs):
    experiment = theirs["experiment"]
    place = {"project_id": theirs["project"]["id"], "name": "compared", "base_exp_id": experiment["id"]}
    own = admin.post("/v1/experiment", json=place).json()
    path = f"/v1/experiment/{own['id']}/summarize"
    answer = admin.get(path, headers={"x-bt-enable-audit": "true"})
    packed = json.loads(answer.headers["x-bt-audit-resources"])
    touched = json.loads(decompress(b64decode(packed["p"])))
    for each in (experiment, own):
        assert {"type": "experiment", "id": each["id"], "name": each["name"]} in touched
    assert answer.headers["x-bt-audit-normalized-url"] == "/v1/experiment/[id]/summarize"


@pytest.mark.parametrize("kind", ["project", "experiment", "dataset"])
def test_what_is_deleted_can_be_neither_read_nor_written(admin, kind):
    project = admin.post("/v1/project", json={"name": f"for a deleted {kind}"}).json()
    place = {"project_id": project["id"], "name": "x"}
    made = project if kind == "project" else admin.post(f"/v1/{kind}", json=place).json()
    source = "project_logs" if kind == "project" else kind
    address = {"project_id": made["id"], "log_id": "g"} if kind == "project" else {f"{kind}_id": made["id"]}
    rows = {"rows": [{**address, "id": "r", "input": "secret", "expected": None}], "api_version": 2}
    query = {"query": f"select: * from: {source}('{made['id']}')"}
    assert admin.post("/logs3", json=rows).status_code == 200
    assert admin.post("/btql", json=query).json()["data"][0]["input"] == "secret"

    assert admin.delete(f"/v1/{kind}/{made['id']}").status_code == 200

    for path, body in (
        ("/logs3", rows),
        ("/btql", query),
        (f"/v1/{source}/{made['id']}/fetch", {}),
        (f"/v1/{source}/{made['id']}/insert", {"events": [{"id": "r2"}]}),
        (f"/v1/{source}/{made['id']}/feedback", {"feedback": [{"id": "r", "comment": "c"}]}),
    ):
        answer = admin.post(path, json=body)
        assert answer.status_code == 403, (path, answer.text)
        assert "secret" not in answer.text


def test_nobody_learns_which_projects_there_are(party, admin, theirs):
    admin.post("/v1/project", json={"name": "open"})
    elsewhere = party.join(level=Level.WRITE, project="open")

    def told(name):
        """Return what is answered about a project of that name, whatever is asked."""
        spans = [{"traceId": "a" * 32, "spanId": "b" * 16, "name": "s", "startTimeUnixNano": "1"}]
        answers = (
            elsewhere.post("/v1/project", json={"name": name}),
            elsewhere.put("/v1/project", json={"name": name}),
            elsewhere.post("/api/project/register", json={"project_name": name}),
            elsewhere.post("/api/experiment/register", json={"project_name": name, "experiment_name": "e"}),
            elsewhere.post("/api/dataset/register", json={"project_name": name, "dataset_name": "d"}),
            elsewhere.post(
                "/otel/v1/traces",
                json={"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]},
                headers={"x-bt-parent": f"project_name:{name}"},
            ),
        )
        return [(answer.status_code, answer.json()["Message"]) for answer in answers]

    there, missing = told(theirs["project"]["name"]), told("missing")
    assert there == missing
    assert {status for status, _ in there} == {403}
