"""Permissions over REST: what they mean, who may give them."""

import pytest

from btql_server.access.model import Level

SOMETHING = "00000000-0000-4000-8000-000000000000"


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer, status, words=""):
    assert answer.status_code == status, answer.text
    assert words in answer.text


@pytest.fixture(scope="module")
def world(party, ann):
    """A project with an experiment, and a user who may do nothing."""
    project = ok(ann.post("/v1/project", json={"name": "permissions"}))
    experiment = ok(ann.post("/v1/experiment", json={"project_id": project["id"], "name": "e"}))
    invited = ok(ann.patch("/v1/organization/members", json={"invite_users": {"emails": ["zoe@example.com"]}}))
    (zoe,) = invited["added_users"]
    key = ok(ann.post("/v1/api_key", json={"name": "zoe's", "user_id": zoe["id"]}))
    return {
        "project": project["id"],
        "experiment": experiment["id"],
        "zoe": zoe["id"],
        "client": party.client(key["key"]),
    }


@pytest.fixture(autouse=True)
def nothing_granted(ann, world):
    yield
    for grant in ok(ann.get("/v1/acl/list_org", params={"user_id": world["zoe"]}))["objects"]:
        ok(ann.delete(f"/v1/acl/{grant['id']}"))


def give(client, world, permission, object_type="project", object_id=None):
    return client.post("/v1/acl", json=item(world, permission, object_type, object_id))


def item(world, permission, object_type="project", object_id=None):
    return {
        "object_type": object_type,
        "object_id": object_id or world[object_type],
        "user_id": world["zoe"],
        "permission": permission,
        "group_id": None,
    }


def can(client, world):
    """Return what a client may do: read and write the experiment and the project, give permissions for the project."""
    return (
        client.get(f"/v1/experiment/{world['experiment']}").status_code == 200,
        client.patch(f"/v1/experiment/{world['experiment']}", json={"description": "d"}).status_code == 200,
        client.get(f"/v1/project/{world['project']}").status_code == 200,
        client.patch(f"/v1/project/{world['project']}", json={"description": "d"}).status_code == 200,
        give(client, world, "read").status_code == 200,
    )


NOTHING = (False, False, False, False, False)
READ = (True, False, True, False, False)
WRITE = (True, True, True, True, False)
ADMIN = (True, True, True, True, True)


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ("read", READ),
        ("read_acls", READ),
        ("create", WRITE),
        ("update", WRITE),
        ("delete", WRITE),
        ("create_acls", ADMIN),
        ("update_acls", ADMIN),
        ("delete_acls", ADMIN),
    ],
)
def test_what_a_permission_on_a_project_means(ann, world, permission, expected):
    client = world["client"]
    assert can(client, world) == NOTHING

    grant = ok(give(ann, world, permission))

    assert can(client, world) == expected
    ok(ann.delete(f"/v1/acl/{grant['id']}"))
    if expected is not ADMIN:
        assert can(client, world) == NOTHING


def test_a_permission_on_one_experiment(ann, world):
    ok(give(ann, world, "update", "experiment"))
    assert can(world["client"], world) == (True, True, False, False, False)


def test_a_permission_on_the_organization(ann, world):
    organization = ok(ann.get("/v1/organization"))["objects"][0]["id"]
    ok(give(ann, world, "read", "organization", organization))
    assert can(world["client"], world) == READ


def test_an_entry_and_its_shape(ann, world):
    made = give(ann, world, "update")
    grant = ok(made)

    assert "x-bt-found-existing" not in made.headers
    assert grant | {"id": 0, "created": 0, "_object_org_id": 0} == {
        "id": 0,
        "object_type": "project",
        "object_id": world["project"],
        "user_id": world["zoe"],
        "group_id": None,
        "permission": "update",
        "restrict_object_type": None,
        "role_id": None,
        "_object_org_id": 0,
        "created": 0,
    }
    again = give(ann, world, "update")
    assert ok(again) == grant
    assert again.headers["x-bt-found-existing"] == "true"
    assert ok(ann.get(f"/v1/acl/{grant['id']}")) == grant
    of_project = {"object_type": "project", "object_id": world["project"]}
    assert ok(ann.get("/v1/acl", params=of_project))["objects"] == [grant]
    assert ok(ann.get("/v1/acl", params=of_project | {"permission": "read"}))["objects"] == []
    assert ok(ann.get("/v1/acl", params=of_project | {"group_id": SOMETHING}))["objects"] == []
    assert ok(ann.request("DELETE", "/v1/acl", json=item(world, "update"))) == grant
    refused(ann.request("DELETE", "/v1/acl", json=item(world, "update")), 404, "nothing was taken back")
    refused(ann.get(f"/v1/acl/{grant['id']}"), 403)


