"""How long a summary takes that compares two evaluations of 10,000 rows: 2,500 cases with a task, a call and a scorer.

Measured through a real server on loopback, whose other processes go on compacting the rows meanwhile. Then:
registering, as each process of an SDK does it once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import httpx
import pytest
from server_support.serving import btql_serve

CASES = 2_500


def rows(experiment: str, seed: int) -> Iterator[dict[str, object]]:
    """Yield the rows of an evaluation."""
    drawn = random.Random(seed)
    for number in range(CASES):
        root = f"{experiment}-{number}"
        place = {"experiment_id": experiment, "root_span_id": root}
        times = {"start": 1e9 + number, "end": 1e9 + number + drawn.random()}
        below = {**place, "span_parents": [root], "metrics": times}
        case = {"id": root, "span_id": root, "metrics": times, "span_attributes": {"name": "eval", "type": "eval"}}
        yield {
            **place,
            **case,
            "input": {"question": f"What is {number}?"},
            "output": "It is. " * 30,
            "expected": number,
        }
        yield {**below, "id": f"{root}-t", "span_id": f"{root}-t", "span_attributes": {"name": "task", "type": "task"}}
        tokens = {**times, "prompt_tokens": drawn.randint(10, 900), "completion_tokens": drawn.randint(1, 90)}
        call = {"id": f"{root}-c", "span_id": f"{root}-c", "span_attributes": {"name": "call", "type": "llm"}}
        yield {**below, **call, "metrics": tokens, "metadata": {"model": "gpt-4o-mini"}}
        scorer = {"name": "judge", "type": "score", "purpose": "scorer"}
        scores = {"exact": drawn.randint(0, 1), "near": drawn.random()}
        yield {**below, "id": f"{root}-s", "span_id": f"{root}-s", "span_attributes": scorer, "scores": scores}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A client, and the address of a summary."""
    folder = tmp_path_factory.mktemp("summaries")
    with (
        btql_serve(folder / "db", "--insecure-no-auth") as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
    ):
        own = ""
        for seed in (1, 2):
            body = {"project_name": "bench", "experiment_name": "evaluation", "update": None}
            own = client.post("/api/experiment/register", json=body).json()["experiment"]["id"]
            batch = list(rows(own, seed))
            for start in range(0, len(batch), 1_000):
                answer = client.post("/logs3", json={"rows": batch[start : start + 1_000], "api_version": 2})
                assert answer.status_code == 200
        yield client, f"/v1/experiment/{own}/summarize?summarize_scores=true"


def test_summary(benchmark, evaluated):
    client, address = evaluated
    summary = benchmark(lambda: client.get(address)).json()
    assert summary["scores"]["near"]["improvements"] + summary["scores"]["near"]["regressions"] == CASES


def test_register(benchmark, evaluated):
    client, _ = evaluated
    body = {"project_name": "bench", "experiment_name": "evaluation", "update": True}
    answer = benchmark(lambda: client.post("/api/experiment/register", json=body))
    assert answer.json()["found_existing"] is True


def test_register_a_new_one(benchmark, evaluated):
    client, _ = evaluated
    body = {"project_name": "bench", "experiment_name": "new"}
    answer = benchmark(lambda: client.post("/api/experiment/register", json=body))
    assert answer.json()["found_existing"] is False
