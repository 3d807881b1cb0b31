"""Environments, and versions of datasets, prompts and functions in them."""

from __future__ import annotations

from itertools import count

import pytest

from btql_server.registry.store import Registry

NOWHERE = "00000000-0000-4000-8000-000000000000"
_NUMBERS = count(1)


@pytest.fixture
def environment(client):
    """The slug of an environment of its own."""
    number = next(_NUMBERS)
    answer = client.post("/environment", json={"name": f"Environment {number}", "slug": f"env-{number}"})
    assert answer.status_code == 200, answer.text
    return answer.json()["slug"]


@pytest.fixture
def prompt(client, project):
    """Two versions of a prompt."""
    spec = {"project_id": project["id"], "name": "p", "slug": "p"}
    return [client.put("/v1/prompt", json={**spec, "description": text}).json() for text in ("one", "two")]


def pin(client, kind, entity_id, environment, version):
    return client.put(f"/environment-object/{kind}/{entity_id}/{environment}", json={"object_version": version})


def test_an_environment_is_made_once_by_slug(client):
    spec = {"name": "Production", "slug": "once", "description": "d", "org_name": "default"}
    first = client.post("/environment", json=spec)
    again = client.post("/environment", json={**spec, "name": "Other"})

    assert set(first.json()) == {"id", "org_id", "name", "slug", "description", "created", "deleted_at"}
    assert again.json() == first.json()
    assert again.headers["x-bt-found-existing"] == "true"
    one = f"/environment/{first.json()['id']}"
    assert client.get(one).json() == first.json()
    assert client.get("/environment", params={"name": "Production"}).json()["objects"] == [first.json()]
    assert client.get("/environment", params={"name": "Productio"}).json()["objects"] == []
    assert client.get("/environment", params={"ids": first.json()["id"]}).json()["objects"] == [first.json()]
    changed = client.patch(one, json={"name": "Prod", "slug": "renamed"}).json()
    assert changed == {**first.json(), "name": "Prod", "slug": "renamed"}
    assert client.delete(one).json()["deleted_at"] is not None
    assert client.get(one).status_code == 403


def test_a_prompt_in_an_environment(client, project, prompt, environment, compact):
    one, two = prompt
    of_project = {"project_id": project["id"], "slug": "p", "environment": environment}
    nothing = client.get(f"/v1/prompt/{one['id']}", params={"environment": environment})
    assert nothing.status_code == 400
    assert f"environment `{environment}`" in nothing.json()["Message"]
    assert client.get("/v1/prompt", params=of_project).json() == {"objects": []}

    answer = pin(client, "prompt", one["id"], environment, one["_xact_id"])
    compact()
    assert answer.json()["object_version"] == one["_xact_id"]
    assert client.get(f"/v1/prompt/{one['id']}", params={"environment": environment}).json() == one
    assert client.get("/v1/prompt", params=of_project).json() == {"objects": [one]}
    # A version goes before an environment.
    both = {"environment": environment, "version": two["_xact_id"]}
    assert client.get(f"/v1/prompt/{one['id']}", params=both).json() == two

    pin(client, "prompt", one["id"], environment, two["_xact_id"])
    assert client.get(f"/v1/prompt/{one['id']}", params={"environment": environment}).json() == two


def test_the_registry_is_asked_once_for_the_versions_of_a_list(client, project, environment, monkeypatch):
    of_project = {"project_id": project["id"]}
    asked = []
    rows_of = Registry.rows
    pinned, counts = [], []
    for names in ("ab", "cdef"):
        for name in names:
            spec = {**of_project, "name": name, "slug": name}
            one, _ = (client.put("/v1/prompt", json={**spec, "description": text}).json() for text in ("one", "two"))
            if name != "e":
                pin(client, "prompt", one["id"], environment, one["_xact_id"])
                pinned.insert(0, one)
        asked.clear()
        with monkeypatch.context() as patched:
            patched.setattr(Registry, "rows", lambda *given: asked.append(given) or rows_of(*given))
            found = client.get("/v1/prompt", params={"environment": environment, **of_project}).json()
        assert found["objects"] == pinned
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0


def test_pins_are_read_listed_and_taken_away(client, prompt, environment):
    one = prompt[0]
    pinned = pin(client, "prompt", one["id"], environment, one["_xact_id"]).json()
    path = f"/environment-object/prompt/{one['id']}"

    keys = {"object_type": "prompt", "object_id": one["id"], "environment_slug": environment}
    assert keys.items() <= pinned.items()
    assert client.get(f"{path}/{environment}", params={"org_name": "default"}).json() == pinned
    assert client.get(path).json() == {"objects": [pinned]}
    assert client.delete(f"{path}/{environment}").json() == pinned
    assert client.get(path).json() == {"objects": []}
    gone = client.get(f"{path}/{environment}")
    assert gone.status_code == 400
    assert "no version" in gone.json()["Message"]
    assert client.delete(f"{path}/{environment}").status_code == 400


def test_post_does_not_replace(client, prompt, environment):
    one, two = prompt
    path = f"/environment-object/prompt/{one['id']}"
    body = {"environment_slug": environment, "object_version": one["_xact_id"]}

    assert client.post(path, json=body).json()["object_version"] == one["_xact_id"]
    again = client.post(path, json={**body, "object_version": two["_xact_id"]})
    assert again.status_code == 409
    assert "PUT" in again.json()["Message"]
    assert client.get(f"{path}/{environment}").json()["object_version"] == one["_xact_id"]


