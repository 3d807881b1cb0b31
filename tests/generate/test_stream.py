"""The generated stream as a whole: repeatable, complete, and shaped as promised."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from functools import cache
from itertools import chain, pairwise
from typing import Any

import orjson
import pytest

from btql.generate.profile import PROFILES
from btql.generate.stream import generate

SPANS = 4000
DIGESTS = {
    "small": "73d20646fb7e3ced71860c40b031b918f5acf341759420d4fc35583e91bdf1b5",
    "real": "32717c620ab92a187da540bdcb129e9c025f5c07c15fb703ff40e67ae2fc104f",
    "wide": "00f27ec90136ed4bfcd2079e56378ac24781bdd1375b8eb393fc1b1289a66fed",
}


@cache
def events(profile: str = "small", spans: int = SPANS, seed: int = 7) -> list[dict[str, Any]]:
    return [json.loads(line) for batch in generate(profile, spans, seed) for line in batch]


@cache
def opening() -> dict[str, dict[str, Any]]:
    return {event["id"]: event for event in events() if "start" in event.get("metrics", {})}


def digest(profile: str, spans: int, seed: int) -> str:
    return hashlib.sha256(b"\n".join(chain.from_iterable(generate(profile, spans, seed)))).hexdigest()


def test_the_same_seed_gives_the_same_bytes():
    assert digest("small", 500, 7) == digest("small", 500, 7)


def test_another_seed_gives_other_bytes():
    assert digest("small", 500, 7) != digest("small", 500, 8)


@pytest.mark.parametrize(("profile", "expected"), DIGESTS.items(), ids=DIGESTS)
def test_the_bytes_are_the_same_everywhere(profile, expected):
    """Changes only when the generator is changed on purpose; then files made before are no longer reproducible."""
    assert digest(profile, 300, 1) == expected


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("spans", [0, 1, 2, 137])
def test_exactly_as_many_spans_as_asked_for(profile, spans):
    found = {event["id"] for event in events(profile, spans, 3)}

    assert len(found) == spans


def test_lines_are_objects_without_line_ends_in_small_batches():
    for batch in generate("small", 2000, 1):
        assert 0 < len(batch) <= 1000
        for line in batch:
            assert b"\n" not in line
            assert isinstance(orjson.loads(line), dict)


def test_no_object_has_a_key_twice():
    def refuse(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), keys
        return dict(pairs)

    for profile in PROFILES:
        for batch in generate(profile, 400, 5):
            for line in batch:
                json.loads(line, object_pairs_hook=refuse)


def test_a_seed_or_a_count_below_zero_is_refused():
    with pytest.raises(ValueError, match="seed must not be negative"):
        next(generate("small", 1, -1))
    with pytest.raises(ValueError, match="spans must not be negative"):
        next(generate("small", -1, 1))
    with pytest.raises(ValueError, match="no profile `large`; there are `small`, `real`, `wide`"):
        next(generate("large", 1, 1))


def test_two_or_three_events_a_span_most_of_them_merged():
    per_span = Counter(event["id"] for event in events())
    merged = sum(event.get("_is_merge", False) for event in events())

    assert 2.2 < len(events()) / SPANS < 2.6
    assert Counter(per_span.values()).most_common(2)[0][0] in (2, 3)
    assert max(per_span.values()) <= 5
    assert merged > SPANS


def test_traces_are_trees_two_to_five_levels_deep():
    spans = {event["span_id"]: event for event in opening().values()}
    depths: dict[str, int] = {}

    def depth(span_id: str) -> int:
        parents = spans[span_id].get("span_parents")
        return 1 + depth(parents[0]) if parents else 1

    for span_id, span in spans.items():
        root = span["root_span_id"]
        depths[root] = max(depths.get(root, 0), depth(span_id))
        assert bool(span.get("span_parents")) == (root != span_id)
        assert root in spans

    lengths = Counter(span["root_span_id"] for span in spans.values())

    assert {depth for root, depth in depths.items() if lengths[root] > 1} >= {2, 3, 4, 5}
    assert max(depths.values()) == 5
    assert min(lengths.values()) <= 3
    assert max(lengths.values()) >= 100
    assert 15 < SPANS / len(lengths) < 80


def test_a_span_lies_within_its_parent_in_time():
    ends = {event["id"]: event["metrics"]["end"] for event in events() if "end" in event.get("metrics", {})}
    spans = {event["span_id"]: event for event in opening().values()}
    for span in spans.values():
        for parent in span.get("span_parents") or []:
            assert spans[parent]["metrics"]["start"] <= span["metrics"]["start"]
            if span["id"] in ends and spans[parent]["id"] in ends:
                assert ends[span["id"]] <= ends[spans[parent]["id"]]


def test_created_is_the_start_and_lies_in_seven_days_of_november():
    created = [event["created"] for event in opening().values()]

    assert min(created) >= "2026-11-01T00:00:00.000Z"
    assert max(created) < "2026-11-08T02:00:00.000Z"
    assert len({text[:10] for text in created}) >= 6


def test_some_children_arrive_before_their_parents():
    arrived, early = set(), 0
    for event in events():
        if "start" in event.get("metrics", {}):
            early += any(parent not in arrived for parent in event.get("span_parents") or [])
            arrived.add(event["span_id"])

    assert 0.005 < early / SPANS < 0.3


def test_some_spans_are_closed_before_they_are_opened_and_say_who_they_are():
    first = {}
    for event in events():
        first.setdefault(event["id"], event)
    closed_first = [event for event in first.values() if event.get("_is_merge")]

    assert 0.001 < len(closed_first) / SPANS < 0.02
    for event in closed_first:
        assert {"span_id", "root_span_id", "created"} <= event.keys()


def test_late_events_of_each_kind():
    kinds: Counter[str] = Counter()
    for event in events():
        kinds["delete"] += event.get("_object_delete", False)
        kinds["paths"] += "_merge_paths" in event
        kinds["array"] += "_array_delete" in event
        kinds["replaced"] += event.get("input") == "[redacted]"
        kinds["feedback"] += "User rating" in (event.get("scores") or {})

    assert 0.0005 < kinds["delete"] / SPANS < 0.005
    assert kinds["replaced"] > 3
    assert kinds["paths"] > 0
    assert kinds["array"] > 0
    assert kinds["feedback"] > 20


def test_nothing_is_said_after_a_deletion():
    deleted = set()
    for event in events():
        assert event["id"] not in deleted
        if event.get("_object_delete"):
            deleted.add(event["id"])


def test_feedback_comes_long_after_its_span():
    places = defaultdict(list)
    for place, event in enumerate(events()):
        places[event["id"]].append(place)
    feedback = [
        places[event["id"]][-1] - places[event["id"]][0]
        for event in events()
        if "User rating" in (event.get("scores") or {})
    ]

    assert max(feedback) > SPANS // 4


def test_several_traces_run_at_once():
    roots = [event["root_span_id"] for event in events() if "root_span_id" in event]
    changes = sum(left != right for left, right in pairwise(roots))

    assert changes > 3 * len(set(roots))


def test_no_trace_is_most_of_a_small_data_set():
    lengths = Counter(event["root_span_id"] for event in opening().values())

    assert max(lengths.values()) <= SPANS // 5
