"""Every route with every kind of key: who may do what is the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import httpx
import pytest

from btql_server.access import key_text
from btql_server.access.model import Level
from btql_server.app import all_routes
from btql_server.http.routes import Route

from .samples import CONFIDENTIAL, PUBLIC, SAMPLES, Sample, World

ROUTES = {route.name: route for route in all_routes()}
UNKNOWN = ("no key", "wrong key", "revoked key", "expired key")
NOWHERE = "00000000-0000-4000-8000-000000000000"
_number = count()


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def right(party):
    """An administrator of ``acme``, to whom everything belongs that requests are about."""
    return party.join(f"{CONFIDENTIAL}@acme.example", Level.ADMIN, organization=f"{CONFIDENTIAL} acme")


@pytest.fixture(scope="module")
def world(party, right):
    def thing(kind, **spec):
        return ok(right.post(f"/v1/{kind}", json={"name": f"{CONFIDENTIAL} {next(_number)}", **spec}))["id"]

    def new_in_project(kind, spec):
        slug = {"slug": f"slug-{next(_number)}"} if "slug" in spec else {}
        return thing(kind, project_id=project, **{**spec, **slug})

    def named():
        return {"name": f"{CONFIDENTIAL} {next(_number)}", "slug": f"slug-{next(_number)}"}

    def key():
        return ok(right.post("/v1/api_key", json={"name": CONFIDENTIAL, "user_id": user}))["id"]

    def token():
        return ok(right.post("/v1/service_token", json={"name": CONFIDENTIAL, "service_account_id": account}))["id"]

    def grant(permission="update", project_id=None):
        body = {
            "object_type": "project",
            "object_id": project_id or thing("project"),
            "user_id": user,
            "permission": permission,
        }
        return ok(right.post("/v1/acl", json=body))["id"]

    def permission():
        grant("create_acls", project)
        return "create_acls"

    def prompt():
        return thing("prompt", project_id=project, slug=f"slug-{next(_number)}")

    def pinned():
        found = prompt()
        path = f"/environment-object/prompt/{found}/{environment['slug']}"
        ok(right.put(path, json={"object_version": xact()}))
        return found

    def xact():
        return right.get("/xact-id").text

    def snapshot():
        return thing("dataset_snapshot", dataset_id=known["dataset"], xact_id=xact())

    def job():
        return ok(right.post("/btql/async", json={"query": f"select: * | from: project_logs('{project}')"}))["id"]

    invited = {"emails": [f"{CONFIDENTIAL}.user@acme.example"], "service_accounts": [{"name": CONFIDENTIAL}]}
    added = ok(right.patch("/v1/organization/members", json={"invite_users": invited}))["added_users"]
    environment = ok(right.post("/environment", json=named()))
    user, account = (each["id"] for each in added)
    project = thing("project")
    known = {
        "organization": ok(right.get("/v1/organization"))["objects"][0]["id"],
        "user": user,
        "account": account,
        "project": project,
        "experiment": thing("experiment", project_id=project, name=f"{CONFIDENTIAL} experiment"),
        "dataset": thing("dataset", project_id=project),
        "key": key(),
        "token": token(),
        "grant": grant("read_acls", project),
        "environment": environment["id"],
        "environment_slug": environment["slug"],
    }
    in_project = {
        "function": {"slug": "f", "function_data": {"type": "prompt"}},
        "project_score": {"score_type": "slider"},
        "project_tag": {},
        "span_iframe": {"url": "https://example.com"},
        "prompt_session": {},
    }
    known |= {kind: thing(kind, project_id=project, **spec) for kind, spec in in_project.items()}
    view = {"object_type": "project", "object_id": project, "view_type": "logs"}
    known |= {"prompt": pinned(), "view": thing("view", **view), "dataset_snapshot": snapshot(), "job": job()}
    makers = {
        "new_project": lambda: thing("project"),
        "new_experiment": lambda: thing("experiment", project_id=project),
        "new_dataset": lambda: thing("dataset", project_id=project),
        "new_environment": lambda: ok(right.post("/environment", json=named()))["id"],
        "new_prompt": prompt,
        "new_pinned": pinned,
        "new_dataset_snapshot": snapshot,
        "new_view": lambda: thing("view", **view),
        "new_job": job,
        "xact": xact,
        "new_key": key,
        "new_token": token,
        "new_grant": grant,
        "new_permission": permission,
    }
    makers |= {f"new_{kind}": partial(new_in_project, kind, spec) for kind, spec in in_project.items()}
    return World(known, makers)


@pytest.fixture(autouse=True)
def answer_in_the_background(request, world):
    """Have one that is there: a purge, of which there is a route, removes all of them."""
    if "/btql/async" in request.node.name:
        world["job"] = world["new_job"]


@pytest.fixture(scope="module")
def keys(party, right, world):
    """Kind of key to a client that sends it."""
    acme = f"{CONFIDENTIAL} acme"
    ok(right.post("/v1/project", json={"name": "another project"}))
    revoked, expired = (ok(right.post("/v1/api_key", json={"name": "x"})) for _ in range(2))
    ok(right.delete(f"/v1/api_key/{revoked['id']}"))
    late = party.key("late@acme.example", Level.ADMIN, organization=acme, expires_at=datetime.now(UTC) - timedelta(1))
    del expired
    nobody = httpx.Client(base_url=party.url, timeout=60)
    yield {
        "no key": nobody,
        "wrong key": party.client(key_text.new_key()),
        "revoked key": party.client(revoked["key"]),
        "expired key": party.client(late.text),
        "other organization": party.join("other@elsewhere.example", Level.ADMIN, organization="elsewhere"),
        "other project": party.join("narrow@acme.example", organization=acme, project="another project"),
        "read only": party.join("reader@acme.example", Level.READ, organization=acme),
        "write": party.join("writer@acme.example", Level.WRITE, organization=acme),
        "right": right,
    }
    nobody.close()


def expected(sample: Sample, kind: str) -> int:
    """Return the status that a kind of key is answered."""
    if kind in UNKNOWN:
        return 401
    if kind in sample.otherwise:
        return sample.otherwise[kind]
    levels = {"other project": Level.WRITE, "read only": Level.READ, "write": Level.WRITE}
    is_there = kind in ("read only", "write", "right") or sample.on == "nothing"
    is_there = is_there or (sample.on == "organization" and kind == "other organization")
    return sample.status if is_there and levels.get(kind, Level.ADMIN) >= sample.level else 403


def path_of(route: Route, values: Mapping[str, str]) -> str:
    return route.path.replace(":path}", "}").format_map(values)


def send(client: httpx.Client, route: Route, sample: Sample, world: World) -> httpx.Response:
    path = path_of(route, world.fill(sample.path))
    headers, params, body = world.fill(sample.headers), world.fill(sample.params), world.fill(sample.body)
    if isinstance(body, bytes):
        return client.request(route.method, path, headers=headers, params=params, content=body)
    if body is None:
        return client.request(route.method, path, headers=headers, params=params)
    return client.request(route.method, path, headers=headers, params=params, json=body)


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if not route.public])
def test_a_route_and_every_kind_of_key(keys, world, name):
    assert name in SAMPLES, f"say in samples.py what `{name}` takes"
    route, sample = ROUTES[name], SAMPLES[name]

    answers = {kind: send(client, route, sample, world) for kind, client in keys.items()}

    found = {kind: answer.status_code for kind, answer in answers.items()}
    assert found == {kind: expected(sample, kind) for kind in keys}, answers["right"].text
    for kind in UNKNOWN:
        assert answers[kind].headers["content-type"].startswith("text/plain")
        assert answers[kind].headers["www-authenticate"] == "Bearer"
    for kind in ("other organization", "other project"):
        if answers[kind].status_code == 200 and sample.on == "nothing":
            assert_tells_nothing(world, answers[kind], kind)


def assert_tells_nothing(world, answer, kind):
    """What is another organization's, or in a project that the key is not for, is not in an answer."""
    if kind == "other organization":
        assert CONFIDENTIAL not in answer.text
    own = () if kind == "other organization" else ("organization",)
    ids = {name: known for name, known in world.items() if len(known) == len(NOWHERE) and name not in own}
    assert not [name for name, known in ids.items() if known in answer.text]


