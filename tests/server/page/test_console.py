"""The query console: both languages, mistakes, completion, views of the answer, downloads, links, history."""

from __future__ import annotations

import csv
import io
import json
import re
from urllib.parse import unquote

import pyarrow as pa
import pytest
from playwright.sync_api import expect

BY_MODEL = (
    "from: project_logs('demo') | dimensions: metadata.model as model | measures: count(1) as calls, "
    "sum(metrics.tokens) as tokens | filter: span_attributes.type = 'llm' | sort: calls desc"
)


@pytest.fixture
def console(page, site):
    page.goto(f"{site.url}/#query")
    expect(page.locator(".console .area")).to_be_focused()
    return page


def run(page, text):
    page.locator(".console .area").fill(text)
    with page.expect_response("**/btql"):
        page.keyboard.press("Control+Enter")
    expect(page.locator(".console")).not_to_have_class(re.compile("busy"))
    expect(page.locator(".answer .status")).to_have_text(re.compile(r"^[\d,]+ rows? · "))


def cells(page, column):
    return page.locator(f".grid-row [aria-colindex='{column}']").all_inner_texts()


def test_btql_and_sql_give_the_same_table(console, site):
    run(console, BY_MODEL)
    expected = site.query(BY_MODEL)
    assert console.locator(".head-button").all_inner_texts() == ["model", "calls", "tokens"]
    assert cells(console, 1) == [str(row["model"]) for row in expected]
    assert cells(console, 2) == [str(row["calls"]) for row in expected]
    expect(console.locator(".badge")).to_have_text("BTQL")

    run(
        console,
        "SELECT metadata.model AS model, count(1) AS calls, sum(metrics.tokens) AS tokens FROM project_logs('demo') "
        "WHERE span_attributes.type = 'llm' GROUP BY 1 ORDER BY 2 DESC",
    )

    assert cells(console, 1) == [str(row["model"]) for row in expected]
    expect(console.locator(".badge")).to_have_text("SQL")


def test_words_are_coloured_by_what_they_are(console):
    console.locator(".console .area").fill(
        "select: count(1), metadata.from -- count\n| from: project_logs('demo') traces | filter: error is not null"
    )
    found = {
        kind: console.locator(f".console .copy .is-{kind}").all_inner_texts()
        for kind in ("keyword", "function", "kind", "string", "comment", "shape", "piece", "operator")
    }

    assert found["keyword"] == ["select", "from", "filter"]
    assert found["function"] == ["count"]
    assert found["kind"] == ["project_logs"]
    assert found["string"] == ["'demo'"]
    assert found["comment"] == ["-- count"]
    assert found["shape"] == ["traces"]
    assert found["piece"] == [".from"]
    assert {"is", "not"} <= set(found["operator"])


def test_a_mistake_is_drawn_at_its_place(console, watched, shoot):
    # The characters before it take two units of UTF-16 each.
    console.locator(".console .area").fill("select: '🚀🚀' as a, lenght(output)\n| from: project_logs('demo')")
    console.keyboard.press("Control+Enter")

    expect(console.locator(".problem .code")).to_have_text("B0201")
    expect(console.locator(".console .mistake")).to_have_text("lenght")
    expect(console.locator(".problem .help")).to_have_text("help: did you mean length?")
    shoot("mistake")
    console.locator(".problem .place").click()
    place = console.locator(".console .area").evaluate("area => area.value.slice(area.selectionStart)")
    assert place.startswith("lenght(")
    console.keyboard.type("x")
    expect(console.locator(".console .mistake")).to_have_count(0)
    assert watched.refused.pop() == 400


def test_a_mistake_at_the_end_is_drawn_there(console, watched):
    console.locator(".console .area").fill("select: id | from: project_logs('demo') | filter: id =")
    console.keyboard.press("Control+Enter")

    expect(console.locator(".console .mistake")).to_have_count(1)
    assert watched.refused.pop() == 400


def offers(page):
    expect(page.locator(".console .offers")).to_be_visible()
    return page.locator(".console .offer-text").all_inner_texts()


