"""Prompts: made over REST, loaded by each SDK, in their newest and in older versions."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def prompt_data(text: str, **params: object) -> dict:
    return {
        "prompt": {"type": "chat", "messages": [{"role": "user", "content": text}]},
        "options": {"model": "gpt-5-nano", "params": params},
    }


def pretty(version: str) -> str:
    """Return the short form of a version, as the SDKs write it."""
    return f"{int(version) * 205_891_132_094_649 % 2**64:016x}"


@pytest.fixture
def versions(api, project):
    """A prompt with two versions."""
    project_id = api.post("/v1/project", {"name": project})["id"]
    body = {"project_id": project_id, "name": "Weather", "slug": "weather", "description": "of a city"}
    first = api.post("/v1/prompt", body | {"prompt_data": prompt_data("Weather in {{city}}?", temperature=0)})
    answer = api.http.patch(
        f"/v1/prompt/{first['id']}", json={"prompt_data": prompt_data("Is it dry in {{city}}?", temperature=1)}
    )
    assert answer.status_code == 200, answer.text
    return first, answer.json()


def test_prompts_are_loaded_by_slug_and_version(api, sdk, project, versions):
    first, second = versions
    assert int(first["_xact_id"]) < int(second["_xact_id"])
    said = sdk.run(api, "prompts", project, "weather", first["_xact_id"])
    newest, pinned = said["newest"], said["pinned"]
    for prompt, source in ((newest, second), (pinned, first)):
        assert prompt["id"] == prompt["prompt_id"] == source["id"]
        assert (prompt["name"], prompt["slug"]) == ("Weather", "weather")
        assert prompt["version"] == source["_xact_id"]
        assert prompt["model"] == "gpt-5-nano"
    assert newest["messages"] == [{"role": "user", "content": "Is it dry in Ulm?"}]
    assert pinned["messages"] == [{"role": "user", "content": "Weather in Ulm?"}]
    assert pinned["temperature"] == 0
    assert newest["temperature"] == 1
    assert "nobody-wrote-this" in said["missing"]
    if sdk.version != "0.0.203":
        # Versions in the short form that people see, and what each of them says.
        assert said["versions"] == {
            pretty(second["_xact_id"]): "Is it dry in Ulm?",
            pretty(first["_xact_id"]): "Weather in Ulm?",
        }


def test_a_span_says_which_prompt_it_used(api, sdk, project, versions):
    first, second = versions
    said = sdk.run(api, "prompts", project, "weather", first["_xact_id"])
    (row,) = api.query(f"select: metadata.prompt as prompt | from: project_logs('{said['project_id']}')")
    assert row["prompt"]["id"] == first["id"]
    assert row["prompt"]["version"] == second["_xact_id"]
    assert row["prompt"]["variables"] == {"city": "Bonn"}


@pytest.mark.parametrize("language", ["newest_python", "js_sdk"])
def test_published_prompts_in_environments(api, request, project, language):
    environment = f"{project} env"
    api.post("/environment", {"name": environment, "slug": environment})
    said = request.getfixturevalue(language).run(api, "publish", project, environment)
    assert said["greetings"] == ["Hello Ada", "Bye Ada", "Hello Ada"]
    assert said["rows"] == [["a"], ["a", "b"]]
    if language == "newest_python":
        assert said["settings"] == ["Hello {{name}}", "Bye {{name}}", "Hello {{name}}"]
    (prompt,) = api.http.get("/v1/prompt", params={"project_name": project}).json()["objects"]
    assert (prompt["metadata"], prompt["tags"]) == ({"team": "a"}, ["polite"])
