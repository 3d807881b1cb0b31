"""The trace view: tree, timeline, sums, one span in full, search."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from playwright.sync_api import expect


@pytest.fixture
def planted(page, site):
    page.goto(site.trace("p-root", "planted"))
    expect(page.get_by_role("treeitem")).to_have_count(4)
    return page


def choose(page, name):
    page.get_by_role("treeitem", name=re.compile(f"^{name}")).click()
    expect(page.locator(".detail h2")).to_contain_text(name)
    expect(page.locator(".span-body")).to_be_visible()


def test_the_tree_has_every_span_below_its_parent(planted):
    levels = {
        item.get_attribute("aria-label").split(",")[0]: item.get_attribute("aria-level")
        for item in planted.get_by_role("treeitem").all()
    }

    assert levels == {"planted agent": "1", "chat": "2", "get_weather": "3", "Brevity": "2"}


def test_sums_of_the_trace(planted, site):
    expect(planted.locator(".sums")).to_contain_text("10.0 s")
    expect(planted.locator(".sums")).to_contain_text("1,500")
    cost = site.query("select: sum(estimated_cost()) as cost | from: project_logs('planted')")[0]["cost"]
    expect(planted.locator(".sums")).to_contain_text(f"${cost:.4f}")
    expect(planted.locator(".sums .bad dd")).to_have_text("1")
    expect(planted.locator(".trace-scores")).to_contain_text("25.0%")


def test_bars_lie_where_the_spans_were(planted):
    lane = planted.locator("#span-1 .lane").bounding_box()
    bar = planted.locator("#span-1 .span-bar").bounding_box()

    assert bar["x"] - lane["x"] == pytest.approx(0.1 * lane["width"], abs=1.5)
    assert bar["width"] == pytest.approx(0.25 * lane["width"], abs=1.5)


def test_messages_are_a_conversation(planted, shoot):
    choose(planted, "chat")

    messages = planted.locator(".of-input .message")
    assert [each.get_attribute("class").split("from-")[1] for each in messages.all()] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    expect(messages.nth(1)).to_contain_text("Nürnberg? ☂️ 天気は?")
    expect(messages.nth(2).locator(".tool-name")).to_have_text("get_weather")
    expect(messages.nth(2).locator(".json-key")).to_have_text("city")
    shoot("conversation")


def test_a_long_text_is_folded(planted):
    choose(planted, "chat")
    output = planted.locator(".of-output")
    expect(output).not_to_contain_text("quokka")

    output.get_by_role("button", name=re.compile("show all")).click()

    expect(output).to_contain_text("quokka")


def test_a_value_can_be_read_as_json_and_copied(planted):
    choose(planted, "chat")
    planted.locator(".of-input").get_by_role("button", name="JSON").click()
    expect(planted.locator(".of-input .json")).to_contain_text('tool_call_id: "call_1"')

    planted.locator(".of-input").get_by_role("button", name="Copy input").click()

    copied = json.loads(planted.evaluate("navigator.clipboard.readText()"))
    assert [message["role"] for message in copied] == ["system", "user", "assistant", "tool"]


def test_what_a_trace_says_never_becomes_markup(planted):
    choose(planted, "planted agent")

    expect(planted.locator(".of-output")).to_contain_text("<img src=x onerror=alert(1)> is what it said")
    assert planted.locator(".detail img").count() == 0
    assert planted.locator(".of-tags .chip").all_inner_texts() == ["golden", "<b>bold</b>"]


def test_errors_are_marked_and_found(planted):
    expect(planted.locator(".tree-row.failed")).to_have_count(1)
    planted.get_by_role("button", name="Next of 1 error").click()

    expect(planted.locator(".detail h2")).to_contain_text("get_weather")
    expect(planted.locator(".of-error")).to_contain_text("TimeoutError: the station does not answer")


def test_a_link_leads_to_the_span(planted, browser):
    choose(planted, "get_weather")
    planted.locator(".span-head").get_by_role("button", name="Copy link").click()
    link = planted.evaluate("navigator.clipboard.readText()")

    other = browser.new_page()
    other.goto(link)
    expect(other.locator(".detail h2")).to_contain_text("get_weather")
    expect(other.get_by_role("treeitem", selected=True)).to_contain_text("get_weather")
    other.close()


def test_search_finds_words_in_documents_and_parts_of_names(planted, shoot):
    field = planted.get_by_label("Search in this trace")
    field.fill("quokka")
    expect(planted.locator(".search-state")).to_have_text("1 of 1")
    expect(planted.locator(".detail h2")).to_contain_text("chat")
    # What is folded elsewhere is open where it was found.
    expect(planted.locator(".of-output")).to_contain_text("quokka")
    assert planted.evaluate("CSS.highlights.get('found').size") == 1
    shoot("search")

    field.fill("weath")
    expect(planted.locator(".search-state")).to_have_text("1 of 1")
    expect(planted.locator(".detail h2")).to_contain_text("get_weather")
    field.fill("Nürnberg")
    expect(planted.locator(".search-state")).to_have_text("1 of 2")
    field.press("Enter")
    expect(planted.locator(".search-state")).to_have_text("2 of 2")
    field.press("Enter")
    expect(planted.locator(".search-state")).to_have_text("1 of 2")
    field.fill("nowhere")
    expect(planted.locator(".search-state")).to_have_text("no match")
    field.press("Escape")
    expect(field).to_have_value("")
    expect(planted.get_by_role("tree")).to_be_focused()


def test_branches_fold(planted):
    planted.get_by_role("button", name="Fold all", exact=True).click()
    expect(planted.get_by_role("treeitem")).to_have_count(3)
    expect(planted.locator(".folded")).to_have_text("+1")
    planted.get_by_role("button", name="Unfold all").click()
    expect(planted.get_by_role("treeitem")).to_have_count(4)


def test_the_timeline_zooms_to_a_span(planted):
    choose(planted, "chat")
    planted.get_by_role("tree").focus()
    planted.keyboard.press("z")

    lane = planted.locator("#span-1 .lane").bounding_box()
    bar = planted.locator("#span-1 .span-bar").bounding_box()
    assert bar["width"] == pytest.approx(lane["width"], abs=1.5)
    planted.get_by_role("button", name="Zoom out").click()
    assert planted.locator("#span-1 .span-bar").bounding_box()["width"] < 0.3 * lane["width"]


def test_a_trace_that_is_not_there_says_so(page, site):
    page.goto(site.trace("nobody", "planted"))

    expect(page.locator(".trace .problems")).to_contain_text("There is no such trace")
    page.locator(".back").click()
    expect(page.locator(".trace-row").first).to_contain_text("planted agent")


def test_generated_traces_add_up(page, site):
    row = site.query(
        "select: root_span_id, metrics.total_tokens as tokens, metrics.estimated_cost as cost "
        "| from: project_logs('demo') summary | sort: metrics.llm_calls desc | limit: 1"
    )[0]
    spans = site.query(f"select: id | from: project_logs('demo') | filter: root_span_id = '{row['root_span_id']}'")
    page.goto(site.trace(str(row["root_span_id"])))

    expect(page.locator(".sums div").nth(1).locator("dd")).to_have_text(f"{len(spans):,}")
    expect(page.locator(".sums div").nth(2).locator("dd")).to_have_text(f"{row['tokens']:,}")


def test_attachments_are_shown_and_saved(page, site):
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0000000"
        "0301010018dd8db00000000049454e44ae426082"
    )
    value = {"type": "braintrust_attachment", "filename": "dot.png", "content_type": "image/png", "key": "a-dot"}
    with httpx.Client(base_url=site.url) as client:
        announced = client.post("/attachment", json={key: value[key] for key in ("key", "filename", "content_type")})
        client.put(
            announced.json()["signedUrl"], content=picture, headers=announced.json()["headers"]
        ).raise_for_status()
        done = {"key": "a-dot", "status": {"upload_status": "done"}}
        client.post("/attachment/status", json=done).raise_for_status()
    row = {
        "id": "pictures",
        "input": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": value}}]}],
    }
    site.write("project_logs:pictures", [{**row, "span_id": "pictures", "root_span_id": "pictures"}])
    page.goto(site.trace("pictures", "pictures"))
    file = page.locator(".attachment")
    expect(file).to_contain_text("dot.png")

    file.get_by_role("button", name="Show").click()

    expect(file.locator("img")).to_be_visible()
    assert file.locator("img").evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 1
    with page.expect_download() as waiting:
        file.get_by_role("button", name="Download").click()
    assert waiting.value.suggested_filename == "dot.png"
    assert waiting.value.path().read_bytes() == picture
