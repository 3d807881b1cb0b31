"""A real Chromium over a real server with generated traces; what it must never do is watched in every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from server_support import browsing, chromium
from server_support.browsing import Watched, watch
from server_support.planted import PLANTED

import btql
from btql.generate.dice import Dice
from btql.generate.events import TraceEvents
from btql.generate.profile import profile_named
from btql.generate.stream import generate
from btql.generate.trace import plan_trace
from btql_server.running import running
from btql_server.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
ARTIFACTS = Path(os.environ.get("BTQL_ARTIFACTS") or ROOT / "tests" / ".artifacts")
LARGE = 10_000
"""Spans of the large trace."""


@dataclass
class Site:
    """A server with data, and the ids that tests ask for."""

    url: str
    data: Path
    large_trace: str

    def trace(self, trace_id: str, name: str = "demo") -> str:
        return f"{self.url}/#trace=project_logs%3A{name}&id={trace_id}"

    def write(self, target: str, events: list[dict[str, object]]) -> None:
        """Write beside the server, as a program with the database embedded does."""
        with btql.connect(self.data) as connection:
            connection.ingest(target, events)

    def query(self, text: str) -> list[dict[str, object]]:
        """Ask the database beside the server."""
        with btql.connect(self.data, read_only=True) as connection:
            return connection.query(text).rows()


def large_trace() -> tuple[str, list[bytes]]:
    """Return the id and the events of one trace with ``LARGE`` spans."""
    profile, dice = profile_named("small"), Dice(11)
    events = TraceEvents(profile, dice, plan_trace(profile, dice, 1_780_000_000_000, LARGE))
    lines = [line for _, line, _ in events]
    return events._span_ids[0].decode(), lines


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # The sandbox does not work for root, which containers often are.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        found = playwright.chromium.launch(executable_path=chromium.executable(), args=arguments)
        yield found
        found.close()


@pytest.fixture(scope="session")
def window(browser: Browser) -> Page:
    return browsing.window(browser)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("page") / "db"
    large, lines = large_trace()
    with btql.connect(data) as connection:
        for batch in generate("small", 2_500, 7):
            connection.ingest("project_logs:demo", batch)
        connection.ingest("project_logs:planted", PLANTED)
        connection.ingest("project_logs:agent", (ROOT / "docs" / "examples" / "agent.ndjson").read_bytes().splitlines())
        connection.ingest("project_logs:large", lines)
        connection.compact()
        # The newest traces are in the log and not yet in a part.
        connection.ingest(
            "dataset:questions", [{"id": f"d{n}", "input": {"q": n}, "expected": n * n} for n in range(40)]
        )
    with running(Settings(data, ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        yield Site(url, data, large)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def page(window: Page, site: Site, watched: Watched) -> Iterator[Page]:
    yield from watch(window, site.url, watched)


@pytest.fixture
def shoot(page: Page):
    """Keep a picture of the window."""

    def keep(name: str) -> None:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTIFACTS / f"{name}.png")

    return keep
