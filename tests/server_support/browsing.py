"""A window of the browser in which nothing happens that must not: no error, no violation, no request elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, Request, Response, expect

_WAIT_MS = 30_000
"""How long anything in the window may take on a busy machine."""

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


def opened(browser: Browser, url: str, watched: Watched) -> Iterator[Page]:
    """Yield an empty window; afterwards check that it did nothing that it must not do."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.set_default_timeout(_WAIT_MS)

    def said(message) -> None:
        # A refused request is noted by its status.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            watched.errors.append(message.text)

    def answered(response: Response) -> None:
        if response.status >= 400:
            watched.refused.append(response.status)

    def asked(request: Request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            watched.elsewhere.append(request.url)

    page.on("console", said)
    page.on("pageerror", lambda error: watched.errors.append(error.stack or error.message))
    page.on("response", answered)
    page.on("request", asked)
    yield page
    violations = page.evaluate("window.violations")
    context.close()
    assert (watched.errors, watched.elsewhere, watched.refused, violations) == ([], [], [], [])
