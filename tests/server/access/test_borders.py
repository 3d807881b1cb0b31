"""What one organization, project or object has stays there, whichever way one asks for it."""

import pytest

import btql
from btql_server.access.model import Level


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def query(client, text):
    return client.post("/btql", json={"query": text, "fmt": "json"})


@pytest.fixture(scope="module")
def things(party, ann, otto):
    """Two projects with rows, one of them another organization's, and an object of an embedded program."""
    with btql.connect(party.folder) as embedded:
        embedded.ingest("project_logs:embedded", [{"id": "e", "input": "embedded secret"}])
    found = {}
    for client, name in ((ann, "mine"), (otto, "theirs")):
        found[name] = ok(client.post("/v1/project", json={"name": name}))["id"]
        rows = {"events": [{"id": "row", "input": f"{name} secret"}]}
        ok(client.post(f"/v1/project_logs/{found[name]}/insert", json=rows))
    return found


READS = [
    "select: * | from: project_logs('{theirs}')",
    "select: * | from: project_logs('theirs')",
    "select: * | from: project_logs('{mine}', '{theirs}')",
    "SELECT * FROM project_logs('{theirs}')",
    'SELECT * FROM "{theirs}"',
    'SELECT * FROM project_logs."{theirs}"',
    "SELECT a.id FROM project_logs('{mine}') a JOIN project_logs('{theirs}') b ON a.id = b.id",
    "SELECT id FROM project_logs('{mine}') WHERE id IN (SELECT id FROM project_logs('{theirs}'))",
    "SELECT (SELECT max(input) FROM project_logs('{theirs}')) AS secret FROM project_logs('{mine}')",
    "SELECT id FROM project_logs('{mine}') UNION ALL SELECT input FROM project_logs('{theirs}')",
    "WITH t AS (SELECT input FROM project_logs('{theirs}')) SELECT * FROM t",
    "SELECT * FROM (SELECT * FROM project_logs('{theirs}')) t",
    "INSERT INTO project_logs('{mine}') (id, input) SELECT id, input FROM project_logs('{theirs}')",
    "INSERT INTO project_logs('{theirs}') (id, input) VALUES ('x', 'y')",
    "UPDATE project_logs('{theirs}') SET input = 'y' WHERE true",
    "DELETE FROM project_logs('{theirs}') WHERE true",
    "DELETE FROM project_logs('{mine}') WHERE id IN (SELECT id FROM project_logs('{theirs}'))",
]


@pytest.mark.parametrize("text", READS)
@pytest.mark.parametrize("path", ["/btql", "/btql/async", "/page/explain"])
def test_no_query_reaches_over_the_border(ann, otto, things, text, path):
    answer = ann.post(path, json={"query": text.format(**things), "analyze": True})

    assert answer.status_code in (400, 403), answer.text
    assert "theirs secret" not in answer.text
    mine = ok(query(ann, f"select: id, input | from: project_logs('{things['mine']}') | filter: id = 'row'"))["data"]
    assert mine == [{"id": "row", "input": "mine secret"}]
    (row,) = ok(query(otto, f"select: id, input | from: project_logs('{things['theirs']}')"))["data"]
    assert row == {"id": "row", "input": "theirs secret"}


def test_what_embedded_programs_write_belongs_to_the_default_organization(party, ann, otto, things):
    text = "select: input | from: project_logs('embedded')"
    assert ok(query(ann, text))["data"] == [{"input": "embedded secret"}]
    assert ok(query(party.join("ro@example.com", Level.READ), text))["data"] == [{"input": "embedded secret"}]
    for client in (otto, party.join("narrow@example.com", project=things["mine"])):
        answer = query(client, text)
        assert answer.status_code in (400, 403)
        # Nor is the name told to those who may not read it, also not as a hint.
        answer = query(client, text.replace("embedded", "embeddedd"))
        assert "`embedded`" not in answer.text


def test_hints_name_nothing_of_others(party, otto, things):
    for client in (otto, party.join("narrow@example.com", project=things["mine"])):
        assert "mine" not in query(otto, "select: * | from: project_logs('minee')").text.replace("minee", "")
        assert "audit" not in query(client, "select: * | from: project_logs('x')").text


def test_a_request_with_one_forbidden_row_writes_none(party, ann, things):
    other = ok(ann.post("/v1/project", json={"name": "not for it"}))["id"]
    narrow = party.join("narrow@example.com", project=things["mine"])
    rows = [{"id": "n1", "project_id": things["mine"], "log_id": "g"}, {"id": "n2", "project_id": other, "log_id": "g"}]

    for refused in (
        narrow.post("/logs3", json={"rows": rows}),
        narrow.post("/v1/insert", json={"project_logs": {each["project_id"]: {"events": [each]} for each in rows}}),
    ):
        assert refused.status_code == 403, refused.text
    ids = ok(query(ann, f"select: id | from: project_logs('{things['mine']}') | filter: id = 'n1'"))["data"]
    assert ids == []
    ok(narrow.post("/logs3", json={"rows": rows[:1]}))


