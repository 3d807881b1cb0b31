"""Connections as no HTTP library makes them: cut short, slow, pipelined, flooded, and what that does to others."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from uuid import uuid4

import httpx
import pytest
from server_support.wire import connect, request

from btql_server.http.protocol import HEAD_BYTES_MAX, BoundedProtocol
from btql_server.running import running
from btql_server.settings import Limits, Settings

PING = request("GET", "/ping")


def project(name, headers=None):
    return request("POST", "/v1/project", json.dumps({"name": name}).encode(), headers)


def test_requests_in_one_packet_are_answered_in_their_order(open_server):
    with connect(open_server) as wire:
        names = [f"pipelined {number}" for number in range(20)]
        wire.send(b"".join(project(name) for name in names) + PING)
        assert [wire.receive().json()["name"] for _ in names] == names
        assert wire.receive().json() == {}


def test_a_connection_goes_on_after_an_error(open_server):
    with connect(open_server) as wire:
        for path, status in (("/nowhere", 404), ("/ping", 200), ("/v1/project/no-uuid", 400), ("/ping", 200)):
            wire.send(request("GET", path))
            assert wire.receive().status == status
        wire.send(request("POST", "/v1/project", b"{"))
        assert wire.receive().status == 400
        wire.send(project("after an error"))
        assert wire.receive().json()["name"] == "after an error"


def test_a_request_byte_by_byte_is_a_request(open_server):
    with connect(open_server) as wire:
        for byte in project("slow"):
            wire.send(bytes([byte]))
        assert wire.receive().json()["name"] == "slow"


def test_a_body_in_chunks_is_a_body(open_server):
    body = json.dumps({"name": "chunked ü"}, ensure_ascii=False).encode()
    chunks = b"".join(b"%x;part=%d\r\n%b\r\n" % (1, n, body[n : n + 1]) for n in range(len(body)))
    head = b"POST /v1/project HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n"
    with connect(open_server) as wire:
        wire.send(head + chunks + b"0\r\nx-trailer: 1\r\n\r\n" + PING)
        assert wire.receive().json()["name"] == "chunked ü"
        assert wire.receive().json() == {}


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(open_server):
    head, _, body = project("expected", {"expect": "100-continue"}).partition(b"\r\n\r\n")
    with connect(open_server) as wire:
        wire.send(head + b"\r\n\r\n")
        assert wire.receive().status == 100
        wire.send(body)
        assert wire.receive().json()["name"] == "expected"


def test_http_1_0_is_answered_and_closed(open_server):
    with connect(open_server) as wire:
        wire.send(b"GET /ping HTTP/1.0\r\n\r\n")
        assert wire.receive().status == 200
        assert wire.is_closed()


NO_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "no target": b"GET\r\n\r\n",
    "another version": b"GET /ping HTTP/9.9\r\n\r\n",
    "a header without colon": b"GET /ping HTTP/1.1\r\nno colon\r\n\r\n",
    "a null in a header": b"GET /ping HTTP/1.1\r\nhost: a\r\nb: \x00\r\n\r\n",
    "a negative length": b"POST /v1/project HTTP/1.1\r\ncontent-length: -1\r\n\r\n{}",
    "a length in words": b"POST /v1/project HTTP/1.1\r\ncontent-length: two\r\n\r\n{}",
    "two lengths": b"POST /v1/project HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ",
    "length and chunks": b"POST /v1/project HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
    "a length beyond 64 bits": b"POST /v1/project HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n{}",
    "zeros": bytes(100),
}


@pytest.mark.parametrize("kind", NO_HTTP)
def test_what_is_no_http_is_refused(open_server, kind):
    with connect(open_server) as wire:
        wire.send(NO_HTTP[kind])
        assert wire.receive().status == 400
        assert wire.is_closed()


def test_bad_chunks_are_refused(open_server):
    with connect(open_server) as wire:
        wire.send(b"POST /v1/project HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
        assert wire.receive().status == 400
        assert wire.is_closed()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "DELETE"])
def test_other_methods_have_an_answer(open_server, method):
    with connect(open_server) as wire:
        wire.send(request(method, "/ping"))
        answer = wire.receive(to_head=method == "HEAD")
        assert answer.status in (200, 204, 400, 405)
        if answer.status == 405:
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_a_method_that_a_path_has_not_is_told_which_it_has(open_server):
    with connect(open_server) as wire:
        wire.send(request("DELETE", "/v1/project"))
        answer = wire.receive()
        assert answer.status == 405
        assert {"GET", "HEAD", "POST", "PUT"} <= set(answer.headers["allow"].split(", "))


def test_head_says_what_get_says_without_the_body(open_server):
    with connect(open_server) as wire:
        for path, status in (("/healthz", 200), ("/v1/project", 200), ("/nowhere", 404)):
            wire.send(request("GET", path))
            full = wire.receive()
            wire.send(request("HEAD", path))
            head = wire.receive(to_head=True)
            assert head.status == full.status == status
            assert head.headers["content-type"] == full.headers["content-type"]
            assert int(head.headers["content-length"]) == len(full.body) > 0


def test_targets_of_every_form_are_understood_or_refused(open_server):
    with connect(open_server) as wire:
        wire.send(request("GET", f"{open_server}/ping"))
        assert wire.receive().status == 200
        for target in ("//ping", "/ping/", "/../ping", "/%2e%2e/ping", "/ping%00", "/ping?" + "a=b&" * 5_000, "*"):
            wire.send(request("GET", target))
            assert wire.receive().status in (200, 400, 404, 405)


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "[::1", "x:99999999", "x:port", "\xe9", "evil.example/path", "u:p@h", "a" * 5_000]
)
def test_strange_hosts_are_never_a_failure(open_server, host):
    with connect(open_server) as wire:
        for method, path in (("POST", "/api/apikey/login"), ("GET", "/openapi.json"), ("GET", "/app/o/p/x/logs")):
            wire.send(f"{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n".encode("latin-1"))
            answer = wire.receive()
            assert answer.status in (200, 302, 400, 403), answer
            # Where answers lead is made from the host, so this must not be able to lead into a path.
            assert "evil.example/path" not in answer.headers.get("location", "")


def test_heads_have_a_size(open_server):
    # A head that comes in one piece is read before it is counted, so these are larger than a piece.
    many = {f"x-{number}": "y" * 100 for number in range(10_000)}
    for headers in (many, {"x": "y" * (16 * HEAD_BYTES_MAX)}):
        flood = request("GET", "/ping", headers=headers)
        with connect(open_server) as wire:
            try:
                wire.send(flood)
                answer = wire.receive()
            except (BrokenPipeError, ConnectionResetError):
                continue
            assert answer.status == 431
            assert f"{HEAD_BYTES_MAX:,} bytes" in answer.body.decode()
            assert wire.is_closed()
    with connect(open_server) as wire:
        wire.send(request("GET", "/ping", headers={"x": "y" * (HEAD_BYTES_MAX // 2)}))
        assert wire.receive().status == 200


def test_bodies_that_end_too_early_do_nothing(open_server):
    name = f"half {uuid4()}"
    with connect(open_server) as wire:
        whole = project(name)
        wire.send(whole[:-1])
        wire.socket.shutdown(socket.SHUT_WR)
        wire.socket.settimeout(10)
        with suppress(ConnectionError):
            assert wire.receive().status == 400
    with httpx.Client(base_url=open_server) as client:
        assert client.get("/v1/project", params={"project_name": name}).json() == {"objects": []}


def test_clients_that_do_nothing_keep_nobody_waiting(open_server):
    half = project("never sent")[:-5]
    with ExitStack() as stack:
        for number in range(200):
            wire = stack.enter_context(connect(open_server))
            # Some have said nothing, some half a head, some half a body.
            wire.send((b"", PING[:10], half)[number % 3])
        began = time.perf_counter()
        with httpx.Client(base_url=open_server) as client:
            for number in range(10):
                assert client.post("/v1/project", json={"name": f"beside {number}"}).status_code == 200
        assert time.perf_counter() - began < 10


def test_a_client_that_never_reads_keeps_nobody_waiting(open_server):
    with connect(open_server) as wire:
        wire.socket.setblocking(False)
        flood = request("GET", "/openapi.json") * 1_000
        with suppress(BlockingIOError):
            wire.socket.send(flood)
        with httpx.Client(base_url=open_server) as client:
            assert client.get("/ping").status_code == 200


def test_many_at_once_are_all_answered(open_server):
    def ask(number):
        with connect(open_server) as wire:
            wire.send(project(f"crowd {number % 7}") + PING)
            return wire.receive().status, wire.receive().status

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(ask, range(300))) == {(200, 200)}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A server that waits for a second only."""
    limits = Limits(body_wait_s=1, request_bytes_max=1 << 20)
    settings = Settings(tmp_path_factory.mktemp("hasty") / "db", ("127.0.0.1", 0), insecure_no_auth=True, limits=limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BoundedProtocol, "head_wait_s", 1.0)
        with running(settings) as url:
            yield url


def test_a_head_that_never_ends_is_given_up(impatient):
    with connect(impatient) as wire:
        wire.send(PING[:20])
        answer = wire.receive()
        assert answer.status == 408
        assert "head" in answer.body.decode()
        assert wire.is_closed()


def test_a_body_that_never_ends_is_given_up(impatient):
    with connect(impatient) as wire:
        wire.send(project("never sent")[:-5])
        answer = wire.receive()
        assert answer.status == 408
        assert answer.json()["Message"] == "nothing of the body came for 1 s"


def test_a_chunked_body_is_refused_once_it_is_too_large(impatient):
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with connect(impatient) as wire:
        wire.send(b"POST /v1/project HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(64):
            wire.send(chunk)
        answer = wire.receive()
        assert answer.status == 413
        assert "1,048,576 bytes" in answer.json()["Message"]
        # The rest is read and thrown away, so that the client sees the answer.
        wire.send(b"0\r\n\r\n" + PING)
        assert wire.receive().status == 200
