"""Calls of a model in the profile ``real``: each says its conversation again and adds a little."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from statistics import mean, median
from typing import Any

import pytest

from btql.generate.dice import Dice
from btql.generate.profile import HUGE, PROFILES
from btql.generate.stream import generate
from btql.generate.trace import Kind, SpanPlan, plan_trace

REAL = PROFILES["real"]
AS_DRAWN = replace(REAL, calls_hold_conversations=False)
SEEDS = range(40)


def conversations(spans: list[SpanPlan]) -> list[list[SpanPlan]]:
    found: list[list[SpanPlan]] = []
    for span in spans:
        if span.opens_conversation:
            found.append([])
        if span.kind is Kind.LLM:
            found[-1].append(span)
    return found


def plans(profile=REAL, length=400) -> list[list[SpanPlan]]:
    return [plan_trace(profile, Dice(seed), 0, length) for seed in SEEDS]


def test_calls_grow_by_about_as_much_each():
    for conversation in (conversation for spans in plans() for conversation in conversations(spans)):
        sizes = [span.size for span in conversation]
        steps = [after - before for before, after in pairwise(sizes)]

        assert sizes == sorted(sizes)
        if sizes[-1] < HUGE:
            assert all(abs(step - span.adds) <= 1 for step, span in zip(steps, conversation[1:], strict=True))
            assert not steps or max(steps) <= 3 * min(steps) + 3
            # The first has the system's prompt and the tools.
            assert not steps or mean(steps) < sizes[0] < 8 * min(steps) + 8


@pytest.mark.parametrize("length", [1, 2, 7, 400])
def test_the_sum_stays_as_drawn(length):
    for spans, drawn in zip(plans(length=length), plans(AS_DRAWN, length), strict=True):
        assert [span.kind for span in spans] == [span.kind for span in drawn]
        assert sum(span.size for span in spans) == pytest.approx(sum(span.size for span in drawn), abs=length)


def test_other_spans_say_a_message_or_two_and_a_whole_file_stays_whole():
    pairs = [
        (span.size, before.size)
        for spans, drawn in zip(plans(), plans(AS_DRAWN), strict=True)
        for span, before in zip(spans, drawn, strict=True)
        if span.kind is not Kind.LLM
    ]

    assert max(pairs) == (HUGE, HUGE)
    for size, before in pairs:
        assert size == before if before <= 2000 or before == HUGE else 2000 <= size < 2000 + before / 10


def test_no_span_is_larger_than_the_largest_that_is_drawn():
    assert max(span.size for length in (2, 3, 4) for spans in plans(length=length) for span in spans) <= HUGE
    sure = replace(REAL, huge_share=1.0)

    assert {span.size for spans in plans(sure, 2) for span in spans} == {HUGE}


@pytest.mark.parametrize(("profile", "longest"), [("small", 12), ("real", 30), ("wide", 12)])
def test_lengths_of_conversations(profile, longest):
    lengths = [len(calls) for spans in plans(PROFILES[profile]) for calls in conversations(spans)]

    assert max(lengths) == longest
    assert longest / 2 - 2 < mean(lengths) < longest / 2 + 2


def test_most_of_what_calls_take_in_was_said_in_a_call_before():
    sizes: dict[str, int] = defaultdict(int)
    calls: dict[str, list[str]] = defaultdict(list)
    kinds: dict[str, str] = {}
    for event in (json.loads(line) for batch in generate("real", 1500, 5) for line in batch):
        sizes[event["id"]] += size_of(event)
        kind = event.get("span_attributes", {}).get("type")
        kinds.setdefault(event["id"], kind)
        if kind == "llm" and isinstance(event.get("input"), list):
            calls[event["root_span_id"]].append(text_of(event["input"]))
    taken = repeated = 0
    for inputs in calls.values():
        for place, text in enumerate(inputs):
            taken += len(text)
            repeated += max((len(before) for before in inputs[:place] if text.startswith(before[:-1])), default=0)
    of_calls = [size for span, size in sizes.items() if kinds[span] == "llm"]
    of_others = [size for span, size in sizes.items() if kinds[span] != "llm"]

    assert 0.75 < repeated / taken < 0.9
    assert sum(of_calls) > 0.6 * sum(sizes.values())
    assert median(of_calls) > 10 * median(of_others)


def size_of(event: dict[str, Any]) -> int:
    return len(text_of(event).encode())


def text_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
