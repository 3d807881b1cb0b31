"""A trace of 10,000 spans: only what is in sight exists, and searching and moving stay as they are."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

ROWS_MOST = 80
"""Rows that fit the window, and a few beyond."""


@pytest.fixture
def large(page, site):
    page.goto(site.trace(site.large_trace, "large"))
    expect(page.get_by_role("treeitem").first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("tree")).to_have_attribute("aria-busy", "false", timeout=60_000)
    return page


def elements(page) -> int:
    return page.evaluate("document.querySelectorAll('*').length")


def test_all_spans_are_there_but_few_are_elements(large, site, shoot):
    spans = site.query("select: count(1) as spans | from: project_logs('large')")[0]["spans"]
    assert spans > 9_500
    expect(large.locator(".sums div").nth(1).locator("dd")).to_have_text(f"{spans:,}")

    assert large.get_by_role("treeitem").count() < ROWS_MOST
    assert elements(large) < 2_500
    shoot("large-trace")


def test_scrolling_makes_no_more_elements(large):
    tree = large.locator(".tree")
    for part in (0.2, 0.5, 0.9, 1, 0.4):
        tree.evaluate("(element, part) => element.scrollTo(0, part * element.scrollHeight)", part)
        large.wait_for_timeout(80)
        assert 0 < large.get_by_role("treeitem").count() < ROWS_MOST
    tree.evaluate("element => element.scrollTo(0, element.scrollHeight)")
    last = large.evaluate("Number(document.querySelector('.tree .spacer').style.height.replace('px', '')) / 26 - 1")
    expect(large.locator(f".tree-row[data-index='{int(last)}']")).to_be_visible()


def test_the_window_stays_responsive(large):
    """No task of a script keeps the window from drawing for long, while everything is folded and unfolded."""
    large.evaluate(
        """() => {
          window.longest = 0;
          let last = performance.now();
          const look = () => {
            const now = performance.now();
            window.longest = Math.max(window.longest, now - last);
            last = now;
            requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        }"""
    )
    large.get_by_role("button", name="Fold all", exact=True).click()
    large.get_by_role("button", name="Unfold all").click()
    large.get_by_role("tree").focus()
    large.keyboard.press("End")
    expect(large.get_by_role("treeitem", selected=True)).to_be_visible()

    # Far above what it takes; a view that draws all rows takes many times this.
    assert large.evaluate("window.longest") < 3_000


def test_search_finds_all_and_walks_through_them(large, site):
    spans = site.query(
        "select: id | from: project_logs('large') | filter: span_attributes.name ilike '%planner%' "
        "or search('planner') or error MATCH 'planner'"
    )
    large.get_by_label("Search in this trace").fill("planner")
    expect(large.locator(".search-state")).to_have_text(f"1 of {len(spans):,}", timeout=30_000)
    for _ in range(25):
        large.keyboard.press("Enter")

    expect(large.locator(".search-state")).to_have_text(f"26 of {len(spans):,}")
    expect(large.get_by_role("treeitem", selected=True)).to_be_visible()
    assert large.get_by_role("treeitem").count() < ROWS_MOST


def test_documents_come_only_for_the_span_that_is_chosen(large):
    expect(large.locator(".span-body")).to_be_visible()
    asked: list[str] = []
    large.on("request", lambda request: request.url.endswith("/btql") and asked.append(request.post_data or ""))
    large.get_by_role("tree").focus()
    # Running along the list asks for the last one, not for all.
    large.evaluate(
        """() => {
          const tree = document.querySelector(".tree");
          for (let n = 0; n < 30; n += 1) tree.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown" }));
        }"""
    )
    expect(large.locator(".span-body")).to_be_visible()

    chosen = large.get_by_role("treeitem", selected=True)
    assert chosen.get_attribute("data-index") == "30"
    assert [text for text in asked if re.search(r"select: \* .* and id = '", text)] == asked
    assert len(asked) == 1
