"""Pictures of the views, light, dark and narrow; and that nothing is cut off or unreadable in them."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

BY_MODEL = """from: project_logs('demo')
| dimensions: metadata.model as model
| measures: count(1) as calls, percentile(metrics.end - metrics.start, 0.95) as p95, sum(estimated_cost()) as cost
| filter: span_attributes.type = 'llm'
| sort: calls desc"""
CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const style = getComputedStyle(element);
    if (walker.currentNode.data.trim() === "" || element.offsetParent === null) continue;
    if (element.closest(".unseen, svg, :disabled, .area, .of-null, .bar-text.inside")) continue;
    const text = rgba(style.color);
    if (text[3] < 250) continue;
    const [a, b] = [light(text), light(behind(element))].sort((left, right) => right - left);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.4) found.push(`${ratio.toFixed(2)} ${element.className}: ${walker.currentNode.data.slice(0, 30)}`);
  }
  return found;
}
"""


def views(site):
    longest = site.query(
        "select: root_span_id | from: project_logs('demo') summary | filter: metrics.tokens > 0 "
        "| sort: metrics.llm_calls desc | limit: 1"
    )[0]["root_span_id"]
    return {
        "traces": f"{site.url}/#object=project_logs%3Ademo",
        "trace": site.trace(str(longest)),
        "query": f"{site.url}/#query={quote(BY_MODEL)}",
    }


def show(page, name, address):
    page.goto("about:blank")
    page.goto(address)
    if name == "query":
        page.locator(".console .area").press("Control+Enter")
        expect(page.locator(".grid-row").first).to_be_visible()
    elif name == "trace":
        expect(page.locator(".span-body")).to_be_visible()
    else:
        expect(page.locator(".trace-row").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_readable(page, site, shoot, scheme):
    page.emulate_media(color_scheme=scheme)
    for name, address in views(site).items():
        show(page, name, address)
        shoot(f"{name}-{scheme}")
        assert page.evaluate(CONTRAST) == [], name


@pytest.mark.parametrize("width", [390, 720, 1920])
def test_no_window_is_too_narrow(page, site, shoot, width):
    page.set_viewport_size({"width": width, "height": 820})
    for name, address in views(site).items():
        show(page, name, address)
        shoot(f"{name}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate("document.documentElement.scrollHeight") <= 820, name
