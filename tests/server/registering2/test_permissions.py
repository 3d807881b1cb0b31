"""Who may read and write prompts, functions, environments, snapshots and settings, with every kind of key."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from btql_server.access.model import Level


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def world(party):
    """One of everything, made by an administrator."""
    admin = party.join("ann@example.com", Level.ADMIN)
    project = ok(admin.post("/v1/project", json={"name": "open to some"}))
    place = {"project_id": project["id"], "name": "n", "slug": "s"}
    prompt = ok(admin.post("/v1/prompt", json=place))
    function = ok(admin.post("/v1/function", json={**place, "function_data": {"type": "global", "name": "f"}}))
    dataset = ok(admin.post("/v1/dataset", json=place))
    ok(admin.post(f"/v1/dataset/{dataset['id']}/insert", json={"events": [{"id": "a", "input": 1}]}))
    version = admin.get("/xact-id").text
    ok(admin.post(f"/v1/dataset/{dataset['id']}/insert", json={"events": [{"id": "b", "input": 1}]}))
    spec = {"dataset_id": dataset["id"], "name": "v1", "xact_id": version}
    snapshot = ok(admin.post("/v1/dataset_snapshot", json=spec))
    environment = ok(admin.post("/environment", json={"name": "prod", "slug": "prod"}))
    pin = f"/environment-object/prompt/{prompt['id']}/prod"
    ok(admin.put(pin, json={"object_version": prompt["_xact_id"]}))
    tag = ok(admin.post("/v1/project_tag", json={"project_id": project["id"], "name": "t"}))
    view = ok(admin.post("/v1/view", json={"object_type": "project", "object_id": project["id"], "name": "v"}))
    return SimpleNamespace(
        admin=admin, project=project, prompt=prompt, function=function, dataset=dataset, version=version,
        snapshot=snapshot, environment=environment, pin=pin, tag=tag, view=view,
    )  # fmt: skip


def reads(world):
    """Return the requests that read."""
    dataset = world.dataset["id"]
    return [
        ("GET", f"/v1/prompt/{world.prompt['id']}", None),
        ("GET", f"/v1/function/{world.function['id']}", None),
        ("GET", f"/v1/dataset_snapshot/{world.snapshot['id']}", None),
        ("GET", f"/v1/project_tag/{world.tag['id']}", None),
        ("GET", f"/v1/view/{world.view['id']}", None),
        ("GET", world.pin, None),
        ("GET", f"/environment-object/prompt/{world.prompt['id']}", None),
        ("POST", f"/v1/dataset/{dataset}/restore/preview", {"version": world.version}),
        ("POST", "/api/dataset_snapshot/get", {"dataset_id": dataset}),
        ("POST", "/api/self/get_object_info", {"object_type": "prompt", "object_ids": [world.prompt["id"]]}),
        ("POST", "/btql", {"query": f"select: id | from: project_prompts('{world.project['id']}')"}),
    ]


def writes(world):
    """Return the requests that write, each of which leaves everything as it is when it is refused."""
    place = {"project_id": world.project["id"], "name": "n", "slug": "s"}
    made = {**place, "slug": "new"}
    data = {"function_data": {"type": "prompt"}}
    dataset, snapshot = world.dataset["id"], world.snapshot["id"]
    return [
        ("POST", "/v1/prompt", made),
        ("PUT", "/v1/prompt", place),
        ("PATCH", f"/v1/prompt/{world.prompt['id']}", {"description": "d"}),
        ("DELETE", f"/v1/prompt/{world.prompt['id']}", None),
        ("POST", "/v1/function", {**made, **data}),
        ("PATCH", f"/v1/function/{world.function['id']}", {"description": "d"}),
        ("DELETE", f"/v1/function/{world.function['id']}", None),
        ("POST", "/insert-functions", {"functions": [{**made, **data}]}),
        ("POST", "/insert-functions", {"functions": [{**place, **data, "if_exists": "replace"}]}),
        ("PUT", world.pin, {"object_version": world.prompt["_xact_id"]}),
        ("DELETE", world.pin, None),
        ("POST", f"/v1/dataset/{dataset}/restore", {"version": world.version}),
        ("POST", "/v1/dataset_snapshot", {"dataset_id": dataset, "name": "new", "xact_id": world.version}),
        ("PATCH", f"/v1/dataset_snapshot/{snapshot}", {"name": "new"}),
        ("DELETE", f"/v1/dataset_snapshot/{snapshot}", None),
        ("POST", "/api/dataset_snapshot/delete_id", {"id": snapshot}),
        (
            "POST",
            "/api/dataset_snapshot/register",
            {"dataset_id": dataset, "dataset_snapshot_name": "v1", "xact_id": world.version, "update": True},
        ),
        ("POST", "/v1/project_tag", {"project_id": world.project["id"], "name": "new"}),
        ("DELETE", f"/v1/project_tag/{world.tag['id']}", None),
        ("POST", "/v1/view", {"object_type": "project", "object_id": world.project["id"], "name": "new"}),
        ("DELETE", f"/v1/view/{world.view['id']}", None),
    ]


def statuses(client, requests, headers=None):
    return {
        f"{method} {path}": client.request(method, path, json=body, headers=headers).status_code
        for method, path, body in requests
    }


def state(world):
    """Return what an administrator sees."""
    place = {"project_id": world.project["id"]}
    found = [ok(world.admin.get(f"/v1/{kind}", params=place)) for kind in ("prompt", "function", "project_tag", "view")]
    return [
        *found,
        ok(world.admin.get("/v1/dataset_snapshot")),
        ok(world.admin.get("/environment")),
        ok(world.admin.get(world.pin)),
        ok(world.admin.post(f"/v1/dataset/{world.dataset['id']}/fetch", json={"limit": 10})),
    ]


def test_a_key_that_reads(party, world):
    before = state(world)
    reader = party.join(level=Level.READ)

    assert set(statuses(reader, reads(world)).values()) == {200}
    assert set(statuses(reader, writes(world)).values()) == {403}
    assert reader.post("/environment", json={"name": "x", "slug": "x"}).status_code == 403
    assert reader.delete(f"/environment/{world.environment['id']}").status_code == 403
    assert state(world) == before


@pytest.mark.parametrize("whose", ["another organization", "another project"])
def test_a_key_from_elsewhere_sees_nothing(party, world, whose):
    before = state(world)
    if whose == "another organization":
        stranger = party.join("otto@other.example", Level.ADMIN, organization="other")
    else:
        ok(world.admin.post("/v1/project", json={"name": "closed"}))
        stranger = party.join(level=Level.ADMIN, project="closed")

    found = statuses(stranger, [*reads(world), *writes(world)])
    btql = found.pop("POST /btql")
    assert btql in (400, 403)
    assert set(found.values()) == {403}, found
    for kind in ("prompt", "function", "dataset_snapshot", "project_tag", "view"):
        assert ok(stranger.get(f"/v1/{kind}", params={"project_id": world.project["id"]}))["objects"] == []
        assert ok(stranger.get(f"/v1/{kind}"))["objects"] == []
    assert state(world) == before


def test_no_key_and_a_wrong_one(party, world):
    requests = [*reads(world), *writes(world), ("GET", "/xact-id", None), ("GET", "/environment", None)]
    for headers in ({"authorization": ""}, {"authorization": "Bearer nonsense"}):
        assert set(statuses(party.client("x"), requests, headers).values()) == {401}


def test_a_grant_for_one_dataset_is_enough_for_its_snapshots(party, world):
    invited = ok(world.admin.patch("/v1/organization/members", json={"invite_users": {"emails": ["zoe@example.com"]}}))
    (zoe,) = invited["added_users"]
    key = ok(world.admin.post("/v1/api_key", json={"name": "zoe's", "user_id": zoe["id"]}))
    client = party.client(key["key"])
    dataset = ok(world.admin.post("/v1/dataset", json={"project_id": world.project["id"], "name": "zoe's"}))
    spec = {"dataset_id": dataset["id"], "name": "v1", "xact_id": world.version}
    assert client.post("/v1/dataset_snapshot", json=spec).status_code == 403

    grant = {"object_type": "dataset", "object_id": dataset["id"], "user_id": zoe["id"], "permission": "update"}
    ok(world.admin.post("/v1/acl", json=grant))
    made = ok(client.post("/v1/dataset_snapshot", json=spec))
    assert ok(client.get(f"/v1/dataset_snapshot/{made['id']}")) == made
    assert ok(client.get("/v1/dataset_snapshot"))["objects"] == [made]
    assert ok(client.post(f"/v1/dataset/{dataset['id']}/restore", json={"version": world.version}))["xact_id"] is None
    path = f"/environment-object/dataset/{dataset['id']}/prod"
    assert ok(client.put(path, json={"object_version": world.version}))["object_version"] == world.version
    assert client.get(f"/v1/dataset_snapshot/{world.snapshot['id']}").status_code == 403
    assert client.get(f"/v1/prompt/{world.prompt['id']}").status_code == 403


def test_changes_are_in_the_audit_headers(world):
    answer = world.admin.get(f"/v1/prompt/{world.prompt['id']}", headers={"x-bt-enable-audit": "true"})
    assert answer.headers["x-bt-audit-normalized-url"] == "/v1/prompt/[id]"
    assert "x-bt-audit-resources" in answer.headers
