"""Login as SDKs call it, and what they read from it."""

from uuid import UUID

import pytest


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}])
def test_login_takes_an_empty_body(client, headers):
    answer = client.post("/api/apikey/login", headers=headers)
    assert answer.status_code == 200
    (organization,) = answer.json()["org_info"]
    assert UUID(organization["id"])
    assert organization["name"] == "default"
    assert organization["api_url"] == organization["proxy_url"] == str(client.base_url).rstrip("/")
    # One more key and SDKs fail; null and old ones upload the repository's diff.
    assert organization["git_metadata"] == {"collect": "none"}
    assert organization["realtime_url"] is None
    assert organization["is_universal_api"] is None


def test_the_address_is_the_one_that_the_client_used(client):
    answer = client.post("/api/apikey/login", headers={"host": "traces:9000"})
    assert answer.json()["org_info"][0]["api_url"] == "http://traces:9000"


def test_a_body_is_not_looked_at(client):
    assert client.post("/api/apikey/login", content=b"{not json").status_code == 200


def test_hello(client):
    answer = client.get("/v1")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
