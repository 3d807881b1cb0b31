"""A server that goes away and comes back while the page is open: that is said, and what comes then is shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

UNREACHABLE = "The server cannot be reached: is it running?"


class Connection:
    """Between the window and the server."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._cut = list[str]()

    def cut(self) -> None:
        """From now on the server answers no question."""
        self._cut = ["**/btql", "**/page/objects"]
        for each in self._cut:
            self._page.route(each, lambda route: route.abort("connectionrefused"))

    def mend(self) -> None:
        """From now on it does."""
        for each in self._cut:
            self._page.unroute(each)
        self._cut = []


@pytest.fixture
def connection(page):
    found = Connection(page)
    yield found
    found.mend()


def test_the_list_of_traces_comes_when_the_server_does(page, site, connection):
    connection.cut()
    page.goto(site.url)
    expect(page.locator(".start .problems")).to_have_text(UNREACHABLE)

    connection.mend()
    page.get_by_role("button", name="Refresh").click()

    expect(page.locator(".trace-row").first).to_be_visible()
    expect(page.locator(".start .problems")).to_be_hidden()


def test_a_list_that_was_left_is_asked_for_when_one_comes_back(page, site, connection):
    page.goto(f"{site.url}/#object=project_logs%3Ademo")
    expect(page.locator(".trace-row").first).to_be_visible()
    connection.cut()
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator(".start .problems")).to_have_text(UNREACHABLE)

    page.get_by_role("link", name="Query").click()
    connection.mend()
    page.go_back()

    expect(page.locator(".trace-row").first).to_be_visible()
    expect(page.locator(".start .problems")).to_be_hidden()


def test_a_trace_stays_and_is_fetched_again(page, site, connection):
    page.goto(site.trace("p-root", "planted"))
    expect(page.locator(".span-body")).to_be_visible()
    connection.cut()
    page.get_by_role("tree").press("r")
    expect(page.locator(".trace > .problems")).to_have_text(UNREACHABLE)
    page.get_by_role("tree").press("ArrowDown")
    expect(page.get_by_role("treeitem", selected=True)).to_have_attribute("id", "span-1")

    connection.mend()
    page.get_by_role("tree").press("r")

    expect(page.locator(".trace > .problems")).to_be_hidden()
    expect(page.locator(".sums")).to_be_visible()


@pytest.mark.parametrize("opened", ["Fields", "completion"])
def test_what_there_is_cannot_be_listed(page, site, connection, opened):
    connection.cut()
    page.goto(f"{site.url}/#query")
    if opened == "Fields":
        page.get_by_role("button", name="Fields").click()
        expect(page.get_by_role("complementary", name="Fields")).to_contain_text(UNREACHABLE)
    else:
        page.locator(".console .area").press_sequentially("select: id | from: ")
        page.locator(".console .area").press("Control+ ")
        expect(page.get_by_role("listbox")).to_be_hidden()
