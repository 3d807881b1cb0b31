"""What ``braintrust push`` and ``project.publish()`` send, and what is refused because it would have to be run."""

from __future__ import annotations

import pytest


@pytest.fixture
def push(client, project):
    """Send functions as the SDKs define them."""

    def push(*functions):
        place = {"project_id": project["id"]}
        return client.post("/insert-functions", json={"functions": [{**place, **each} for each in functions]})

    return push


def a_prompt(slug="p", **more):
    data = {"prompt": {"type": "chat", "messages": [{"role": "user", "content": "hi"}]}, "options": {"model": "m"}}
    return {"name": slug.upper(), "slug": slug, "function_data": {"type": "prompt"}, "prompt_data": data, **more}


def parameters(slug="q", **more):
    data = {"type": "parameters", "data": {"n": 1}, "__schema": {"type": "object", "properties": {}}}
    return {"name": "Q", "slug": slug, "description": "", "function_type": "parameters", "function_data": data, **more}


def listed(client, kind, project):
    return client.get(f"/v1/{kind}", params={"project_id": project["id"]}).json()["objects"]


def test_prompts_and_parameters_are_stored_together(client, project, push):
    answer = push(a_prompt(if_exists=None, metadata={"a": 1}), parameters()).json()

    (prompt,), (function,) = listed(client, "prompt", project), listed(client, "function", project)
    assert answer["status"] == "success"
    assert [one["id"] for one in answer["functions"]] == [prompt["id"], function["id"]]
    assert {one["_xact_id"] for one in answer["functions"]} == {prompt["_xact_id"]} == {function["_xact_id"]}
    assert [one["found_existing"] for one in answer["functions"]] == [False, False]
    assert prompt["prompt_data"] == a_prompt()["prompt_data"]
    assert prompt["metadata"] == {"a": 1}
    assert function["function_data"] == parameters()["function_data"]


def test_if_exists(client, project, push):
    first = push(a_prompt()).json()["functions"][0]
    ignored = push(a_prompt(if_exists="ignore", description="no")).json()["functions"][0]
    replaced = push(a_prompt(if_exists="replace", description="yes")).json()["functions"][0]

    assert ignored == {**first, "found_existing": True}
    assert replaced["id"] == first["id"]
    assert replaced["_xact_id"] > first["_xact_id"]
    (prompt,) = listed(client, "prompt", project)
    assert prompt["description"] == "yes"


@pytest.mark.parametrize("if_exists", [None, "error"])
def test_one_that_exists_spoils_all(client, project, push, if_exists):
    push(a_prompt("a"))
    answer = push(a_prompt("b"), parameters(), a_prompt("a", if_exists=if_exists))

    assert answer.status_code == 409
    assert "functions.2" in answer.json()["Message"]
    assert [one["slug"] for one in listed(client, "prompt", project)] == ["a"]
    assert listed(client, "function", project) == []


def test_inline_code_is_stored(client, project, push):
    code = {"type": "inline", "runtime_context": {"runtime": "python", "version": "3.12"}, "code": "1 + 1"}
    function = {"name": "f", "slug": "f", "function_data": {"type": "code", "data": code}, "function_type": "scorer"}
    assert push(function).status_code == 200
    (found,) = listed(client, "function", project)
    assert found["function_data"]["data"] == code


def test_environments(client, project, push):
    for slug in ("push-a", "push-b"):
        client.post("/environment", json={"name": slug, "slug": slug})
    answer = push(a_prompt(environments=["push-a", {"slug": "push-b"}]))
    assert answer.status_code == 200
    for slug in ("push-a", "push-b"):
        query = {"project_id": project["id"], "slug": "p", "environment": slug}
        assert len(client.get("/v1/prompt", params=query).json()["objects"]) == 1
    missing = push(a_prompt("z", environments=["push-c"]))
    assert missing.status_code == 400
    assert [one["slug"] for one in listed(client, "prompt", project)] == ["p"]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ({"function_data": {"type": "code", "data": {"type": "bundle", "bundle_id": "x"}}}, "no code bundle `x`"),
        ({"function_data": {}}, "function_data.type"),
        ({"function_data": None}, "functions[1].function_data"),
        ({"if_exists": "maybe"}, "functions[1].if_exists"),
        ({"slug": None}, "functions[1].slug"),
        ({"environments": [1]}, "functions[1].environments[0]"),
        ({"environments": ["e"] * 1_001}, "length <= 1000 at `functions[1].environments`"),
        ({"environment_slugs": ["e"] * 1_001}, "length <= 1000 at `functions[1].environment_slugs`"),
    ],
)
def test_what_cannot_be_pushed(client, project, push, function, words):
    answer = push(a_prompt("a"), {**a_prompt("b"), **function})
    assert answer.status_code == 400
    assert words in answer.json()["Message"]
    assert listed(client, "prompt", project) == []


@pytest.mark.parametrize(
    "path",
    [
        "/function/invoke",
        "/v1/function/00000000-0000-4000-8000-000000000000/invoke",
        "/function/code",
        "/function/sandbox-list",
    ],
)
def test_nothing_is_run(client, path):
    answer = client.post(path, json={"slug": "f", "input": 1})
    assert answer.status_code == 400
    assert "this server" in answer.json()["Message"]


def test_what_is_too_much_at_once(client, push):
    answer = push(*[a_prompt()] * 1_001)
    assert answer.status_code == 400
    assert "length <= 1000 at `functions`" in answer.json()["Message"]


def test_nothing_to_push(push):
    assert push().json() == {"status": "success", "functions": []}
