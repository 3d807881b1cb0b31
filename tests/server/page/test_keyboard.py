"""Everything by keyboard alone, and what assistive technology is told."""

from __future__ import annotations

import re

from playwright.sync_api import expect

UNNAMED = re.compile(r"^\s*- (?:button|link|textbox|searchbox|combobox|checkbox)(?: \[[^]]*\])*:?$", re.MULTILINE)


def test_a_walk_without_a_mouse(page, site):
    page.goto(f"{site.url}/#object=project_logs%3Aplanted")
    expect(page.locator(".trace-row")).to_be_visible()
    keys = page.keyboard
    expect(page.get_by_role("grid", name="Traces, newest first")).to_be_focused()
    keys.press("Enter")
    tree = page.get_by_role("tree")
    expect(tree).to_be_focused()

    keys.press("ArrowDown")
    keys.press("ArrowDown")
    expect(page.locator(".detail h2")).to_contain_text("get_weather")
    keys.press("ArrowLeft")
    expect(page.locator(".detail h2")).to_contain_text("chat")
    keys.press("ArrowLeft")
    expect(page.get_by_role("treeitem")).to_have_count(3)
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    expect(page.locator(".detail h2")).to_contain_text("get_weather")
    keys.press("End")
    expect(page.locator(".detail h2")).to_contain_text("Brevity")
    keys.press("Home")
    expect(page.locator(".detail h2")).to_contain_text("planted agent")
    keys.press("e")
    expect(page.locator(".detail h2")).to_contain_text("get_weather")

    keys.press("Enter")
    expect(page.locator(".detail h2")).to_be_focused()
    keys.press("Tab")
    assert page.evaluate("document.activeElement.closest('.detail') !== null")
    keys.press("Escape")
    expect(tree).to_be_focused()

    keys.press("/")
    expect(page.get_by_label("Search in this trace")).to_be_focused()
    keys.type("Nürnberg")
    expect(page.locator(".search-state")).to_have_text("1 of 2")
    keys.press("ArrowDown")
    expect(tree).to_be_focused()
    keys.press("n")
    expect(page.locator(".search-state")).to_have_text("2 of 2")
    keys.press("Shift+N")
    expect(page.locator(".search-state")).to_have_text("1 of 2")
    keys.press("Escape")
    expect(page.locator(".trace-row")).to_be_visible()


def test_the_table_is_walked_by_cells(page, site):
    # There is another table in the page then, that is not in sight.
    page.goto(f"{site.url}/#object=dataset%3Aquestions")
    expect(page.locator(".grid-row").first).to_be_visible()
    page.goto(f"{site.url}/#query")
    area = page.locator(".console .area")
    area.fill("select: id, metadata, root_span_id | from: project_logs('planted') | sort: created")
    area.press("Control+Enter")
    grid = page.get_by_role("grid", name="Rows of the answer")
    expect(grid.locator(".grid-row")).to_have_count(4)
    for _ in range(20):
        page.keyboard.press("Tab")
        if grid.evaluate("element => element === document.activeElement"):
            break
    expect(grid).to_be_focused()
    page.keyboard.press("ArrowRight")
    told = grid.evaluate("element => document.getElementById(element.getAttribute('aria-activedescendant')).innerText")
    assert told == grid.locator(".active").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator(".console .drawer")).to_contain_text("ada")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".console .drawer-body")).to_have_text("p-llm")
    page.keyboard.press("Escape")
    expect(page.locator(".console .drawer")).to_be_hidden()
    page.keyboard.press("o")
    expect(page.locator(".detail h2")).to_contain_text("chat")


def test_tabs_are_walked_by_arrows(page, site):
    page.goto(f"{site.url}/#query=select%3A%20id%20%7C%20from%3A%20project_logs('planted')")
    page.locator(".console .area").press("Control+Enter")
    expect(page.locator(".grid-row")).to_have_count(4)
    page.get_by_role("tab", name="Table").focus()
    page.keyboard.press("ArrowRight")

    expect(page.get_by_role("tab", name="JSON")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="JSON")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Explain")).to_have_attribute("aria-selected", "true")


def test_everything_that_can_be_pressed_has_a_name(page, site):
    addresses = [
        site.url,
        site.trace("p-root", "planted"),
        f"{site.url}/#query",
        f"{site.url}/#object=dataset%3Aquestions",
    ]
    for address in addresses:
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_timeout(600)
        snapshot = page.locator("body").aria_snapshot()
        assert UNNAMED.findall(snapshot) == []
