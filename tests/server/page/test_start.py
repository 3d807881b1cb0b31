"""The list of objects and traces, where one begins."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
from playwright.sync_api import expect
from server_support.browsing import watch


def test_two_clicks_lead_to_a_span(page, site, shoot):
    page.goto(site.url)
    page.get_by_role("link", name="planted", exact=True).click()
    row = page.locator(".trace-row").first
    expect(row).to_contain_text("planted agent")
    expect(row).to_contain_text("What is the weather?")
    expect(row.locator(".state")).to_have_class(re.compile("bad"))

    row.click()

    expect(page.locator(".trace-name h1")).to_have_text("planted agent")
    expect(page.get_by_role("treeitem")).to_have_count(4)
    shoot("planted-trace")


def test_the_newest_traces_come_first_and_more_come_with_scrolling(page, site):
    page.goto(f"{site.url}/#object=project_logs%3Ademo")
    expect(page.locator(".trace-row").first).to_be_visible()
    newest = site.query("select: root_span_id | from: project_logs('demo') summary | limit: 1")[0]["root_span_id"]
    expect(page.locator("#trace-0")).to_have_attribute("href", re.compile(str(newest)))
    total = len(site.query("select: root_span_id | from: project_logs('demo') summary"))
    assert total > 100

    expect(page.locator(".start .status")).to_have_text("100+ traces")
    for _ in range(total // 100 + 1):
        page.locator(".traces").evaluate("element => element.scrollTo(0, element.scrollHeight)")
        page.wait_for_timeout(400)

    expect(page.locator(".start .status")).to_have_text(f"{total} traces")
    assert page.locator(".trace-row").count() < 80


def test_a_filter_narrows_the_list_and_a_wrong_one_is_marked_at_its_place(page, site, watched):
    page.goto(f"{site.url}/#object=project_logs%3Ademo")
    expect(page.locator(".trace-row").first).to_be_visible()
    area = page.get_by_label("Filter, an expression")
    area.fill("span_attributes.name = 'search'")
    area.press("Enter")
    expected = len(
        site.query(
            "select: root_span_id | from: project_logs('demo') summary | filter: span_attributes.name = 'search'"
        )
    )
    expect(page.locator(".start .status")).to_have_text(re.compile(f"^{min(expected, 100)}\\+? traces?$"))

    area.fill("metrics.tokens > lenght(input)")
    area.press("Enter")

    expect(page.locator(".start .problems")).to_contain_text("unknown function `lenght`")
    expect(page.locator(".start .problems")).to_contain_text("did you mean `length`?")
    expect(page.locator(".start .mistake")).to_have_text("lenght")
    assert watched.refused.pop() == 400


def test_a_filter_may_have_a_comment(page, site):
    commented = quote("id = 'p-llm' -- the call")
    page.goto(f"{site.url}/#object=project_logs%3Aplanted&filter={commented}")

    expect(page.locator(".trace-row")).to_have_count(1)
    expect(page.locator(".start .problems")).to_be_hidden()


def test_only_traces_with_errors(page, site):
    page.goto(f"{site.url}/#object=project_logs%3Ademo")
    expect(page.locator(".trace-row").first).to_be_visible()
    with page.expect_response("**/btql"):
        page.get_by_label("with errors").check()
    expect(page.locator(".start .status")).to_contain_text(re.compile("traces"))

    assert page.locator(".trace-row .state:not(.bad)").count() == 0
    assert page.locator(".trace-row").count() > 3


def test_a_dataset_is_shown_as_rows(page, site):
    page.goto(f"{site.url}/#object=dataset%3Aquestions")
    expect(page.locator(".start .status")).to_have_text("40 rows")
    assert page.locator(".start .head-button").all_text_contents() == ["created", "id", "input", "expected"]

    page.locator(".start .gutter a").first.click()

    expect(page.get_by_role("treeitem")).to_have_count(1)
    expect(page.locator(".of-expected")).to_be_visible()


def test_an_empty_server_says_how_traces_get_there(window, open_server, watched):
    for page in watch(window, open_server, watched):
        page.goto(open_server)
        expect(page.locator(".welcome")).to_contain_text("There are no traces yet")
        expect(page.locator(".welcome")).to_contain_text(f"BRAINTRUST_API_URL={open_server}")
        event = {"id": "first", "input": "hello", "span_attributes": {"name": "first steps"}}
        with httpx.Client(base_url=open_server) as client:
            project = client.post("/v1/project", json={"name": "mine"}).json()["id"]
            client.post(f"/v1/project_logs/{project}/insert", json={"events": [event]}).raise_for_status()

        page.get_by_role("button", name="Refresh").click()

        expect(page.locator(".trace-row")).to_contain_text("first steps")
        expect(page.locator(".objects a").first).to_have_text("mine")


def test_a_link_carries_the_filter(page, site, browser):
    page.goto(f"{site.url}/#object=project_logs%3Ademo")
    expect(page.locator(".trace-row").first).to_be_visible()
    area = page.get_by_label("Filter, an expression")
    area.fill("span_attributes.name = 'search'")
    area.press("Enter")
    # Not what it says while it asks, either.
    expect(page.locator(".start .status")).to_have_text(re.compile(r"^\s*(?!100)\d+ traces"))
    shown = page.locator(".start .status").inner_text()

    other = browser.new_page()
    other.goto(page.url)
    expect(other.locator(".start .status")).to_have_text(shown)
    other.close()


def test_the_list_can_be_of_the_last_days(page, site):
    now = datetime.now(UTC).isoformat()
    site.write("project_logs:fresh", [{"id": "new", "created": now}, {"id": "old", "created": "2020-01-01T00:00:00Z"}])
    page.goto(f"{site.url}/#object=project_logs%3Afresh")
    expect(page.locator(".start .status")).to_have_text("2 traces")

    page.get_by_label("Since when").select_option("last hour")

    expect(page.locator(".start .status")).to_have_text("1 trace")
    page.get_by_label("with errors").check()
    expect(page.get_by_text("Nothing matches the filter.")).to_be_visible()
