"""Links that SDKs print, followed in a browser."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def evaluated(site):
    """An experiment with two traces."""
    with httpx.Client(base_url=site.url, timeout=60) as client:
        body = {"project_name": "linked to", "experiment_name": "ev / 1"}
        made = client.post("/api/experiment/register", json=body).json()["experiment"]
        rows = [{"id": f"row {n}", "experiment_id": made["id"], "input": f"question {n}"} for n in range(2)]
        assert client.post("/logs3", json={"rows": rows, "api_version": 2}).status_code == 200
        summary = client.get(f"/v1/experiment/{made['id']}/summarize").json()
    return made["id"], summary["experiment_url"]


def test_the_link_of_an_experiment_shows_its_traces(page, evaluated):
    page.goto(evaluated[1])
    expect(page.get_by_text("question 0")).to_be_visible()
    expect(page.get_by_text("question 1")).to_be_visible()


def test_the_link_of_a_row_shows_its_trace(page, site, evaluated):
    page.goto(f"{site.url}/app/default/object?object_type=experiment&object_id={evaluated[0]}&id=row%201")
    expect(page.get_by_text("question 1")).to_be_visible()
    expect(page.get_by_text("question 0")).to_have_count(0)
