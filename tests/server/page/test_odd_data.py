"""Traces that no SDK writes like this: the page shows what it can of them, and every span can be read."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MARKUP = "<img src=x onerror=\"document.title = 'broken in'\">"
LARGE = 9_007_199_254_740_993
"""A whole number that is none of JavaScript's."""

ODD: dict[str, dict[str, object]] = {
    "tool calls that are no list": {"input": [{"role": "assistant", "content": "", "tool_calls": {"a": "found"}}]},
    "tool calls that are no objects": {"input": [{"role": "assistant", "content": "", "tool_calls": [None, "found"]}]},
    "a call that has odd names": {
        "input": [{"role": "tool", "name": {"a": "found"}, "content": "", "tool_calls": [{"id": 7, "name": {"b": 1}}]}]
    },
    "thoughts that are no texts": {
        "input": [{"role": "assistant", "content": [{"type": "thinking"}, {"type": "thinking", "text": ["found"]}]}]
    },
    "a name that is an object": {"span_attributes": {"name": {"a": "found"}, "type": ["llm"]}},
    "tokens beyond 53 bits": {"input": "found", "metrics": {"prompt_tokens": LARGE, "completion_tokens": 1}},
    "tokens that are texts": {"input": "found", "metrics": {"prompt_tokens": "NaN", "tokens": "Infinity"}},
    "counters beyond 53 bits": {"input": "found", "span_attributes": {"exec_counter": LARGE}},
    "comments that are no objects": {"comments": [None, 7, "found"]},
    "comments that are a text": {"comments": "found"},
    "a model that is an object": {"metadata": {"model": {"a": "found"}}},
    "markup": {
        "span_attributes": {"name": MARKUP, "type": MARKUP},
        "input": [{"role": "user", "name": MARKUP, "content": MARKUP}],
        "output": {MARKUP: MARKUP, "found": {"__proto__": MARKUP}},
        "metadata": {"model": MARKUP, MARKUP: [MARKUP]},
        "scores": {MARKUP: 0.5},
        "metrics": {MARKUP: 1},
        "tags": [MARKUP],
        "error": MARKUP,
    },
    "words without an end": {
        "span_attributes": {"name": "n" * 400, "type": "t" * 400},
        "input": f"found{'x' * 4000}",
        "output": [{"role": "r" * 400, "content": "c" * 4000}],
        "metadata": {"k" * 400: "v" * 4000, "model": "m" * 400},
        "tags": ["t" * 400, "short"],
        "scores": {"s" * 400: 0.5},
        "metrics": {"m" * 400: 1},
        "error": {"message": "e" * 4000},
    },
    "nothing": {},
}


def span(name: str, trace: str, **fields: object) -> dict[str, object]:
    at = {"created": "2026-11-20T10:00:00Z", "span_id": name, "root_span_id": trace}
    return {"id": name, "span_attributes": {"name": name}, **at, **fields}


@pytest.fixture(scope="module")
def odd(site):
    spans = [span(name, "odd", span_parents=["odd"], **fields) for name, fields in ODD.items()]
    site.write("project_logs:odd", [span("odd", "odd", input="found"), *spans])
    return site


def test_every_span_can_be_read(page, odd):
    page.goto(odd.trace("odd", "odd"))
    expect(page.get_by_role("treeitem")).to_have_count(len(ODD) + 1)
    expect(page.locator(".sums div").nth(2).locator("dd")).to_have_text("9,007,199,254,740,992")
    page.get_by_role("tree").focus()
    read = 0
    for _ in ODD:
        page.keyboard.press("ArrowDown")
        expect(page.locator(".span-body")).to_be_visible()
        read += "found" in page.locator(".detail").inner_text()
        assert page.locator(".detail img").count() == 0
        assert page.locator(".detail").evaluate("detail => detail.scrollWidth <= detail.clientWidth")
    assert read == len(ODD) - 1
    assert page.title() == "odd · trace · btql"


def test_the_list_of_traces_has_names_of_any_kind(page, odd):
    odd.write("project_logs:odd names", [span("a", "a", span_attributes={"name": {"a": "found"}})])
    page.goto(f"{odd.url}/#object=project_logs%3Aodd%20names")

    expect(page.locator(".trace-row .span-name")).to_have_text('{"a":"found"}')


def test_reasoning_of_opentelemetry_is_read_as_a_text(page, odd):
    thought = {"role": "assistant", "content": [{"type": "reasoning", "content": "hm"}]}
    odd.write("project_logs:thoughts", [span("a", "a", output=[thought])])
    page.goto(odd.trace("a", "thoughts"))

    expect(page.locator(".thinking .prose")).to_have_text("hm")


def test_what_is_found_is_marked_where_it_is(page, odd):
    text = "\u0130" * 30 + " Quokka (x)"
    odd.write("project_logs:letters", [span("a", "a", input=text), span("b", "a", span_parents=["a"], input=text)])
    page.goto(odd.trace("a", "letters"))
    expect(page.locator(".span-body")).to_be_visible()
    page.get_by_label("Search in this trace").fill("quokka (x)")

    expect(page.locator(".search-state")).to_have_text("1 of 2")
    assert page.evaluate("[...CSS.highlights.get('found')].map(String)") == ["Quokka (x)"]