def test_clauses_objects_fields_and_functions_are_completed(console):
    area = console.locator(".console .area")
    area.press_sequentially("sel")
    assert offers(console)[0] == "select:"
    console.keyboard.press("Enter")
    area.press_sequentially("id | from: pla")
    assert offers(console)[0] == "project_logs('planted')"
    console.keyboard.press("Tab")
    expect(area).to_have_value("select: id | from: project_logs('planted')")

    area.press_sequentially(" | filter: metadata.us")
    assert offers(console)[0] == "metadata.user"
    console.keyboard.press("Enter")
    area.press_sequentially(" = 'ada' and estim")
    assert offers(console)[0] == "estimated_cost()"
    console.keyboard.press("Escape")
    expect(console.locator(".console .offers")).to_be_hidden()
    console.keyboard.press("Control+Space")
    console.keyboard.press("Enter")
    expect(area).to_have_value(re.compile(r"filter: metadata\.user = 'ada' and estimated_cost\($"))


def test_names_of_objects_are_completed_between_quotes(console):
    area = console.locator(".console .area")
    area.press_sequentially("SELECT id FROM dataset('que")
    assert offers(console) == ["questions"]
    console.keyboard.press("Enter")

    expect(area).to_have_value("SELECT id FROM dataset('questions")


def test_completion_is_told_to_screen_readers(console):
    area = console.locator(".console .area")
    area.press_sequentially("sel")
    offers(console)

    expect(area).to_have_attribute("aria-expanded", "true")
    chosen = console.locator(f"#{area.get_attribute('aria-activedescendant')}")
    expect(chosen).to_have_attribute("role", "option")
    expect(chosen).to_have_attribute("aria-selected", "true")


def test_a_column_is_sorted_by_its_head(console):
    run(console, "select: id, metrics.tokens as tokens | from: project_logs('demo') | limit: 200")

    console.get_by_role("button", name="tokens", exact=True).click()
    upwards = [int(text) for text in cells(console, 2) if text != "null"]
    console.get_by_role("button", name="tokens", exact=True).click()
    downwards = [int(text) for text in cells(console, 2) if text != "null"]

    assert upwards == sorted(upwards)
    assert downwards == sorted(downwards, reverse=True)
    assert downwards[0] > upwards[0]
    expect(console.get_by_role("columnheader", name="tokens")).to_have_attribute("aria-sort", "descending")


def test_columns_named_by_numbers_stand_where_the_query_has_them(console):
    run(console, """SELECT id, 1 AS "404", 2 AS "200" FROM project_logs('planted') LIMIT 2""")

    assert console.locator(".grid-head .head").all_inner_texts() == ["id", "404", "200"]


def test_a_nested_value_opens_beside_the_table(console):
    run(console, "select: metadata, input | from: project_logs('planted') | filter: id = 'p-root'")
    console.locator(".cell.of-object").first.hover()
    console.locator(".cell.of-object .expand").first.click()

    drawer = console.locator(".drawer")
    expect(drawer.locator(".json-key", has_text="user")).to_be_visible()
    drawer.get_by_role("button", name="300 items").click()
    expect(drawer.get_by_role("button", name="show 100 of 200 more")).to_be_visible()
    drawer.get_by_role("button", name="Copy", exact=True).first.click()
    assert json.loads(console.evaluate("navigator.clipboard.readText()"))["user"] == "ada"


def test_json_view(console):
    run(console, "select: id, span_attributes | from: project_logs('planted') | sort: created | limit: 2")
    console.get_by_role("tab", name="JSON").click()

    expect(console.locator(".json-pane")).to_contain_text("p-root")
    console.get_by_role("button", name="Copy", exact=True).last.click()
    assert [row["id"] for row in json.loads(console.evaluate("navigator.clipboard.readText()"))] == ["p-root", "p-llm"]


def test_chart(console, shoot, site):
    run(console, BY_MODEL)
    console.get_by_role("tab", name="Chart").click()

    groups = len(site.query(BY_MODEL))
    expect(console.locator(".drawing rect.series-0")).to_have_count(groups)
    heights = [float(bar.get_attribute("height") or 0) for bar in console.locator(".drawing rect").all()]
    assert heights == sorted(heights, reverse=True)
    console.get_by_role("checkbox", name="tokens").check()
    expect(console.locator(".drawing rect.series-1")).to_have_count(groups)
    shoot("chart-bars")
    console.get_by_label("Line").check()
    expect(console.locator(".drawing path.stroke-0")).to_have_count(1)
    console.locator(".drawing").hover()
    expect(console.locator(".tip")).to_contain_text("calls:")


def test_a_chart_over_time_is_a_line(console):
    run(console, "SELECT day(created) AS day, count(1) AS spans FROM project_logs('demo') GROUP BY 1")
    console.get_by_role("tab", name="Chart").click()

    expect(console.locator(".drawing path.stroke-0")).to_have_count(1)
    expect(console.get_by_role("img", name=re.compile("Lines of spans over day"))).to_be_visible()


