"""A window of the browser in which nothing happens that must not: no error, no violation, no request elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Response, ViewportSize, expect

_WAIT_MS = 30_000
"""How long anything in the window may take on a busy machine."""

_SIZE: ViewportSize = {"width": 1280, "height": 800}

# An expectation has a limit of its own, of five seconds, whatever the window's is.
expect.set_options(timeout=_WAIT_MS)

_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


@dataclass
class Watched:
    """What the browser did that nobody sees in the window."""

    errors: list[str] = field(default_factory=list)
    """Of the console and of scripts."""
    elsewhere: list[str] = field(default_factory=list)
    """Addresses of requests to anybody but the server."""
    refused: list[int] = field(default_factory=list)
    """Statuses of answers that were errors; a test that wants one takes it out."""


def window(browser: Browser) -> Page:
    """Return a window for one test after the other: with one for each, half of their time would go into opening it."""
    context = browser.new_context(viewport=_SIZE, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.set_default_timeout(_WAIT_MS)
    return page


def watch(page: Page, url: str, watched: Watched) -> Iterator[Page]:
    """Yield a window that is empty; afterwards check that it did nothing that it must not do, and empty it."""

    def said(message: ConsoleMessage) -> None:
        # A refused request is noted by its status.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            watched.errors.append(message.text)

    def failed(error: Error) -> None:
        watched.errors.append(error.stack or error.message)

    def answered(response: Response) -> None:
        if response.status >= 400:
            watched.refused.append(response.status)

    def asked(request: Request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            watched.elsewhere.append(request.url)

    listeners: dict[Any, Callable[..., None]] = {
        "console": said,
        "pageerror": failed,
        "response": answered,
        "request": asked,
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    try:
        yield page
        violations = page.evaluate("window.violations")
    finally:
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
        _empty(page, url)
    assert (watched.errors, watched.elsewhere, watched.refused, violations) == ([], [], [], [])


def _empty(page: Page, url: str) -> None:
    """Leave nothing of a test: what the page keeps, how the window looks."""
    page.goto(f"{url}/ping")
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.context.clear_cookies()
    page.goto("about:blank")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(_SIZE)
