"""Keys over REST: who makes, sees and revokes which."""

import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from btql_server.access.model import Level

SOMETHING = "00000000-0000-4000-8000-000000000000"


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer, status, words=""):
    assert answer.status_code == status, answer.text
    assert words in answer.text


def me(client):
    return ok(client.get("/api/self/me"))["id"]


def test_a_key_is_shown_once(party, ann):
    made = ok(ann.post("/v1/api_key", json={"name": "laptop", "org_name": "default"}))
    text = made.pop("key")

    assert made["preview_name"] == f"{text[:15]}_…"
    assert (made["user_email"], made["level"], made["expires_at"]) == ("ann@example.com", "admin", None)
    assert ok(ann.get(f"/v1/api_key/{made['id']}")) == made
    assert made in ok(ann.get("/v1/api_key"))["objects"]
    assert ok(ann.get("/v1/api_key", params={"api_key_name": "laptop"}))["objects"] == [made]
    assert text[15:] not in ann.get("/v1/api_key").text
    assert me(party.client(text)) == me(ann)


def test_a_revoked_key_is_gone_at_once(party, ann):
    made = ok(ann.post("/v1/api_key", json={"name": "short-lived"}))
    client = party.client(made["key"])
    assert me(client)

    ok(client.delete(f"/v1/api_key/{made['id']}"))

    refused(client.get("/api/self/me"), 401, "Invalid API key")
    refused(ann.get(f"/v1/api_key/{made['id']}"), 403)
    refused(ann.delete(f"/v1/api_key/{made['id']}"), 403)
    assert ok(ann.get("/v1/api_key", params={"api_key_name": "short-lived"}))["objects"] == []


def test_put_replaces_keys_of_the_same_name(party, ann):
    first = ok(ann.post("/v1/api_key", json={"name": "rotated"}))
    second = ok(ann.put("/v1/api_key", json={"name": "rotated"}))

    assert [each["id"] for each in ok(ann.get("/v1/api_key", params={"api_key_name": "rotated"}))["objects"]] == [
        second["id"]
    ]
    refused(party.client(first["key"]).get("/api/self/me"), 401)
    assert me(party.client(second["key"])) == me(ann)


def test_limits_of_a_key(party, ann):
    project = ok(ann.post("/v1/project", json={"name": "limited"}))
    other = ok(ann.post("/v1/project", json={"name": "not for it"}))
    limits = {"level": "read", "project_id": project["id"]}
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"name": "limited", "expires_at": ends, **limits, "project_id": project["id"].replace("-", "").upper()}
    made = ok(ann.post("/v1/api_key", json=body))
    client = party.client(made["key"])

    assert {key: made[key] for key in limits} == limits
    assert made["expires_at"] is not None
    assert ok(client.get(f"/v1/project/{project['id']}"))["name"] == "limited"
    assert [each["name"] for each in ok(client.get("/v1/project"))["objects"]] == ["limited"]
    refused(client.get(f"/v1/project/{other['id']}"), 403)
    refused(client.patch(f"/v1/project/{project['id']}", json={"description": "x"}), 403)


def test_a_limited_key_makes_and_revokes_none(party, ann):
    """Not even of its owner, who may do everything."""
    project = ok(ann.post("/v1/project", json={"name": "limited"}))
    victim = ok(ann.post("/v1/api_key", json={"name": "victim"}))
    for limits in ({"level": "read"}, {"level": "write"}, {"project_id": project["id"]}):
        client = party.client(ok(ann.post("/v1/api_key", json={"name": "limited", **limits}))["key"])

        refused(client.post("/v1/api_key", json={"name": "more"}), 403)
        refused(client.put("/v1/api_key", json={"name": "victim"}), 403)
        refused(client.delete(f"/v1/api_key/{victim['id']}"), 403)
        assert ok(client.get(f"/v1/api_key/{victim['id']}"))["name"] == "victim"
    assert me(party.client(victim["key"])) == me(ann)


def test_users_manage_their_own_keys_and_administrators_all(party, ann, otto):
    user = ok(ann.patch("/v1/organization/members", json={"invite_users": {"emails": ["keys@example.com"]}}))
    (member,) = user["added_users"]
    first = ok(ann.post("/v1/api_key", json={"name": "first", "user_id": member["id"]}))
    client = party.client(first["key"])

    second = ok(client.post("/v1/api_key", json={"name": "second"}))

    names = [each["name"] for each in ok(client.get("/v1/api_key"))["objects"]]
    assert names == ["second", "first"]
    own = ok(ann.post("/v1/api_key", json={"name": "ann's"}))
    for key_id in (own["id"], SOMETHING):
        refused(client.get(f"/v1/api_key/{key_id}"), 403)
        refused(client.delete(f"/v1/api_key/{key_id}"), 403)
    refused(client.post("/v1/api_key", json={"name": "x", "user_id": me(ann)}), 403)
    for key in (first, second, own):
        refused(otto.get(f"/v1/api_key/{key['id']}"), 403)
        refused(otto.delete(f"/v1/api_key/{key['id']}"), 403)
        assert key["id"] not in otto.get("/v1/api_key").text
        assert key["id"] in ann.get("/v1/api_key").text
    refused(otto.post("/v1/api_key", json={"name": "x", "user_id": member["id"]}), 403)
    ok(ann.delete(f"/v1/api_key/{second['id']}"))
    refused(party.client(second["key"]).get("/api/self/me"), 401)


