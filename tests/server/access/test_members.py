"""Organizations, users and service tokens over REST."""

import pytest

from btql_server.access.model import Level

SOMETHING = "00000000-0000-4000-8000-000000000000"


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer, status, words=""):
    assert answer.status_code == status, answer.text
    assert words in answer.text
    return answer


def me(client):
    return ok(client.get("/api/self/me"))


def invite(client, **more):
    return ok(client.patch("/v1/organization/members", json={"invite_users": more}))


def remove(client, **more):
    return ok(client.patch("/v1/organization/members", json={"remove_users": more}))


def test_whoever_asks_is_told_who_they_are(party, ann):
    found = me(ann)
    assert (found["email"], found["kind"], found["given_name"]) == ("ann@example.com", "user", None)
    assert [each["name"] for each in found["organizations"]] == ["default"]
    assert ok(ann.post("/api/self/me")) == found

    token = me(party.join(service_token="ci"))
    assert (token["email"], token["kind"], token["name"]) == (None, "service_token", "ci")


def test_a_key_sees_its_own_organization_only(ann, otto):
    (mine,) = ok(ann.get("/v1/organization"))["objects"]
    (theirs,) = ok(otto.get("/v1/organization"))["objects"]

    assert (mine["name"], theirs["name"]) == ("default", "other")
    assert mine["api_url"] == str(ann.base_url).rstrip("/")
    assert ok(ann.get(f"/v1/organization/{mine['id']}")) == mine
    refused(ann.get(f"/v1/organization/{theirs['id']}"), 403)
    assert ok(ann.get("/v1/organization", params={"org_name": "other"})) == {"objects": []}
    refused(ann.get("/v1/organization/nonsense"), 400)
    refused(ann.patch(f"/v1/organization/{theirs['id']}", json={"name": "mine now"}), 403)


def test_an_administrator_renames_the_organization(party, otto):
    (theirs,) = ok(otto.get("/v1/organization"))["objects"]

    assert ok(otto.patch(f"/v1/organization/{theirs['id']}", json={"name": "renamed"}))["name"] == "renamed"
    assert me(otto)["organizations"] == [{"id": theirs["id"], "name": "renamed"}]
    # Of the organization that has the name nothing is said.
    taken = refused(otto.patch(f"/v1/organization/{theirs['id']}", json={"name": "default"}), 409)
    assert taken.json()["Message"] == "the name `default` cannot be used: choose another one"
    refused(otto.patch(f"/v1/organization/{theirs['id']}", json={"api_url": "https://elsewhere"}), 400, "--public-url")
    writer = party.join("wim@other.example", Level.WRITE, organization="renamed")
    refused(writer.patch(f"/v1/organization/{theirs['id']}", json={"name": "other"}), 403)
    assert ok(otto.patch(f"/v1/organization/{theirs['id']}", json={"name": "other"}))["name"] == "other"


def test_users_are_invited_and_removed(party, ann):
    done = invite(ann, emails=["Bob@Example.com", "bob@example.com"], group_names=["Viewers"])
    (bob,) = done["added_users"]
    assert (done["status"], bob["email"], bob["api_key"]) == ("success", "bob@example.com", None)

    (found,) = ok(ann.get("/v1/user", params={"email": "BOB@example.com"}))["objects"]
    assert found["id"] == bob["id"]
    assert ok(ann.get(f"/v1/user/{bob['id']}")) == found
    (grant,) = ok(ann.get("/v1/acl/list_org", params={"user_id": bob["id"]}))["objects"]
    assert (grant["object_type"], grant["permission"]) == ("organization", "read")

    key = ok(ann.post("/v1/api_key", json={"name": "for bob", "user_id": bob["id"]}))
    client = party.client(key["key"])
    assert me(client)["email"] == "bob@example.com"
    assert invite(ann, ids=[bob["id"]], emails=["bob@example.com"])["added_users"] == []

    remove(ann, emails=["bob@example.com"])

    refused(client.get("/api/self/me"), 401)
    assert ok(ann.get("/v1/user", params={"ids": bob["id"]}))["objects"] == []
    assert ok(ann.get("/v1/acl/list_org", params={"user_id": bob["id"]}))["objects"] == []
    refused(ann.get(f"/v1/user/{bob['id']}"), 403)


def test_service_tokens_are_made_with_a_key(party, ann):
    accounts = [{"name": "loader", "token_name": "its first key"}, {"name": "reader", "token_name": None}]
    done = invite(ann, service_accounts=accounts, group_name="engineers", send_invite_emails=True)

    loader, reader = done["added_users"]
    assert "no email" in done["send_email_error"]
    assert reader["api_key"] is None
    client = party.client(loader["api_key"])
    assert me(client)["id"] == loader["id"]
    (token,) = ok(ann.get("/v1/service_token", params={"service_token_name": "its first key"}))["objects"]
    assert (token["service_account_id"], token["service_account_name"]) == (loader["id"], "loader")
    assert invite(ann, service_accounts=accounts[1:])["added_users"] == []
    remove(ann, ids=[loader["id"]])
    refused(client.get("/api/self/me"), 401)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"invite_users": {"emails": ["new@example.com", "nonsense"]}}, 400, "`nonsense` is not an email"),
        ({"invite_users": {"emails": ["new@example.com"], "ids": [SOMETHING]}}, 400, "there is no member"),
        ({"invite_users": {"emails": ["new@example.com"], "group_names": ["Gods"]}}, 400, "no group `Gods`"),
        ({"invite_users": {"emails": ["new@example.com"], "group_id": SOMETHING}}, 400, "no groups with ids"),
        ({"invite_users": {"emails": ["new@example.com"]}, "remove_users": {"emails": ["x@y"]}}, 400, "no user `x@y`"),
        ({"invite_users": {"emails": ["new@example.com"], "service_accounts": [{"name": ""}]}}, 400, "printable"),
        ({"invite_users": {"emails": ["new@example.com"]}, "org_name": "other"}, 403, "organization other"),
        ({"invite_users": {"emails": ["new@example.com"]}, "org_id": SOMETHING}, 403, "organization"),
        ({"invite_users": {"emails": "new@example.com"}}, 400, "invite_users.emails"),
    ],
)
def test_members_change_as_a_whole_or_not_at_all(ann, changes, status, words):
    refused(ann.patch("/v1/organization/members", json=changes), status, words)
    assert ok(ann.get("/v1/user", params={"email": "new@example.com"}))["objects"] == []