def test_pages_follow_each_other(console, site):
    query = "select: id | from: project_logs('demo') | limit: 60"
    run(console, query)
    expect(console.locator(".answer .status")).to_contain_text("60 rows")
    console.get_by_role("button", name="Next page").click()
    expect(console.locator(".answer .status")).to_contain_text("120 rows")

    console.get_by_role("tab", name="JSON").click()
    console.get_by_role("button", name="Copy", exact=True).last.click()
    shown = [row["id"] for row in json.loads(console.evaluate("navigator.clipboard.readText()"))]
    assert shown == [row["id"] for row in site.query("select: id | from: project_logs('demo') | limit: 120")]


def test_an_answer_without_a_limit_says_that_there_is_more(console):
    run(console, "select: id | from: project_logs('demo')")

    expect(console.locator(".answer .status")).to_contain_text("1,000 rows")
    expect(console.locator(".warnings")).to_contain_text("no limit of its own")
    assert console.locator(".grid-row").count() < 60


def downloaded(page, name):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return waiting.value


def test_csv_has_every_row(console, site):
    query = "select: id, metadata, input, metrics.tokens as tokens | from: project_logs('demo')"
    run(console, query)
    file = downloaded(console, "CSV")

    assert file.suggested_filename.endswith(".csv")
    with file.path().open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    expected = site.query(query)
    assert len(rows) == len(expected) > 1_000
    for row, wanted in zip(rows, expected, strict=True):
        assert list(row) == ["id", "metadata", "input", "tokens"]
        assert row["id"] == wanted["id"]
        assert row["tokens"] == ("" if wanted["tokens"] is None else str(wanted["tokens"]))
        assert (json.loads(row["metadata"]) if row["metadata"] else None) == wanted["metadata"]


def test_arrow_has_every_row(console, site):
    query = "select: id, metrics.tokens as tokens | from: project_logs('demo')"
    run(console, query)
    file = downloaded(console, "Arrow")

    with pa.ipc.open_stream(io.BytesIO(file.path().read_bytes())) as reader:
        table = reader.read_all()
    assert file.suggested_filename.endswith(".arrows")
    assert table.column("id").to_pylist() == [row["id"] for row in site.query(query)]


def test_what_was_written_is_not_written_again_by_saving_it(console):
    run(console, "INSERT INTO project_logs('written') (id) VALUES ('a')")
    expect(console.locator(".grid-row")).to_have_text(re.compile("1$"))
    for name in ("CSV", "Arrow"):
        expect(console.get_by_role("button", name=name, exact=True)).to_be_hidden()

    run(console, "select: id | from: project_logs('written')")

    for name in ("CSV", "Arrow"):
        expect(console.get_by_role("button", name=name, exact=True)).to_be_visible()


def test_a_schema_that_is_inferred_is_shown(console):
    run(console, "infer: metrics | from: project_logs('planted')")
    expect(console.locator(".grid-row")).to_contain_text('{"type":"object","properties":{')
    console.get_by_role("tab", name="JSON").click()
    expect(console.get_by_role("tabpanel")).to_contain_text("properties")


def test_keys_belong_to_what_is_being_composed(console):
    asked = []
    console.on("request", lambda request: asked.append(request.url))
    console.get_by_role("link", name="Traces", exact=True).click()
    field = console.get_by_label("Filter, an expression")
    expect(console.locator(".trace-row").first).to_be_visible()
    asked.clear()
    enter = {"key": "Enter", "bubbles": True, "isComposing": True}
    field.dispatch_event("keydown", enter)
    assert [url for url in asked if url.endswith("/btql")] == []

    with console.expect_response("**/btql"):
        field.dispatch_event("keydown", enter | {"isComposing": False})


def test_a_link_carries_the_query_and_does_not_run_it(console, browser, site):
    run(console, BY_MODEL)
    console.get_by_role("tab", name="Chart").click()
    console.get_by_role("button", name="Share").click()
    link = console.evaluate("navigator.clipboard.readText()")
    assert BY_MODEL in unquote(link)

    other = browser.new_page()
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url))
    other.goto(link)
    expect(other.locator(".console .area")).to_have_value(BY_MODEL)
    expect(other.get_by_text("Not run yet")).to_be_visible()
    assert not [url for url in asked if url.endswith("/btql")]
    other.keyboard.press("Control+Enter")
    expect(other.locator(".drawing rect").first).to_be_visible()
    other.close()


