"""Registering with several processes at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from server_support.processes import children
from server_support.serving import btql_serve


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    with btql_serve(folder / "db", "--insecure-no-auth", "--workers", "2") as server:
        assert len([name for name in children(server.pid) if name.startswith("worker")]) == 2
        yield server.url


def at_once(url, path, body, times):
    """Return the answers to a request, sent by as many clients as there are times."""
    with ThreadPoolExecutor(20) as threads:
        # Each on a connection of its own, so that both workers get some.
        answers = list(threads.map(lambda _: httpx.post(url + path, json=body, timeout=60, verify=False), range(times)))
    assert {answer.status_code for answer in answers} == {200}
    return answers


def test_a_hundred_registrations_make_one_project(workers):
    answers = at_once(workers, "/v1/project", {"name": "one"}, 100)
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("x-bt-found-existing" not in answer.headers for answer in answers) == 1


def test_evaluations_at_once_are_all_their_own(workers):
    body = {"project_name": "evaluated at once", "experiment_name": "ev"}
    answers = [answer.json() for answer in at_once(workers, "/api/experiment/register", body, 40)]
    assert len({answer["project"]["id"] for answer in answers}) == 1
    assert len({answer["experiment"]["id"] for answer in answers}) == 40
    assert len({answer["experiment"]["name"] for answer in answers}) == 40
    assert sum(answer["experiment"]["name"] == "ev" for answer in answers) == 1


def test_what_one_worker_makes_every_other_one_finds(workers):
    body = {"project_name": "of two workers", "dataset_name": "d"}
    made = httpx.post(f"{workers}/api/dataset/register", json=body, timeout=60)
    assert made.status_code == 200, made.text
    dataset = made.json()["dataset"]
    address = f"{workers}/v1/dataset/{dataset['id']}"
    for _ in range(20):
        assert httpx.get(address, timeout=60).json() == dataset
    assert httpx.delete(address, timeout=60).status_code == 200
    for _ in range(20):
        assert httpx.get(address, timeout=60).status_code == 403
