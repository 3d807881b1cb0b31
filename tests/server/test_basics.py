"""What holds for every request: ids, errors, CORS."""

import httpx
import pytest

from btql_server.running import running
from btql_server.settings import Limits, Settings


def test_every_answer_has_a_trace_id_and_says_how_long_it_took(client):
    answer = client.get("/ping")
    assert answer.status_code == 200
    assert answer.json() == {}
    assert len(answer.headers["x-bt-internal-trace-id"]) == 32
    assert answer.headers["x-bt-api-duration-ms"].isdigit()


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [("GET", "/nowhere", 404, "/openapi.json"), ("DELETE", "/ping", 405, "does not take DELETE, but GET")],
)
def test_what_has_no_route_is_an_error_in_the_usual_shape(client, method, path, status, said):
    answer = client.request(method, path)
    assert answer.status_code == status
    body = answer.json()
    assert f"`{path}`" in body["Message"]
    assert said in body["Message"]
    assert body["Path"] == path
    assert body["InternalTraceId"] == answer.headers["x-bt-internal-trace-id"]


def test_a_slash_at_the_end_leads_to_no_other_address(client):
    """Behind a proxy with TLS, the address in a redirect would be one without."""
    made = client.post("/v1/project/", json={"name": "with a slash"})
    assert made.status_code == 200
    assert client.get(f"/v1/project/{made.json()['id']}/").json() == made.json()


def test_a_body_may_begin_with_a_byte_order_mark(client):
    made = client.post("/v1/project", content=b'\xef\xbb\xbf{"name": "marked"}')
    assert made.json()["name"] == "marked"
    again = client.post("/v1/project", content=b"\xef\xbb\xbf" * 2 + b"{}")
    assert again.status_code == 400
    assert "not JSON" in again.json()["Message"]


def test_ready_and_healthy(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_readiness_is_lost_with_the_folder_and_comes_back_with_it(tmp_path):
    folder = tmp_path / "db"
    with running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        assert httpx.get(f"{url}/readyz").status_code == 200
        folder.rename(tmp_path / "away")
        answer = httpx.get(f"{url}/readyz")
        assert answer.status_code == 503
        assert "was moved or replaced" in answer.json()["Message"]
        assert answer.headers["retry-after"]
        assert httpx.get(f"{url}/healthz").status_code == 200
        (tmp_path / "away").rename(folder)
        assert httpx.get(f"{url}/readyz").status_code == 200


def test_sdks_are_told_of_no_more_than_a_request_may_have(client, tmp_path):
    assert client.get("/version").json()["logs3_payload_max_bytes"] == 64 << 20
    settings = Settings(
        tmp_path / "db", ("127.0.0.1", 0), insecure_no_auth=True, limits=Limits(request_bytes_max=2 << 20)
    )
    with running(settings) as url:
        most = httpx.get(f"{url}/version").json()["logs3_payload_max_bytes"]
        assert most == 2 << 20
        for size, status in ((most, 200), (most + 1, 413)):
            assert httpx.post(f"{url}/logs3", content=b'{"rows": []}'.ljust(size)).status_code == status


def test_browsers_may_ask_from_known_origins_and_for_private_networks(client):
    asked = {
        "origin": "https://www.braintrust.dev",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-bt-parent",
        "access-control-request-private-network": "true",
    }
    answer = client.options("/ping", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == asked["origin"]
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert "x-bt-parent" in answer.headers["access-control-allow-headers"]
    assert client.options("/ping", headers=asked | {"origin": "https://evil.example"}).status_code == 400


def test_pages_of_known_origins_read_all_that_an_answer_says_in_headers(client):
    origin = {"origin": "https://www.braintrust.dev"}
    insert = {"query": "INSERT INTO project_logs('crossed') (id) VALUES ('a')", "fmt": "jsonl"}
    answers = [
        client.post("/btql", json=insert, headers=origin),
        client.post(
            "/btql", json={"query": "select: nope | from: project_logs('crossed')", "fmt": "jsonl"}, headers=origin
        ),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        ours = {name for name in answer.headers if name.startswith("x-bt")}
        assert ours <= set(answer.headers["access-control-expose-headers"].split(", "))
    said = {name for answer in answers for name in answer.headers}
    assert {"x-btql-rows-written", "x-btql-warnings", "x-btql-xact-id"} <= said