def test_only_administrators_change_members(party, otto):
    for level in (Level.READ, Level.WRITE):
        client = party.join("walt@example.com", level)
        refused(client.patch("/v1/organization/members", json={}), 403)
    walt = me(client)
    refused(otto.patch("/v1/organization/members", json={"remove_users": {"ids": [walt["id"]]}}), 400)
    assert me(client) == walt


def test_somebody_can_always_administer_the_organization(party):
    lone = party.join("lone@alone.example", Level.ADMIN, organization="alone")
    refused(lone.patch("/v1/organization/members", json={"remove_users": {"emails": ["lone@alone.example"]}}), 409)
    (grant,) = ok(lone.get("/v1/acl/list_org"))["objects"]
    entry = {name: grant[name] for name in ("object_type", "object_id", "user_id", "permission")}
    for request in (
        lone.build_request("DELETE", f"/v1/acl/{grant['id']}"),
        lone.build_request("DELETE", "/v1/acl", json=entry),
        lone.build_request("POST", "/v1/acl/batch_update", json={"remove_acls": [entry]}),
    ):
        refused(lone.send(request), 409, "nobody with a working key could administer the organization")
    assert ok(lone.get("/v1/acl/list_org"))["objects"] == [grant]

    (key,) = ok(lone.get("/v1/api_key"))["objects"]
    for limited in ({"level": "write"}, {"project_id": ok(lone.post("/v1/project", json={"name": "p"}))["id"]}):
        refused(lone.put("/v1/api_key", json={"name": key["name"], **limited}), 409, "nobody with a working key could")
    assert [each["id"] for each in ok(lone.get("/v1/api_key"))["objects"]] == [key["id"]]

    # Another one counts from when they have a key that allows it.
    (next_one,) = invite(lone, emails=["next@alone.example"], group_names=["Owners"])["added_users"]
    spec = {"user_id": next_one["id"]}
    ok(lone.post("/v1/api_key", json=spec | {"name": "reads", "level": "read"}))
    refused(lone.patch("/v1/organization/members", json={"remove_users": {"emails": ["lone@alone.example"]}}), 409)
    key = ok(lone.post("/v1/api_key", json=spec | {"name": "all"}))["key"]
    remove(lone, emails=["lone@alone.example"])
    refused(lone.get("/api/self/me"), 401)
    assert [user["email"] for user in ok(party.client(key).get("/v1/user"))["objects"]] == ["next@alone.example"]


def test_an_administrator_hands_over_in_one_request(party):
    first = party.join("first@handed.example", Level.ADMIN, organization="handed")
    accounts = [{"name": "second", "token_name": "its key"}]
    changes = {
        "invite_users": {"service_accounts": accounts, "group_name": "Owners"},
        "remove_users": {"emails": ["first@handed.example"]},
    }
    (added,) = ok(first.patch("/v1/organization/members", json=changes))["added_users"]
    assert ok(party.client(added["api_key"]).get("/v1/acl/list_org"))["objects"]


def test_who_sees_which_users(party, ann, otto):
    invite(ann, emails=["carla@example.com"])
    project = ok(ann.post("/v1/project", json={"name": "members"}))
    narrow = party.join("nora@example.com", Level.WRITE, project=project["id"])

    everybody = {user["email"] for user in ok(ann.get("/v1/user"))["objects"]}
    assert {"ann@example.com", "carla@example.com", "nora@example.com"} <= everybody
    assert "otto@other.example" not in everybody
    assert {user["email"] for user in ok(otto.get("/v1/user"))["objects"]} <= {
        "otto@other.example",
        "wim@other.example",
    }
    assert [user["email"] for user in ok(narrow.get("/v1/user"))["objects"]] == ["nora@example.com"]
    refused(narrow.get(f"/v1/user/{me(ann)['id']}"), 403)
    assert ok(narrow.get(f"/v1/user/{me(narrow)['id']}"))["email"] == "nora@example.com"
    refused(otto.get(f"/v1/user/{me(ann)['id']}"), 403)


def test_pages_of_users(ann):
    invite(ann, emails=[f"page{i}@example.com" for i in range(5)])
    emails = [f"page{i}@example.com" for i in range(5)]

    def page(**more):
        return ok(ann.get("/v1/user", params={"email": emails, **more}))["objects"]

    every = page()
    assert [user["email"] for user in every] == emails[::-1]
    assert page(limit=2) == every[:2]
    assert page(limit=2, starting_after=every[1]["id"]) == every[2:4]
    assert page(limit=2, ending_before=every[4]["id"]) == every[2:4]
    assert page(limit=10**30) == every
    assert page(limit=0) == []
    refused(ann.get("/v1/user", params={"limit": -1}), 400)
    refused(ann.get("/v1/user", params={"starting_after": "nonsense"}), 400)
