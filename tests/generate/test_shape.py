"""What the generated spans hold besides text: metadata, scores, errors, tags, metrics, sizes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import cache
from statistics import mean, median, quantiles
from typing import Any

import pytest

from btql.generate.cast import ODD_NAMES
from btql.generate.dice import Dice
from btql.generate.profile import PROFILES
from btql.generate.stream import generate

SPANS = 6000


@cache
def spans() -> list[dict[str, Any]]:
    """Events of each span taken together; enough of a merge for looking at shapes."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for batch in generate("small", SPANS, 21):
        for line in batch:
            event = json.loads(line)
            for key, value in event.items():
                known = found[event["id"]].get(key)
                found[event["id"]][key] = (
                    {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
                )
    return list(found.values())


def of_type(kind: str) -> list[dict[str, Any]]:
    return [span for span in spans() if span.get("span_attributes", {}).get("type") == kind]


def test_span_types_and_their_fields():
    for kind in ("task", "llm", "tool", "function", "score"):
        assert len(of_type(kind)) > 100
    assert all(span["metadata"].get("model") for span in of_type("llm") if "redacted" not in span["metadata"])
    assert all(span["span_attributes"].get("purpose") == "scorer" for span in of_type("score"))
    assert any(span["output"]["steps"][1:2] == ["router"] for span in of_type("function") if "output" in span)


def test_one_path_has_every_type():
    kinds = Counter(type(span["metadata"]["value"]) for span in spans() if "value" in span.get("metadata", {}))

    assert set(kinds) == {int, float, str, bool, type(None), list, dict}


def test_odd_names_occur():
    keys = {key for span in spans() for key in span.get("metadata") or {}}

    assert keys >= {key for name in ODD_NAMES for key in json.loads(b"{" + name + b"}")}
    assert "" in keys


def test_whole_numbers_beyond_a_float():
    numbers = [span["metadata"]["big_id"] for span in spans() if "big_id" in span.get("metadata", {})]

    assert any(number > 2**53 and float(number) != number for number in numbers)
    assert any(number < -(2**53) for number in numbers)
    assert any(2**62 < number < 2**63 for number in numbers)


def test_scores_are_zero_one_fraction_and_null():
    scores = [score for span in of_type("score") for score in (span.get("scores") or {}).values()]

    assert {0, 1, None} <= set(scores)
    assert any(score is not None and 0 < score < 1 for score in scores)
    assert all(score is None or 0 <= score <= 1 for score in scores)


def test_errors_are_texts_and_objects_and_some_are_long():
    errors = [span["error"] for span in spans() if "error" in span]

    assert 0.005 < len(errors) / SPANS < 0.1
    assert {type(error) for error in errors} == {str, dict}
    assert any(len(json.dumps(error)) > 1024 for error in errors)


def test_tags_are_on_roots_only():
    tagged = [span for span in spans() if span.get("tags")]

    assert len(tagged) > 30
    assert not any(span.get("span_parents") for span in tagged)


def test_metrics_of_model_calls_add_up():
    calls = [span["metrics"] for span in of_type("llm") if "tokens" in span.get("metrics", {})]

    assert len(calls) > 1000
    for metrics in calls:
        assert metrics["tokens"] == metrics["prompt_tokens"] + metrics["completion_tokens"]
        assert metrics["time_to_first_token"] <= metrics["end"] - metrics["start"] + 1e-6
        assert metrics["estimated_cost"] >= 0


def test_the_slowest_model_at_p95_is_not_the_slowest_at_the_median():
    times = defaultdict(list)
    for span in of_type("llm"):
        if "end" in span["metrics"] and "model" in span["metadata"]:
            times[span["metadata"]["model"]].append(span["metrics"]["end"] - span["metrics"]["start"])
    slowest_at_p95 = max(times, key=lambda model: quantiles(times[model], n=20)[-1])
    slowest_at_median = max(times, key=lambda model: median(times[model]))

    assert slowest_at_p95 == "llama-3.3-70b"
    assert slowest_at_median != slowest_at_p95


def test_few_users_make_most_of_the_traces():
    users = Counter(span["metadata"]["user_id"] for span in of_type("task") if "user_id" in span["metadata"])
    counts = sorted(users.values(), reverse=True)

    assert sum(counts[: len(counts) // 4]) > sum(counts) / 2


@pytest.mark.parametrize(("profile", "low", "high"), [("small", 1700, 2400), ("wide", 2000, 3200)])
def test_mean_size(profile, low, high):
    size = sum(len(line) for batch in generate(profile, 4000, 2) for line in batch)

    assert low < size / 4000 < high


def test_sizes_of_the_real_profile():
    sizes = PROFILES["real"].sizes(Dice(3), 200_000)

    assert 3500 < median(sizes) < 4700
    assert 40_000 < mean(sizes) < 60_000
    assert 0.004 < sum(1_000_000 <= size <= 4_000_000 for size in sizes) / len(sizes) < 0.012
    assert 0.0002 < sum(size == 20_000_000 for size in sizes) / len(sizes) < 0.0007


def test_the_real_profile_keeps_to_its_sizes():
    sizes: Counter[str] = Counter()
    for batch in generate("real", 1500, 5):
        for line in batch:
            sizes[json.loads(line)["id"]] += len(line)

    assert 2500 < median(sizes.values()) < 6000


def test_trace_lengths():
    for profile in PROFILES.values():
        dice = Dice(9)
        lengths = [profile.trace_length(dice) for _ in range(20_000)]

        assert min(lengths) == 1
        assert max(lengths) > 5000
        assert max(lengths) <= 10_000
        assert 3 <= median(lengths) <= 30


def test_the_wide_profile_has_thousands_of_keys():
    keys = set()
    for batch in generate("wide", 3000, 1):
        for line in batch:
            keys.update(json.loads(line).get("metadata", {}).get("attributes", {}))

    assert len(keys) > 3000