def test_keys_of_service_tokens(party, ann, otto):
    accounts = [{"name": "robot", "token_name": "one"}]
    done = ok(ann.patch("/v1/organization/members", json={"invite_users": {"service_accounts": accounts}}))
    (robot,) = done["added_users"]
    body = {"name": "two", "service_account_id": robot["id"]}

    two = ok(ann.post("/v1/service_token", json=body))
    client = party.client(two["key"])

    assert (two["service_account_name"], two["service_account_email"]) == ("robot", None)
    assert [each["name"] for each in ok(client.get("/v1/service_token"))["objects"]] == ["two", "one"]
    assert ok(client.get("/v1/api_key"))["objects"] == []
    assert ok(ann.get(f"/v1/service_token/{two['id']}"))["name"] == "two"
    refused(ann.get(f"/v1/api_key/{two['id']}"), 403)
    three = ok(client.put("/v1/service_token", json=body))
    refused(client.get("/api/self/me"), 401)
    assert me(party.client(three["key"])) == robot["id"]
    refused(otto.post("/v1/service_token", json=body), 403)
    refused(otto.delete(f"/v1/service_token/{three['id']}"), 403)
    ok(ann.delete(f"/v1/service_token/{three['id']}"))
    refused(party.client(three["key"]).get("/api/self/me"), 401)


def test_what_newer_sdks_call_about_keys(party, ann, otto):
    client = party.join("lister@listed.example", Level.ADMIN, organization="listed")
    first, second = (ok(client.post("/v1/api_key", json={"name": name})) for name in ("first", "second"))
    org_id = first["org_id"]

    def listed(**params):
        objects = ok(client.get("/v1/organization/api_keys", params={"org_id": org_id, **params}))["objects"]
        return [each["id"] for each in objects]

    assert listed()[:2] == [second["id"], first["id"]]
    assert listed(limit=1) == [second["id"]]
    assert listed(starting_after=second["id"])[0] == first["id"]
    assert listed(api_key_name="first") == [first["id"]]
    assert first["id"] in listed(created_before=first["created"], created_after=first["created"])
    assert listed(created_after="2200-01-01T00:00:00Z") == listed(created_before="2020-01-01T00:00:00+02:00") == []
    refused(client.get("/v1/organization/api_keys", params={"created_after": "soon"}), 400, "created_after")
    refused(client.get("/v1/organization/api_keys", params={"created_after": "0001-01-01T00:00:00+10:00"}), 400)
    refused(ann.get("/v1/organization/api_keys", params={"org_id": org_id}), 403)
    refused(
        party.join("reader@listed.example", Level.READ, organization="listed").get("/v1/organization/api_keys"), 403
    )

    accounts = [{"name": "ci", "token_name": "main", "group_names": ["Viewers"]}]
    ok(client.patch("/v1/organization/members", json={"invite_users": {"service_accounts": accounts}}))
    (token,) = ok(client.get("/v1/service_token"))["objects"]
    refused(otto.request("DELETE", "/v1/service_token", json={"id": token["id"]}), 403)
    assert ok(client.request("DELETE", "/v1/service_token", json={"id": token["id"]})) == token
    assert ok(client.get("/v1/service_token"))["objects"] == []


def test_a_time_without_a_zone_is_utc(ann, monkeypatch):
    ends = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0, tzinfo=None).isoformat()
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        made = ok(ann.post("/v1/api_key", json={"name": "here", "expires_at": ends}))
    time.tzset()
    assert made["expires_at"] == f"{ends}.000Z"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "name"),
        ({"name": ""}, 400, "name"),
        ({"name": "x", "level": "root"}, 400, "level"),
        ({"name": "x", "expires_at": "soon"}, 400, "expires_at"),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, 400, "not in the future"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-23:59"}, 400, "out of range"),
        ({"name": "x", "expires_at": "0001-01-01T00:00:00+23:59"}, 400, "out of range"),
        ({"name": "x", "project_id": SOMETHING}, 403, "project id"),
        ({"name": "x", "project_id": "nonsense"}, 400, "not a UUID"),
        ({"name": "x", "user_id": SOMETHING}, 403, "user id"),
        ({"name": "x", "org_name": "other"}, 403, "organization other"),
    ],
)
def test_mistakes(ann, body, status, words):
    before = len(ok(ann.get("/v1/api_key"))["objects"])
    refused(ann.post("/v1/api_key", json=body), status, words)
    assert len(ok(ann.get("/v1/api_key"))["objects"]) == before


def test_a_service_token_has_to_say_for_whom_a_key_is(party, ann):
    client = party.join(level=Level.ADMIN, service_token="admin robot")
    refused(client.post("/v1/api_key", json={"name": "x"}), 400, "say by `user_id`")
    assert ok(client.post("/v1/api_key", json={"name": "x", "user_id": me(ann)}))["user_email"] == "ann@example.com"


def test_a_revoked_key_reads_nothing_more_of_what_it_has_begun_to_read(party, ann):
    project = ok(ann.post("/v1/project", json={"name": "long"}))["id"]
    for batch in range(4):
        rows = [{"id": f"{batch}-{number}", "input": f"{number}" * 1_000_000} for number in range(10)]
        ok(ann.post(f"/v1/project_logs/{project}/insert", json={"events": rows}))
    made = ok(ann.post("/v1/api_key", json={"name": "reader"}))
    query = {"query": f"select: input | from: project_logs('{project}')", "fmt": "jsonl", "disable_limit": True}

    with party.client(made["key"]).stream("POST", "/btql", json=query, headers={"accept-encoding": "identity"}) as told:
        pieces = told.iter_raw()
        assert len(next(pieces)) > 0
        ok(ann.delete(f"/v1/api_key/{made['id']}"))
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
