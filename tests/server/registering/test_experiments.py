"""Experiments: names of their own, bases, and both dialects."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def evaluate(client, project):
    """Make an experiment as newer SDKs do."""

    def evaluate(name: str | None = "ev", **more: object):
        body = {"project_id": project["id"], "name": name, "ensure_new": True, "public": False, **more}
        answer = client.post("/v1/experiment", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return evaluate


@pytest.fixture
def register(client, project):
    """Make an experiment as older SDKs do."""

    def register(**more: object):
        body = {"project_name": project["name"], "project_id": None, "update": None, "public": False, **more}
        return client.post("/api/experiment/register", json=body)

    return register


def base_of(client, experiment):
    answer = client.post("/api/base_experiment/get_id", json={"id": experiment["id"]})
    return answer.json()["base_exp_id"] if answer.status_code == 200 else None


def test_a_name_that_is_taken_gets_eight_digits(evaluate):
    first, second, third = evaluate(), evaluate(), evaluate()
    assert first["name"] == "ev"
    assert re.fullmatch(r"ev-[0-9a-f]{8}", second["name"])
    assert re.fullmatch(r"ev-[0-9a-f]{8}", third["name"])
    assert len({each["id"] for each in (first, second, third)}) == 3


def test_the_longest_name_gets_them_too(evaluate):
    evaluate("x" * 4_096)
    assert re.fullmatch(r"x{4087}-[0-9a-f]{8}", evaluate("x" * 4_096)["name"])


def test_many_evaluations_at_once_are_all_their_own(evaluate):
    with ThreadPoolExecutor(10) as threads:
        made = list(threads.map(lambda _: evaluate("parallel"), range(30)))
    assert len({each["id"] for each in made}) == len({each["name"] for each in made}) == 30


@pytest.mark.parametrize("ensure_new", [False, None])
def test_unless_a_new_one_is_wanted_the_existing_one_is_returned_unmodified(client, evaluate, project, ensure_new):
    first = evaluate(description="first")
    body = {"project_id": project["id"], "name": "ev", "description": "second", "ensure_new": ensure_new}
    answer = client.post("/v1/experiment", json=body)
    assert answer.headers["x-bt-found-existing"] == "true"
    assert answer.json() == first


def test_names_are_invented(evaluate):
    assert re.fullmatch(r"experiment-[0-9a-f]{8}", evaluate(None)["name"])
    assert re.fullmatch(r"main-[0-9a-f]{8}", evaluate(None, repo_info={"branch": "main"})["name"])
    assert evaluate(None)["id"] != evaluate(None)["id"]


def test_what_is_said_comes_back(client, evaluate):
    said = {
        "description": "d",
        "repo_info": {"commit": "c1", "branch": "main", "dirty": False},
        "dataset_id": "8f9e3f2c-0000-4000-8000-000000000001",
        "dataset_version": "1000198244757536772",
        "internal_metadata": {"dataset_filter": "x"},
        "parameters_id": "8f9e3f2c-0000-4000-8000-000000000002",
        "parameters_version": "1000198244757536773",
        "public": True,
        "metadata": {"model": "m"},
        "tags": ["a", "b"],
    }
    made = evaluate(**said)
    assert made == made | said | {"commit": "c1"}
    assert client.get(f"/v1/experiment/{made['id']}").json() == made


def test_an_explicit_base_is_echoed(client, evaluate):
    base, _, own = evaluate("base"), evaluate("between"), None
    own = evaluate("own", base_exp_id=base["id"])
    assert own["base_exp_id"] == base["id"]
    answer = client.post("/api/base_experiment/get_id", json={"id": own["id"]})
    assert answer.json() == {"base_exp_id": base["id"], "base_exp_name": "base"}


@pytest.mark.parametrize("base", ["00000000-0000-4000-8000-000000000000", "x", ""])
def test_an_unknown_base_is_refused_in_the_words_that_sdks_know(client, evaluate, project, base):
    made = evaluate("before")
    before = client.get("/v1/experiment", params={"project_id": project["id"]}).json()
    for request in (
        lambda: client.post("/v1/experiment", json={"project_id": project["id"], "name": "own", "base_exp_id": base}),
        lambda: client.put("/v1/experiment", json={"project_id": project["id"], "name": "before", "base_exp_id": base}),
        lambda: client.patch(f"/v1/experiment/{made['id']}", json={"base_exp_id": base}),
        lambda: client.post("/api/experiment/register", json={"project_name": "none yet", "base_exp_id": base}),
    ):
        answer = request()
        assert answer.status_code == 400
        assert "base experiment" in answer.text
    assert client.get("/v1/experiment", params={"project_id": project["id"]}).json() == before
    assert client.get("/v1/project", params={"project_name": "none yet"}).json() == {"objects": []}


def test_the_latest_one_before_is_the_base(client, evaluate):
    first, second = evaluate("first"), evaluate("second")
    third = evaluate("third")
    assert base_of(client, first) is None
    assert base_of(client, second) == first["id"]
    assert base_of(client, third) == second["id"]
    client.delete(f"/v1/experiment/{second['id']}")
    assert base_of(client, third) == first["id"]


def test_an_experiment_at_an_ancestor_is_the_base(client, evaluate):
    evaluate("at c2, first", repo_info={"commit": "c2"})
    at_c2 = evaluate("at c2", commit="c2")
    at_c1 = evaluate("at c1", repo_info={"commit": "c1"})
    latest = evaluate("elsewhere", repo_info={"commit": "d1"})
    assert evaluate("own", ancestor_commits=["c3", "c2", "c1"])["base_exp_id"] == at_c2["id"]
    assert evaluate("own", ancestor_commits=["c1", "c2"])["base_exp_id"] == at_c1["id"]
    assert evaluate("own", ancestor_commits=["c2"], base_exp_id=latest["id"])["base_exp_id"] == latest["id"]
    unrelated = evaluate("unrelated", ancestor_commits=["e1", "e0"])
    assert unrelated["base_exp_id"] is None
    assert base_of(client, unrelated) is not None


def test_register_makes_the_project_and_names_of_their_own(client):
    body = {
        "project_name": "registered for experiments",
        "experiment_name": "ev",
        "ancestor_commits": [],
        "update": None,
    }
    first = client.post("/api/experiment/register", json=body).json()
    second = client.post("/api/experiment/register", json=body).json()
    assert first["project"] == second["project"]
    assert first["found_existing"] is second["found_existing"] is False
    assert first["experiment"]["name"] == "ev"
    assert re.fullmatch(r"ev-[0-9a-f]{8}", second["experiment"]["name"])


def test_register_with_update_goes_on(register):
    first = register(experiment_name="ev", update=True).json()
    again = register(experiment_name="ev", update=True, description="not set").json()
    assert first["found_existing"] is False
    assert again == first | {"found_existing": True}


def test_register_with_a_base_by_name(client, register):
    base = register(experiment_name="base").json()["experiment"]
    register(experiment_name="between")
    own = register(experiment_name="own", base_experiment="base").json()["experiment"]
    assert own["base_exp_id"] == base["id"] == base_of(client, own)
    unknown = register(experiment_name="own2", base_experiment="no such")
    assert unknown.status_code == 400
    assert "base experiment" in unknown.text
    # What SDKs do then.
    assert register(experiment_name="own2").json()["experiment"]["name"] == "own2"


def test_open(client, evaluate, project):
    made = evaluate("to open")
    search = {"experiment_name": "to open", "project_name": project["name"], "project_id": None, "org_name": "default"}
    assert client.post("/api/experiment/get", json=search).json() == [made]
    by_id = search | {"project_name": None, "project_id": project["id"]}
    assert client.post("/api/experiment/get", json=by_id).json() == [made]
    assert client.post("/api/experiment/get", json=search | {"experiment_name": "none"}).json() == []
    assert client.post("/api/experiment/get", json=search | {"project_name": "none"}).json() == []
    assert client.post("/api/experiment/get", json={"id": made["id"]}).json() == [made]
    assert client.post("/api/experiment/get", json={"project_name": project["name"]}).status_code == 400
    parameters = {"experiment_name": "to open", "project_name": project["name"], "org_name": "default"}
    assert client.get("/v1/experiment", params=parameters).json() == {"objects": [made]}


def test_no_base_is_a_400(client, evaluate):
    only = evaluate("only")
    answer = client.post("/api/base_experiment/get_id", json={"id": only["id"]})
    assert answer.status_code == 400
    assert "no base experiment" in answer.json()["Message"]