def test_a_dataset_in_an_environment_as_sdks_ask(client, project, environment, compact):
    dataset = client.post("/v1/dataset", json={"project_id": project["id"], "name": "d"}).json()
    path = f"/environment-object/dataset/{dataset['id']}/{environment}"
    assert client.get(path).status_code == 400

    insert(client, dataset, {"id": "a", "input": 1, "expected": 1})
    version = client.get("/xact-id").text
    pin(client, "dataset", dataset["id"], environment, version)
    insert(client, dataset, {"id": "a", "input": 2, "expected": 2}, {"id": "b", "input": 2, "expected": 2})
    compact()

    found = client.get(path, params={"org_name": "default"}).json()["object_version"]
    assert found == version
    events = client.post(f"/v1/dataset/{dataset['id']}/fetch", json={"limit": 10, "version": found}).json()["events"]
    assert [(event["id"], event["input"]) for event in events] == [("a", 1)]


def test_a_new_prompt_goes_into_environments(client, project, environment):
    spec = {"project_id": project["id"], "name": "n", "slug": "s", "environment_slugs": [environment]}
    made = client.post("/v1/prompt", json=spec).json()
    client.patch(f"/v1/prompt/{made['id']}", json={"description": "later"})

    assert client.get(f"/v1/prompt/{made['id']}", params={"environment": environment}).json() == made


def test_an_environment_made_anew_is_empty(client, prompt, environment):
    one = prompt[0]
    pin(client, "prompt", one["id"], environment, one["_xact_id"])
    (found,) = [each for each in client.get("/environment").json()["objects"] if each["slug"] == environment]
    client.delete(f"/environment/{found['id']}")

    path = f"/environment-object/prompt/{one['id']}"
    assert client.get(f"{path}/{environment}").status_code == 400
    assert client.get(path).json() == {"objects": []}
    client.post("/environment", json={"name": "anew", "slug": environment})
    assert client.get(f"{path}/{environment}").status_code == 400


def test_a_renamed_environment_keeps_what_is_in_it(client, prompt, environment):
    one = prompt[0]
    pin(client, "prompt", one["id"], environment, one["_xact_id"])
    (found,) = [each for each in client.get("/environment").json()["objects"] if each["slug"] == environment]
    client.patch(f"/environment/{found['id']}", json={"slug": f"{environment}-2"})

    assert client.get(f"/v1/prompt/{one['id']}", params={"environment": f"{environment}-2"}).json() == one


@pytest.mark.parametrize("slug", ["prod 1", "naïve-日本語", "50%", "a?b=c#d", "a/b", "/"])
def test_hostile_slugs(client, prompt, slug):
    from urllib.parse import quote

    one = prompt[0]
    client.post("/environment", json={"name": slug, "slug": slug})
    path = f"/environment-object/prompt/{one['id']}/{quote(slug, safe='')}"

    assert client.put(path, json={"object_version": one["_xact_id"]}).json()["environment_slug"] == slug
    assert client.get(path).json()["environment_slug"] == slug
    assert client.get(f"/v1/prompt/{one['id']}", params={"environment": slug}).json() == one


@pytest.mark.parametrize(
    "refused",
    [
        ("prompt", NOWHERE, "1000197156530206022", 403, "does not exist"),
        ("experiment", NOWHERE, "1000197156530206022", 400, "dataset, prompt, function"),
        ("prompt", "nonsense", "1000197156530206022", 400, "UUID"),
        ("prompt", None, "1", 400, "did not exist at version"),
        ("prompt", None, "9000197156530206022", 400, "last transaction"),
        ("prompt", None, "latest", 400, "no version"),
        ("prompt", None, None, 400, "object_version"),
    ],
)
def test_what_cannot_be_pinned(client, prompt, environment, refused):
    kind, entity_id, version, status, words = refused
    answer = pin(client, kind, entity_id or prompt[0]["id"], environment, version)
    assert answer.status_code == status
    assert words in answer.json()["Message"]


def test_an_unknown_environment(client, prompt):
    answer = pin(client, "prompt", prompt[0]["id"], "nowhere", prompt[0]["_xact_id"])
    assert answer.status_code == 400
    assert "no environment `nowhere`" in answer.json()["Message"]


def insert(client, dataset, *rows):
    answer = client.post(f"/v1/dataset/{dataset['id']}/insert", json={"events": list(rows)})
    assert answer.status_code == 200, answer.text


def test_an_environment_that_is_missing_leaves_no_version_behind(client, project, btql):
    place = {"project_id": project["id"], "name": "n", "slug": "s"}
    wrong = {**place, "prompt_data": {"turn": 2}, "environment_slugs": ["no such"]}
    pushed = {**place, "function_data": {"type": "prompt"}, "if_exists": "replace", "environments": ["no such"]}

    assert client.post("/v1/prompt", json=wrong).status_code == 400
    assert btql(f"select: id | from: project_prompts('{project['id']}')") == []
    made = client.post("/v1/prompt", json={**place, "prompt_data": {"turn": 1}}).json()
    assert client.put("/v1/prompt", json=wrong).status_code == 400
    assert client.post("/insert-functions", json={"functions": [pushed]}).status_code == 400
    assert client.get(f"/v1/prompt/{made['id']}").json() == made