def test_history_keeps_what_was_run(console, watched):
    run(console, "select: id | from: project_logs('planted')")
    run(console, BY_MODEL)
    console.locator(".console .area").fill("select: nothing(")
    console.keyboard.press("Control+Enter")
    expect(console.locator(".problem")).to_be_visible()
    assert watched.refused.pop() == 400
    console.reload()

    console.get_by_role("button", name="History").click()
    lines = console.locator(".history-entry")
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("error")
    console.get_by_label("Search history").fill("planted")
    expect(lines).to_have_count(1)
    expect(lines.first).to_contain_text("4 rows")
    lines.first.click()
    expect(console.locator(".console .area")).to_have_value("select: id | from: project_logs('planted')")


def test_explain_shows_how_both_languages_run(console, watched, shoot):
    run(console, BY_MODEL)
    console.get_by_role("tab", name="Explain").click()
    expect(console.locator(".plan-head")).to_contain_text(["-- tree", "-- typed plan", "-- rewritten plan"])
    shoot("explain")

    console.get_by_role("button", name="Run it and measure").click()
    expect(console.locator(".plan")).to_contain_text("rows out")
    run(console, "SELECT id FROM project_logs('planted')")
    expect(console.locator(".plan")).to_contain_text("SELECT id")
    assert watched.refused == []


def test_a_query_can_be_cancelled(console, site):
    slow = (
        "SELECT count(1) FROM project_logs('large') a JOIN project_logs('large') b ON a.metrics.start < b.metrics.end"
    )
    console.locator(".console .area").fill(slow)
    console.keyboard.press("Control+Enter")
    # What is saved meanwhile would take its place, and nothing would cancel it any more.
    expect(console.get_by_role("button", name="CSV")).to_be_disabled()
    expect(console.locator(".answer .status")).to_have_attribute("aria-busy", "true")
    console.get_by_role("button", name="Cancel").click()

    expect(console.locator(".answer .status")).to_contain_text("cancelled after")
    expect(console.get_by_role("button", name="Run")).to_be_visible()
    run(console, "select: id | from: project_logs('planted')")
    expect(console.get_by_role("button", name="CSV")).to_be_enabled()
    expect(console.locator(".answer .status")).to_have_attribute("aria-busy", "false")


def test_a_row_leads_to_its_trace(console, site):
    run(
        console,
        "select: root_span_id, id, span_attributes.name | from: project_logs('planted') | filter: id = 'p-tool'",
    )
    console.get_by_role("link", name="Open the trace").click()

    expect(console.locator(".detail h2")).to_contain_text("get_weather")
    expect(console.get_by_role("treeitem", selected=True)).to_contain_text("get_weather")
    console.go_back()
    expect(console.locator(".grid-row")).to_have_count(1)


def test_an_example_is_a_query_that_runs(console, site):
    examples = console.locator(".example")
    expect(examples).to_have_count(5)
    for place in range(5):
        console.evaluate("sessionStorage.clear()")
        console.goto("about:blank")
        console.goto(f"{site.url}/#query")
        console.locator(".example").nth(place).click()
        console.keyboard.press("Control+Enter")
        expect(console.locator(".answer .status")).to_have_text(re.compile(r"^[\d,]+ rows? · "))


def test_examples_name_an_object_that_there_is_from_the_first(console, site):
    held = []

    def hold(route):
        held.append(route)

    console.evaluate("sessionStorage.clear()")
    console.goto("about:blank")
    console.route("**/page/objects", hold)
    console.goto(f"{site.url}/#query")
    expect(console.locator(".console .area")).to_be_visible()
    expect(console.locator(".example")).to_have_count(0)
    while not held:
        console.wait_for_timeout(50)
    held[0].continue_()
    console.unroute("**/page/objects")

    expect(console.locator(".example")).to_have_count(5)
    expect(console.locator(".examples")).not_to_contain_text("my-project")


def test_fields_are_listed_beside_the_query_and_inserted(console):
    console.get_by_role("button", name="Fields").click()
    panel = console.get_by_role("complementary", name="Fields")
    area = console.locator(".console .area")
    panel.get_by_role("button", name="project_logs('planted')").click()
    expect(area).to_have_value("project_logs('planted')")
    panel.get_by_label("Find a field").fill("metadata.us")
    area.press("Home")
    area.press_sequentially("select: ")

    panel.get_by_role("button", name="metadata.user text").click()

    expect(area).to_have_value("select: metadata.userproject_logs('planted')")
    console.get_by_role("button", name="History").click()
    expect(panel).to_be_hidden()
