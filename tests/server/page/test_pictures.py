"""The pictures in the documentation: an agent's trace, and a query; ``--update`` takes them anew."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
LATENCY = """from: project_logs('demo')
| dimensions: metadata.model as model
| measures: avg(metrics.end - metrics.start) as mean, percentile(metrics.end - metrics.start, 0.95) as p95
| filter: span_attributes.type = 'llm'
| sort: p95 desc"""


@pytest.fixture
def take(page, update):
    """Keep a picture for the documentation."""

    def keep(name: str) -> None:
        path = IMAGES / name
        if update:
            path.parent.mkdir(exist_ok=True)
            page.screenshot(path=path)
        assert 10_000 < path.stat().st_size < 200_000

    return keep


def test_an_agent_at_work(page, site, take):
    page.goto(site.trace("refund", "agent"))
    expect(page.get_by_role("treeitem")).to_have_count(17)
    page.get_by_role("treeitem", name=re.compile("Chat Completion.*")).nth(3).click()
    expect(page.locator(".of-output .message")).to_be_visible()
    expect(page.locator(".sums")).to_contain_text("14.2 s")
    expect(page.locator(".tree-row.failed")).to_have_count(1)
    take("page-trace.png")


def test_latency_by_model(page, site, take):
    page.goto(f"{site.url}/#query={quote(LATENCY)}&view=chart")
    page.locator(".console .area").press("Control+Enter")
    page.get_by_role("checkbox", name="p95").check()
    expect(page.locator(".drawing rect.series-1").first).to_be_visible()
    page.mouse.move(640, 60)
    take("page-query.png")
