"""A server without keys is for programs of its machine and for its own page; not for what pages of others send it."""

from __future__ import annotations

import json

import httpx
import pytest

from btql_server.running import running
from btql_server.settings import Settings


def writes(name: str) -> bytes:
    """Return a request that makes an object; sent as plain text, for which a browser asks nobody."""
    return json.dumps({"query": f"INSERT INTO project_logs('{name}') (id) VALUES ('a')"}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("origins") / "db"
    settings = Settings(
        folder,
        ("127.0.0.1", 0),
        insecure_no_auth=True,
        public_url="https://traces.example",
        origins=("http://localhost:3000",),
    )
    with running(settings) as url:
        yield url


def send(server, name="wanted", **headers):
    return httpx.post(f"{server}/btql", content=writes(name), headers={"content-type": "text/plain", **headers})


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_pages_of_others_write_nothing(server, origin):
    answer = send(server, "unwanted", origin=origin)

    assert answer.status_code == 403
    assert f"pages of `{origin}`: `--origin`" in answer.json()["Message"]
    assert "unwanted" not in httpx.post(f"{server}/btql/tables", json={}).text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "traces.example.org", "[", "a.b:c"])
def test_names_of_others_lead_to_nothing(server, host):
    for headers in ({"host": host}, {"host": host, "origin": f"http://{host}"}):
        answer = send(server, **headers)
        assert answer.status_code == 403
        assert "--public-url" in answer.json()["Message"]


def test_its_own_page_and_programs_of_the_machine_are_answered(server):
    assert send(server).status_code == 200
    assert send(server, origin=server).status_code == 200
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000", "my-machine", "btql.localhost", "traces.example"):
        assert send(server, host=host).status_code == 200
        assert send(server, host=host, origin=f"http://{host}").status_code == 200
    for origin in ("http://localhost:3000", "https://www.braintrust.dev", "https://traces.example"):
        assert send(server, origin=origin).status_code == 200


def test_with_keys_any_name_will_do(party):
    mine = party.join()

    assert mine.post("/btql", content=writes("mine"), headers={"origin": "https://evil.example"}).status_code == 200
    assert mine.get("/v1/project", headers={"host": "traces.example"}).status_code == 200