def test_what_is_registered_but_holds_no_rows_is_no_source(ann, party):
    me = ok(ann.get("/api/self/me"))["id"]
    organization = ok(ann.get("/v1/organization"))["objects"][0]["id"]
    for source in (f"user('{me}')", f"organization('{organization}')", f"key('{me}')", f"project('{me}')"):
        assert query(ann, f"select: * | from: {source}").status_code in (400, 403)
    with btql.connect(party.folder) as embedded:
        assert not [each for each in embedded.objects() if each.partition(":")[0] in ("user", "organization", "key")]


def test_a_grant_on_one_experiment(party, ann):
    project = ok(ann.post("/v1/project", json={"name": "one experiment"}))["id"]
    shown, hidden = (
        ok(ann.post("/v1/experiment", json={"project_id": project, "name": name}))["id"] for name in ("shown", "hidden")
    )
    for each in (shown, hidden):
        ok(ann.post(f"/v1/experiment/{each}/insert", json={"events": [{"id": "row", "input": each}]}))
    invited = ok(ann.patch("/v1/organization/members", json={"invite_users": {"emails": ["guest@example.com"]}}))
    guest = invited["added_users"][0]["id"]
    key = ok(ann.post("/v1/api_key", json={"name": "guest", "user_id": guest}))
    client = party.client(key["key"])
    assert ok(client.get("/v1/experiment"))["objects"] == []

    body = {"object_type": "experiment", "object_id": shown, "user_id": guest, "permission": "read"}
    ok(ann.post("/v1/acl", json=body))

    assert [each["id"] for each in ok(client.get("/v1/experiment"))["objects"]] == [shown]
    assert [each["id"] for each in ok(client.get("/v1/experiment", params={"limit": 1}))["objects"]] == [shown]
    assert ok(client.get("/v1/project"))["objects"] == []
    assert ok(query(client, f"select: input | from: experiment('{shown}')"))["data"] == [{"input": shown}]
    assert len(ok(client.get(f"/v1/experiment/{shown}/fetch"))["events"]) == 1
    for refused in (
        query(client, f"select: input | from: experiment('{hidden}')"),
        client.get(f"/v1/experiment/{hidden}/fetch"),
        client.get(f"/v1/experiment/{hidden}"),
        client.post(f"/v1/experiment/{shown}/insert", json={"events": [{"id": "x"}]}),
        client.post(f"/v1/experiment/{shown}/feedback", json={"feedback": [{"id": "row", "comment": "x"}]}),
        client.patch(f"/v1/experiment/{shown}", json={"description": "x"}),
        client.get(f"/v1/experiment/{shown}/summarize", params={"comparison_experiment_id": hidden}),
        client.delete(f"/v1/experiment/{shown}"),
    ):
        assert refused.status_code == 403, refused.text


def test_a_new_name_tells_nothing_of_what_one_may_not_read(party, ann):
    project, _ = (ok(ann.post("/v1/project", json={"name": name}))["id"] for name in ("renaming", "secret name"))
    experiment = ok(ann.post("/v1/experiment", json={"project_id": project, "name": "shown"}))["id"]
    ok(ann.post("/v1/experiment", json={"project_id": project, "name": "secret name"}))
    narrow = party.join("renames@example.com", Level.ADMIN, project=project)
    invited = ok(ann.patch("/v1/organization/members", json={"invite_users": {"emails": ["renames2@example.com"]}}))
    guest = invited["added_users"][0]["id"]
    of_one = party.client(ok(ann.post("/v1/api_key", json={"name": "guest", "user_id": guest}))["key"])
    body = {"object_type": "experiment", "object_id": experiment, "user_id": guest, "permission": "update"}
    ok(ann.post("/v1/acl", json=body))

    for client, path in ((narrow, f"/v1/project/{project}"), (of_one, f"/v1/experiment/{experiment}")):
        taken, free = (client.patch(path, json={"name": name}) for name in ("secret name", "no such name"))
        assert (taken.status_code, free.status_code) == (403, 403), (taken.text, free.text)
        assert taken.json()["Message"] == free.json()["Message"]
        own = ok(client.get(path))["name"]
        assert ok(client.patch(path, json={"name": own, "description": "its own name is none of others"}))
    assert ok(narrow.patch(f"/v1/experiment/{experiment}", json={"name": "renamed"}))["name"] == "renamed"
    assert narrow.patch(f"/v1/experiment/{experiment}", json={"name": "secret name"}).status_code == 409
    assert ann.patch(f"/v1/project/{project}", json={"name": "secret name"}).status_code == 409


def test_what_was_of_something_deleted_is_nobodys(ann, otto):
    project = ok(otto.post("/v1/project", json={"name": "soon deleted"}))["id"]
    ok(otto.post(f"/v1/project_logs/{project}/insert", json={"events": [{"id": "row", "input": "secret"}]}))
    experiment = ok(otto.post("/v1/experiment", json={"project_id": project, "name": "e"}))["id"]
    ok(otto.post(f"/v1/experiment/{experiment}/insert", json={"events": [{"id": "row", "input": "secret"}]}))
    ok(otto.delete(f"/v1/project/{project}"))

    for client in (ann, otto):
        for kind, name in (("project_logs", project), ("experiment", experiment)):
            assert query(client, f"select: * | from: {kind}('{name}')").status_code == 403
            assert client.get(f"/v1/{kind}/{name}/fetch").status_code == 403
            body = {"events": [{"id": "x"}]}
            assert client.post(f"/v1/{kind}/{name}/insert", json=body).status_code == 403