@pytest.mark.parametrize(
    "name",
    [name for name, sample in SAMPLES.items() if name.startswith("GET") and sample.on == "thing" and sample.path],
)
def test_what_is_not_there_is_refused_as_what_is_secret(keys, world, name):
    """So nobody learns by guessing which ids there are."""
    route, sample, stranger = ROUTES[name], SAMPLES[name], keys["other organization"]
    path = world.fill(sample.path)
    nowhere = {key: NOWHERE if len(value) == len(NOWHERE) else value for key, value in path.items()}

    secret = send(stranger, route, sample, world)
    missing = stranger.request(route.method, path_of(route, nowhere), params=sample.params)

    assert (secret.status_code, missing.status_code) == (403, 403)
    told = secret.json()["Message"]
    for value in path.values():
        told = told.replace(value, NOWHERE) if len(value) == len(NOWHERE) else told
    assert told == missing.json()["Message"]


def test_each_sample_is_of_a_route():
    assert set(SAMPLES) <= set(ROUTES)


def test_routes_without_a_key_are_few():
    assert {name for name, route in ROUTES.items() if route.public} == set(PUBLIC)


@pytest.mark.parametrize("name", [name for name in PUBLIC if "{token}" in name])
def test_an_address_that_nobody_signed_is_refused(party, name):
    method, path = name.split(" ")
    for token in ("x", "eyJhIjoxfQ.c2ln", "..%2f..%2fetc", "é"):
        answer = httpx.request(method, party.url + path.format(token=token), content=b"x" if method == "PUT" else None)
        assert answer.status_code in (403, 404), answer.text


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic abc", "bearer sk-x", "Token {key}", "{key}", "Bearer {key} more", "Bearer {key}x"],
)
def test_other_ways_to_send_a_key(party, header):
    key = party.key("ann@example.com").text
    answer = httpx.get(f"{party.url}/v1/project", headers={"authorization": header.format(key=key)})
    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["Bearer {key}", "bearer {key}", "BEARER   {key}"])
def test_ways_to_send_a_key(party, header):
    key = party.key("ann@example.com").text
    answer = httpx.get(f"{party.url}/v1/project", headers={"authorization": header.format(key=key)})
    assert answer.status_code == 200