def test_several_at_once(ann, world):
    add = [item(world, "read"), item(world, "read", "experiment"), item(world, "read")]
    done = ok(ann.post("/v1/acl/batch_update", json={"add_acls": add, "remove_acls": None}))
    assert len(done["added_acls"]) == 2

    add, remove = [item(world, "update")], [item(world, "read"), item(world, "delete")]
    done = ok(ann.post("/v1/acl/batch_update", json={"add_acls": add, "remove_acls": remove}))

    assert [each["permission"] for each in done["added_acls"]] == ["update"]
    assert [each["permission"] for each in done["removed_acls"]] == ["read"]


def test_several_at_once_or_none(ann, world):
    add = [item(world, "read"), item(world, "read", "experiment", SOMETHING)]
    refused(ann.post("/v1/acl/batch_update", json={"add_acls": add}), 403, "experiment id")
    assert can(world["client"], world) == NOTHING
    assert ok(ann.get("/v1/acl/list_org", params={"user_id": world["zoe"]}))["objects"] == []


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"role_id": SOMETHING}, 400, "no groups and roles"),
        ({"group_id": SOMETHING, "user_id": None}, 400, "no groups and roles"),
        ({"restrict_object_type": "experiment"}, 400, "`restrict_object_type` is not supported"),
        ({"permission": None}, 400, "needs `user_id` and `permission`"),
        ({"permission": "everything"}, 400, "permission"),
        ({"user_id": SOMETHING}, 400, "no member"),
        ({"user_id": "nonsense"}, 400, "not a UUID"),
        ({"object_id": SOMETHING}, 403, "project id"),
        ({"object_type": "user"}, 403, "user id"),
        ({"object_type": "org_project"}, 403, "org_project id"),
        ({"object_type": "x' or 1=1 --"}, 403, "x' or 1=1"),
    ],
)
def test_mistakes(ann, world, changes, status, words):
    refused(ann.post("/v1/acl", json=item(world, "read") | changes), status, words)
    assert can(world["client"], world) == NOTHING


def test_nobody_gives_more_than_they_have(party, ann, otto, world):
    client = world["client"]
    refused(give(client, world, "read"), 403)
    ok(give(ann, world, "update"))
    refused(give(client, world, "update_acls"), 403)
    grant = ok(give(ann, world, "update_acls"))
    ok(give(client, world, "read"))
    refused(give(client, world, "read", "organization", grant["_object_org_id"]), 403)
    refused(client.get("/v1/acl/list_org"), 403)
    for stranger in (otto, party.join("walt@example.com", Level.WRITE)):
        refused(stranger.post("/v1/acl", json=item(world, "read")), 403)
        refused(stranger.delete(f"/v1/acl/{grant['id']}"), 403)
    refused(otto.get(f"/v1/acl/{grant['id']}"), 403)
    refused(otto.get("/v1/acl", params={"object_type": "project", "object_id": world["project"]}), 403)
    assert ok(otto.get("/v1/acl/list_org", params={"user_id": world["zoe"]}))["objects"] == []


def test_nobody_is_given_something_of_another_organization(ann, otto, world):
    project = ok(otto.post("/v1/project", json={"name": "elsewhere"}))
    body = item(world, "read") | {"object_id": project["id"]}
    refused(ann.post("/v1/acl", json=body), 403)
    refused(otto.post("/v1/acl", json=body), 400, "no member")
