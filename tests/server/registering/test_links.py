"""The links that SDKs print lead to the page."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import pytest

ROW = "7f0c7d3e-0000-4000-8000-00000000000a"


def target(answer):
    """Return what a redirect asks the page for."""
    assert answer.status_code == 302
    place = urlsplit(answer.headers["location"])
    assert place.path == "/"
    return {key: value for key, (value,) in parse_qs(place.fragment).items()}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/p/chat", {"object": "project_logs:chat"}),
        ("/p/chat/", {"object": "project_logs:chat"}),
        ("/p/two%0Alines", {"object": "project_logs:two\nlines"}),
        ("/p/chat/logs", {"object": "project_logs:chat"}),
        (f"/p/chat/logs?oid={ROW}", {"object": "project_logs:chat", "filter": f"id = '{ROW}'"}),
        ("/p/chat/experiments/first%20try", {"object": "experiment:first try"}),
        ("/p/a%2Fb/experiments/c%2Fd%3Fe", {"object": "experiment:c/d?e"}),
        ("/p/chat/datasets/%E6%97%A5", {"object": "dataset:日"}),
        (
            f"/object?object_type=experiment&object_id={ROW}&id=it%27s",
            {"object": f"experiment:{ROW}", "filter": "id = 'it''s'"},
        ),
        (
            f"/object?object_type=experiment&object_id={ROW}&id=a%5C%5Cb",
            {"object": f"experiment:{ROW}", "filter": r"id = 'a\\\\b'"},
        ),
    ],
)
def test_links_lead_to_the_page(client, path, expected):
    assert target(client.get(f"/app/default{path}")) == expected


@pytest.mark.parametrize("path", ["/", "/p", "/object", "/p/chat/prompts/x", "/p/chat/experiments", "/x/y/z"])
def test_other_links_lead_nowhere(client, path):
    assert client.get(f"/app/default{path}").status_code == 404


def test_the_addresses_of_summaries_are_such_links(client, project):
    made = client.post("/v1/experiment", json={"project_id": project["id"], "name": "50 % & /more"}).json()
    summary = client.get(f"/v1/experiment/{made['id']}/summarize").json()
    assert target(client.get(summary["project_url"])) == {"object": f"project_logs:{project['name']}"}
    assert target(client.get(summary["experiment_url"])) == {"object": f"experiment:{made['name']}"}
    # The page asks for it by this name, and only finds it with a key.
    query = f"select: id | from: experiment({quote(made['name'], safe=' %&/')!r})"
    assert client.post("/btql", json={"query": query}).json()["data"] == []
