"""Summaries and comparisons against numbers that plain Python computes from the same events."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import chain
from statistics import fmean
from urllib.parse import quote
from uuid import uuid4

import pytest


@pytest.fixture
def experiment(client, project):
    """Make an experiment of its own."""

    def experiment(name: str = "ev", **more: object):
        body = {"project_id": project["id"], "name": name, "ensure_new": True, **more}
        return client.post("/v1/experiment", json=body).json()

    return experiment


@pytest.fixture
def log(client):
    """Write events to an experiment as SDKs do."""

    def log(target, events):
        events = list(events)
        for start in range(0, len(events), 500):
            rows = [{"experiment_id": target["id"], **event} for event in events[start : start + 500]]
            answer = client.post("/logs3", json={"rows": rows, "api_version": 2})
            assert answer.status_code == 200, answer.text

    return log


@pytest.fixture
def summarize(client):
    def summarize(target, **parameters):
        parameters = {"summarize_scores": "true", **parameters}
        answer = client.get(f"/v1/experiment/{target['id']}/summarize", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return summarize


def trace(case, scores=(), *, start=0.0, origin=None, dataset="d", tokens=(), root_scores=None):
    """Return one case of an evaluation: a root, an LLM call for each count of tokens, a span for each scorer."""
    root = uuid4().hex
    events = [
        {
            "id": root,
            "span_id": root,
            "root_span_id": root,
            "input": case,
            "output": "o" * 300,
            "scores": root_scores,
            "metrics": {"start": start, "end": start + 2},
            "span_attributes": {"name": "eval", "type": "eval"},
            "origin": None
            if origin is None
            else {"object_type": "dataset", "object_id": dataset, "id": origin, "_xact_id": "1000198244757536772"},
        }
    ]
    child = {"root_span_id": root, "span_parents": [root]}
    for count in tokens:
        times = {"start": start + 0.5, "end": start + 1}
        metrics = {"prompt_tokens": count, "completion_tokens": 2 * count, "custom": 3, **times}
        attributes = {"name": "call", "type": "llm"}
        events.append(
            {"id": uuid4().hex, "span_id": uuid4().hex, "metrics": metrics, "span_attributes": attributes, **child}
        )
    for name, value in scores:
        attributes = {"name": name, "type": "score", "purpose": "scorer"}
        times = {"start": start + 1, "end": start + 90, "prompt_tokens": 1_000_000}
        event = {"id": uuid4().hex, "span_id": uuid4().hex, "scores": {name: value}, "span_attributes": attributes}
        events.append({**event, "metrics": times, **child})
    return events


def expected_scores(traces):
    """Return name to the mean over traces of the mean over spans, in plain Python."""
    by_name = defaultdict(list)
    for events in traces:
        of_trace = defaultdict(list)
        for event in events:
            for name, value in (event.get("scores") or {}).items():
                if value is not None:
                    of_trace[name].append(value)
        for name, values in of_trace.items():
            by_name[name].append(fmean(values))
    return {name: fmean(values) for name, values in by_name.items()}


def expected_pairs(own, base, name, key):
    """Return how many cases got better and worse in one score, in plain Python."""
    sides = []
    for traces in (own, base):
        cases = defaultdict(list)
        for events in traces:
            found = expected_scores([events])
            if name in found:
                cases[key(events[0])].append(found[name])
        sides.append({case: fmean(values) for case, values in cases.items()})
    mine, theirs = sides
    both = mine.keys() & theirs.keys()
    return sum(mine[case] > theirs[case] + 1e-9 for case in both), sum(
        mine[case] < theirs[case] - 1e-9 for case in both
    )


def evaluation(seed, *, origins):
    """Return 120 traces: scores on children and roots, missing ones, nulls, and several trials of a case."""
    drawn = random.Random(seed)
    traces = []
    for number in range(120):
        scores: list[tuple[str, float | None]] = [("exact", drawn.choice([0, 0.5, 1]))]
        if number % 3:
            scores.append(("fluent", drawn.choice([None, drawn.random()])))
        if number % 5 == 0:
            scores += [("exact", drawn.random()), ("rare", 1)]
        case = {"question": f"q{number // 3}", "n": number // 3}
        origin = f"row {number // 3}" if origins else None
        tokens = [drawn.randint(1, 50) for _ in range(number % 3)]
        traces.append(
            trace(case, scores, start=1e9 + number, origin=origin, tokens=tokens, root_scores={"human": number % 2})
        )
    return traces


@pytest.mark.parametrize("origins", [True, False], ids=["rows of a dataset", "inputs"])
def test_a_comparison_is_what_plain_python_computes(client, experiment, log, summarize, origins):
    before, now = evaluation(1, origins=origins), evaluation(2, origins=origins)
    base, own = experiment("base"), experiment("own")
    log(base, chain(*before))
    log(own, chain(*now))

    summary = summarize(own)

    assert summary["comparison_experiment_name"] == "base"
    means, base_means = expected_scores(now), expected_scores(before)
    assert means.keys() == {"exact", "fluent", "rare", "human"}
    assert summary["scores"].keys() == means.keys()
    for name, score in summary["scores"].items():
        better, worse = expected_pairs(now, before, name, lambda root: root["input"]["n"])
        assert score.keys() == {"name", "score", "improvements", "regressions", "diff"}
        assert score["name"] == name
        assert score["score"] == pytest.approx(means[name])
        assert score["diff"] == pytest.approx(means[name] - base_means[name])
        assert (score["improvements"], score["regressions"]) == (better, worse)
    assert summary["scores"]["exact"]["improvements"] > 0
    assert summary["scores"]["exact"]["regressions"] > 0
    older = client.get("/experiment-comparison2", params={"experiment_id": own["id"]}).json()
    assert older == {"scores": summary["scores"], "metrics": summary["metrics"]}


def test_metrics_are_means_over_traces_without_scorers(experiment, log, summarize):
    own = experiment()
    traces = evaluation(3, origins=False)
    log(own, chain(*traces))

    metrics = summarize(own)["metrics"]

    # A sum is null where no span has the metric, and null is left out of a mean.
    calls = [[e["metrics"] for e in events if e["span_attributes"]["type"] == "llm"] for events in traces]
    prompt = fmean(sum(each["prompt_tokens"] for each in of_trace) for of_trace in calls if of_trace)
    assert metrics["prompt_tokens"]["metric"] == pytest.approx(prompt)
    assert metrics["completion_tokens"]["metric"] == pytest.approx(2 * prompt)
    assert metrics["total_tokens"]["metric"] == pytest.approx(3 * prompt)
    assert metrics["custom"]["metric"] == pytest.approx(3 * 1.5)
    assert metrics["llm_calls"]["metric"] == pytest.approx(1)
    assert metrics["duration"]["metric"] == pytest.approx(2)
    assert metrics["llm_duration"]["metric"] == pytest.approx(0.5 * 1.5)
    assert {name: metric["unit"] for name, metric in metrics.items()} == {
        "prompt_tokens": "tok",
        "completion_tokens": "tok",
        "total_tokens": "tok",
        "custom": "",
        "llm_calls": "",
        "duration": "s",
        "llm_duration": "s",
    }
    assert all(
        metric.keys() == {"name", "metric", "unit", "improvements", "regressions"} for metric in metrics.values()
    )


def test_less_of_a_metric_is_better(experiment, log, summarize):
    base, own = experiment(), experiment()
    log(base, trace("a", tokens=[10]) + trace("b", tokens=[10]) + trace("c", tokens=[10]) + trace("d"))
    log(own, trace("a", tokens=[5]) + trace("b", tokens=[6]) + trace("c", tokens=[20]) + trace("d", tokens=[1]))
    tokens = summarize(own)["metrics"]["prompt_tokens"]
    assert tokens == {
        "name": "prompt_tokens",
        "metric": 8,
        "unit": "tok",
        "improvements": 2,
        "regressions": 1,
        "diff": -2,
    }


def test_without_a_base_there_is_no_diff(experiment, log, summarize):
    own = experiment()
    log(own, trace("a", [("s", 1)]))
    summary = summarize(own)
    assert summary["comparison_experiment_name"] is None
    assert summary["scores"] == {"s": {"name": "s", "score": 1, "improvements": 0, "regressions": 0}}


def test_a_score_that_the_base_has_not_has_no_diff(experiment, log, summarize):
    base, own = experiment(), experiment()
    log(base, trace("a", [("old", 1)]))
    log(own, trace("a", [("new", 1)]))
    assert summarize(own)["scores"] == {"new": {"name": "new", "score": 1, "improvements": 0, "regressions": 0}}


def test_trials_and_copies_of_a_case_are_one_case(experiment, log, summarize):
    base, own = experiment(), experiment()
    log(base, trace("a", [("s", 0.5)]) + trace("b", [("s", 0)]) + trace("b", [("s", 1)]))
    # The mean of three is 0.5 but for the rounding of their sum.
    log(own, chain(*(trace(case, [("s", value)]) for case, value in (("a", 0.4), ("a", 0.5), ("a", 0.6), ("b", 0.9)))))
    score = summarize(own)["scores"]["s"]
    assert (score["improvements"], score["regressions"]) == (1, 0)
    assert score["score"] == pytest.approx(fmean([0.4, 0.5, 0.6, 0.9]))


def test_rows_of_a_dataset_match_though_their_inputs_changed(experiment, log, summarize):
    base, own = experiment(), experiment()
    log(
        base,
        trace("old text", [("s", 0)], origin="r1")
        + trace("same", [("s", 0)])
        + trace("twice", [("s", 0)], origin="r2"),
    )
    log(
        own,
        trace("new text", [("s", 1)], origin="r1")
        + trace("same", [("s", 1)])
        + trace("twice", [("s", 1)], origin="r3"),
    )
    # r1 by its row, "same" by its input; r2 and r3 are other rows, although they look alike.
    assert summarize(own)["scores"]["s"]["improvements"] == 2


def test_a_number_and_its_text_are_two_cases(experiment, log, summarize):
    base, own = experiment(), experiment()
    for target, value in ((base, 0), (own, 1)):
        log(target, chain(*(trace(case, [("s", value)]) for case in (1, "1", [1], ["1"], True, "true"))))
    # 1.0 is the same number as 1.
    log(own, trace(1.0, [("s", 1)]))
    assert summarize(own)["scores"]["s"]["improvements"] == 6


def test_rows_of_two_datasets_match_by_their_inputs_only(experiment, log, summarize):
    base, own, both = experiment(), experiment(), experiment()
    log(base, trace("a", [("s", 0)], origin="r1", dataset="d1") + trace("b", [("s", 1)], origin="r2", dataset="d1"))
    log(own, trace("b", [("s", 1)], origin="r1", dataset="d2") + trace("a", [("s", 0)], origin="r2", dataset="d2"))
    log(both, trace("a", [("s", 0)], origin="r1", dataset="d1") + trace("b", [("s", 1)], origin="r1", dataset="d2"))
    for target in (own, both):
        score = summarize(target, comparison_experiment_id=base["id"])["scores"]["s"]
        assert (score["improvements"], score["regressions"]) == (0, 0)


def test_an_input_that_reads_like_the_id_of_a_row_is_no_row(experiment, log, summarize):
    base, own = experiment(), experiment()
    log(base, trace("a", [("s", 0)], origin="r1") + trace("r2", [("s", 0)]) + trace('["d","r3"]', [("s", 0)]))
    log(own, trace("a", [("s", 1)], origin="r1") + trace("b", [("s", 1)], origin="r2"))
    log(own, trace("c", [("s", 1)], origin="r3") + trace(["d", "r1"], [("s", 0)]))
    assert summarize(own)["scores"]["s"]["improvements"] == 1


def test_inputs_match_where_no_row_is_shared(experiment, log, summarize):
    base, own = experiment(), experiment()
    log(base, trace({"a": 1, "b": [1, None]}, [("s", 0)], origin="r1") + trace(None, [("s", 0)]))
    log(own, trace({"b": [1, None], "a": 1}, [("s", 1)], origin="x1") + trace(None, [("s", 1)]))
    # Whatever has no input has no match.
    assert summarize(own)["scores"]["s"]["improvements"] == 1


def test_long_inputs_are_compared_whole(experiment, log, summarize):
    base, own = experiment(), experiment()
    text = "x" * 5_000
    log(base, trace(text + "1", [("s", 0)]) + trace(text + "2", [("s", 1)]))
    log(own, trace(text + "1", [("s", 1)]) + trace(text + "2", [("s", 0)]))
    score = summarize(own)["scores"]["s"]
    assert (score["improvements"], score["regressions"]) == (1, 1)


HOSTILE = [
    "",
    'a"b',
    "a.b",
    "a\\b",
    "q'x",
    "new\nline",
    "nul\x00x",
    "日本 🦜",
    "select",
    "x" * 3_000,
    "{x} %s",
    "--",
    "0",
]


def test_hostile_names_of_scores_and_metrics(experiment, log, summarize):
    base, own = experiment(), experiment()
    for target, value in ((base, 0.25), (own, 0.75)):
        root = {
            "id": "r",
            "input": "a",
            "scores": dict.fromkeys(HOSTILE, value),
            "metrics": dict.fromkeys(HOSTILE, value),
        }
        log(target, [root])
    summary = summarize(own)
    assert summary["scores"] == {
        name: {"name": name, "score": 0.75, "improvements": 1, "regressions": 0, "diff": 0.5} for name in HOSTILE
    }
    assert {name: metric["regressions"] for name, metric in summary["metrics"].items()} == dict.fromkeys(HOSTILE, 1)


def test_hundreds_of_scores(experiment, log, summarize):
    base, own = experiment(), experiment()
    names = [f"score {number}" for number in range(250)]
    log(base, [{"id": "r", "input": "a", "scores": dict.fromkeys(names, 0)}])
    log(own, [{"id": "r", "input": "a", "scores": dict.fromkeys(names, 1)}])
    scores = summarize(own)["scores"]
    assert len(scores) == 250
    assert all(score["improvements"] == score["diff"] == 1 for score in scores.values())


def test_an_experiment_without_rows(client, experiment, log, summarize):
    base, own = experiment(), experiment()
    assert summarize(own)["scores"] == summarize(own)["metrics"] == {}
    log(base, trace("a", [("s", 1)]))
    assert summarize(own)["scores"] == {}
    empty = experiment()
    compared = summarize(base, comparison_experiment_id=empty["id"])
    assert compared["scores"]["s"] == {"name": "s", "score": 1, "improvements": 0, "regressions": 0}
    assert client.get("/experiment-comparison2", params={"experiment_id": own["id"]}).json() == {
        "scores": {},
        "metrics": {},
    }


def test_what_is_compared_with_can_be_chosen(client, experiment, log, summarize):
    first, second, own = experiment("first"), experiment("second"), experiment("own")
    log(first, trace("a", [("s", 0)]))
    log(second, trace("a", [("s", 1)]))
    log(own, trace("a", [("s", 0.5)]))
    assert summarize(own)["scores"]["s"]["diff"] == -0.5
    chosen = summarize(own, comparison_experiment_id=first["id"])
    assert chosen["comparison_experiment_name"] == "first"
    assert chosen["scores"]["s"]["diff"] == 0.5
    parameters = {"experiment_id": own["id"], "base_experiment_id": first["id"]}
    older = client.get("/experiment-comparison2", params=parameters).json()
    assert older["scores"] == chosen["scores"]
    assert summarize(own, summarize_scores="True", comparison_experiment_id="") == summarize(own)
    nowhere = {"comparison_experiment_id": "00000000-0000-4000-8000-000000000000"}
    assert client.get(f"/v1/experiment/{own['id']}/summarize", params=nowhere).status_code == 403


def test_updates_and_deletes_count_at_once(experiment, log, summarize):
    own = experiment()
    events = trace("a", [("s", 0)])
    log(own, events)
    assert summarize(own)["scores"]["s"]["score"] == 0
    log(own, [{"id": events[-1]["id"], "_is_merge": True, "scores": {"s": 1}}])
    assert summarize(own)["scores"]["s"]["score"] == 1
    log(own, [{"id": events[-1]["id"], "_object_delete": True}])
    assert summarize(own)["scores"] == {}


def test_addresses_and_no_scores_unless_asked(client, experiment):
    project = client.post("/v1/project", json={"name": "a/b ü?"}).json()
    own = client.post("/v1/experiment", json={"project_id": project["id"], "name": "e&f"}).json()
    url = f"{str(client.base_url).rstrip('/')}/app/default/p/{quote('a/b ü?', safe='')}"
    assert client.get(f"/v1/experiment/{own['id']}/summarize").json() == {
        "project_name": "a/b ü?",
        "experiment_name": "e&f",
        "project_url": url,
        "experiment_url": f"{url}/experiments/e%26f",
        "comparison_experiment_name": None,
    }


def test_a_dataset_is_counted(client, project):
    dataset = client.post("/v1/dataset", json={"project_id": project["id"], "name": "food"}).json()
    assert client.get("/dataset-summary", params={"dataset_id": dataset["id"]}).json() == {"total_records": 0}
    rows = [{"id": str(n), "dataset_id": dataset["id"], "input": n, "expected": n} for n in range(3)]
    comment = {"id": "c", "dataset_id": dataset["id"], "origin": {"id": "1"}, "comment": {"text": "nice"}}
    deleted = {"id": "0", "dataset_id": dataset["id"], "_object_delete": True}
    for batch in (rows, [comment], [deleted]):
        assert client.post("/logs3", json={"rows": batch, "api_version": 2}).status_code == 200
    assert client.get("/dataset-summary", params={"dataset_id": dataset["id"]}).json() == {"total_records": 2}
    address = f"/v1/dataset/{dataset['id']}/summarize"
    url = f"{str(client.base_url).rstrip('/')}/app/default/p/{quote(project['name'])}"
    without = {
        "project_name": project["name"],
        "dataset_name": "food",
        "project_url": url,
        "dataset_url": f"{url}/datasets/food",
    }
    assert client.get(address).json() == without
    counted = client.get(address, params={"summarize_data": "true"}).json()
    assert counted == without | {"data_summary": {"total_records": 2}}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/experiment/00000000-0000-4000-8000-000000000000/summarize", 403),
        ("/v1/experiment/x/summarize", 400),
        ("/v1/dataset/00000000-0000-4000-8000-000000000000/summarize", 403),
        ("/v1/experiment/00000000-0000-4000-8000-000000000000/summarize?summarize_scores=maybe", 400),
        ("/experiment-comparison2", 400),
        ("/experiment-comparison2?experiment_id=x", 400),
        ("/dataset-summary", 400),
        ("/dataset-summary?dataset_id=00000000-0000-4000-8000-000000000000", 403),
    ],
)
def test_what_cannot_be_summarized(client, path, status):
    assert client.get(path).status_code == status
