"""The page with keys: it asks for one, keeps it in the tab, and shows what the key may read and nothing else."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from server_support.browsing import Watched, watch

from btql_server.access.desk import Desk
from btql_server.access.model import Level


@pytest.fixture(scope="module")
def project(party):
    """A project with a trace, and its id."""
    ann = party.join("ann@example.com", Level.ADMIN)
    found = ann.post("/v1/project", json={"name": "support bot"}).json()
    event = {"id": "one", "input": "hello", "output": "hi", "span_attributes": {"name": "greeting"}}
    ann.post(f"/v1/project_logs/{found['id']}/insert", json={"events": [event]}).raise_for_status()
    return found["id"]


@pytest.fixture
def watched():
    return Watched()


@pytest.fixture
def page(window, party, watched):
    yield from watch(window, party.url, watched)


def test_a_key_is_asked_for_and_kept_in_the_tab(page, party, project, watched, browser):
    page.goto(party.url)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This server asks for a key.")
    dialog.get_by_role("textbox", name="Key").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("Invalid API key")

    dialog.get_by_role("textbox", name="Key").fill(party.key("eve@example.com", Level.READ).text)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#who")).to_contain_text("eve@example.com")
    page.get_by_role("link", name="support bot").first.click()
    expect(page.locator(".trace-row")).to_contain_text("greeting")
    page.reload()
    expect(page.locator(".trace-row")).to_contain_text("greeting")
    expect(dialog).to_be_hidden()

    other = browser.new_page()
    other.goto(party.url)
    expect(other.get_by_role("dialog")).to_be_visible()
    other.close()
    assert set(watched.refused) == {401}
    watched.refused.clear()


def test_the_dialog_stays_until_there_is_a_key(page, party, project, watched):
    page.goto(party.url)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    key = dialog.get_by_role("textbox", name="Key")
    # No header can carry it.
    key.fill("ключ")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    assert key.evaluate("input => input.validity.patternMismatch")

    key.fill(f" {party.key('eve@example.com', Level.READ).text} ")
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_contain_text("eve@example.com")
    expect(dialog).to_be_hidden()

    # Another one is not needed.
    page.get_by_role("button", name="Change key").click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Refresh").first.click()
    expect(page.locator(".trace-row")).to_contain_text("greeting")
    assert set(watched.refused) == {401}
    watched.refused.clear()


def test_a_key_that_is_revoked_is_asked_for_again(page, party, project, watched):
    eve = party.key("eve@example.com", Level.READ)
    page.goto(f"{party.url}/#query=SELECT%20count(*)%20FROM%20project_logs('support%20bot')")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Key").fill(eve.text)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    # What the page itself asks with the key is answered: else that is refused, and the dialog takes the keys meant for
    # the query.
    expect(page.locator("#who")).to_contain_text("eve@example.com")
    with Desk.at(party.folder, "a test") as opened:
        opened.revoke(eve.key.id)
    page.locator(".console .area").press("Control+Enter")
    expect(dialog).to_contain_text("Invalid API key")

    dialog.get_by_role("textbox", name="Key").fill(party.key("eve@example.com", Level.READ).text)
    page.keyboard.press("Enter")

    expect(page.locator(".grid-row")).to_have_count(1)
    watched.refused.clear()


def test_a_key_of_another_organization_sees_nothing_of_it(page, party, project, watched):
    page.goto(party.url)
    page.get_by_role("textbox", name="Key").fill(
        party.key("otto@other.example", Level.ADMIN, organization="other").text
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#who")).to_contain_text("other")
    expect(page.get_by_text("support bot")).to_have_count(0)

    page.goto(f"{party.url}/#trace=project_logs%3A{project}&id=one")

    expect(page.locator(".trace .problems")).to_contain_text("Missing read access")
    assert set(watched.refused) == {401, 403}
    watched.refused.clear()


def test_names_of_projects_do_in_queries(page, party, project, watched):
    page.goto(f"{party.url}/#query")
    page.get_by_role("textbox", name="Key").fill(party.key("eve@example.com", Level.READ).text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    area = page.locator(".console .area")
    area.fill("select: root_span_id, span_attributes.name | from: project_logs('support bot')")
    area.press("Control+Enter")
    expect(page.locator(".grid-row")).to_contain_text("greeting")

    page.get_by_role("link", name="Open the trace").click()

    expect(page.locator(".trace-name h1")).to_have_text("greeting")
    watched.refused.clear()


def test_what_the_page_asks_is_answered_by_permission(party, project):
    eve, otto = party.join("eve@example.com", Level.READ), party.join("otto@other.example", organization="other")

    mine = eve.get("/page/objects").json()
    assert mine["organization"] == "default"
    assert mine["user"] == "eve@example.com"
    (logs,) = [each for each in mine["objects"] if each["kind"] == "project_logs"]
    assert (logs["name"], logs["label"], logs["project"]) == (project, "support bot", None)
    assert [each for each in otto.get("/page/objects").json()["objects"] if each["kind"] != "audit_log"] == []
    fields = eve.get("/page/fields", params={"object": f"project_logs:{project}"}).json()["fields"]
    assert {"path": "span_attributes.name", "kinds": ["text"]} in fields
    assert {"path": "created", "kinds": ["time"]} in fields
    assert fields == eve.get("/page/fields", params={"object": "project_logs:support bot"}).json()["fields"]
    assert otto.get("/page/fields", params={"object": f"project_logs:{project}"}).status_code == 403
    assert otto.get("/page/fields", params={"object": "project_logs:support bot"}).status_code == 403
    question = {"query": f"select: id | from: project_logs('{project}')"}
    assert "engine plan" in eve.post("/page/explain", json=question).json()["plan"]
    assert otto.post("/page/explain", json=question).status_code == 403


@pytest.mark.parametrize("named", ["", "demo", "nothing:demo", "project_logs:", ":", "project_logs"])
def test_a_wrong_object_is_refused(party, named):
    answer = party.join("eve@example.com", Level.READ).get("/page/fields", params={"object": named})

    assert answer.status_code == 400
    assert "project_logs:demo" in answer.json()["Message"]
