"""What no client of ours would send, to every route: an answer that names the place and the reason, never a 500.

The server is a process, so that its memory can be looked at, and its log at the end: a failure that the
server did not foresee would be there, whatever the client was told.
"""

from __future__ import annotations

import gzip
import json
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import msgspec
import pytest
import zstandard
from memory_peak import peak_bytes
from server_support.processes import children
from server_support.serving import btql_serve
from server_support.wire import connect

from btql_server.app import all_routes

pytestmark = pytest.mark.slow

MIB = 1 << 20
TAKES_JSON = [route for route in all_routes() if route.body is not None and issubclass(route.body, msgspec.Struct)]
TAKES_BODY = [route for route in all_routes() if route.body is not None]
HAS_PARAMETERS = [route for route in all_routes() if route.parameters]
HAS_QUERY = [route for route in all_routes() if route.query is not None]
HOSTILE = {
    "up": "..%2F..%2F..%2Fetc%2Fpasswd",
    "null": "a%00b",
    "quotes": "x'%20OR%20''='%22;%20DROP%20TABLE%20entities;--",
    "newlines": "a%0D%0Aset-cookie:%20x=1",
    "no UTF-8": "%FF%FE",
    "long": "a" * 8_000,
    "emoji": "%F0%9F%98%80",
    "template": "%7B%7B7*7%7D%7D",
    "almost a UUID": "00000000-0000-0000-0000-00000000000g",
    "unknown UUID": "11111111-2222-3333-4444-555555555555",
}


def name_of(route):
    return route.name


def path_of(route, value=None):
    """Return a path of a route, with ids that nothing has unless a value is given."""
    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}:path}}", f"{{{name}}}").replace(f"{{{name}}}", value or str(uuid4()))
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with btql_serve(tmp_path_factory.mktemp("bad") / "db", "--insecure-no-auth") as found:
        yield found
        found.stop()
        assert "a request failed" not in found.log.read_text()


@pytest.fixture
def http(server):
    with httpx.Client(base_url=server.url, timeout=60, verify=False) as found:
        yield found


def assert_refused(answer, *words, statuses=(400,)):
    """Check that an answer is a refusal in the shape that is documented."""
    assert answer.status_code in statuses, answer.text[:500]
    body = answer.json()
    assert {"Code", "Message", "InternalTraceId", "Path", "Service"} <= set(body)
    assert body["InternalTraceId"] == answer.headers["x-bt-internal-trace-id"]
    assert "Traceback" not in answer.text
    for word in words:
        assert word in body["Message"]


NO_JSON = {
    "empty": (b"", "the body is empty"),
    "blank": (b" \r\n\t", "the body is empty"),
    "cut short": (b'{"name": "x', "is not JSON"),
    "trailing": (b"{} {}", ""),
    "Python": (b"{'a': None}", "is not JSON"),
    "not a number": (b'{"": NaN}', "is not JSON"),
    "UTF-16": ("{}".encode("utf-16"), ""),
    "a file": (b"\x7fELF\x02\x01\x01\x00" * 64, "is not JSON"),
    "deep arrays": (b"[" * 20_000, ""),
    "deep objects": (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, ""),
}


@pytest.mark.parametrize("route", TAKES_JSON, ids=name_of)
def test_what_is_no_json_is_refused(http, route):
    # Each route is sent some, each of them goes to many routes.
    first = TAKES_JSON.index(route) % 3
    for body, word in list(NO_JSON.values())[first::3]:
        if not body and not route.needs_body:
            continue
        answer = http.request(route.method, path_of(route), content=body)
        assert_refused(answer, word)


def test_texts_that_are_no_texts_are_refused_with_their_place(http):
    for text, words in (
        (b'"\xff\xfe"', ("UTF-8", "byte 11")),
        (b'"\xed\xa0\x80"', ("UTF-8",)),
        (b'"\\ud80"', ("is not JSON",)),
        (b'"line\nbreak"', ("is not JSON",)),
        (b'"\\x41"', ("is not JSON",)),
    ):
        assert_refused(http.post("/v1/project", content=b'{"name": ' + text + b"}"), *words)
    kept = {"name": "\u0000\x7f \U0001f469\u200d\U0001f4bb \u202e\uffff"}
    assert http.post("/v1/project", json=kept).json()["name"] == kept["name"]


@pytest.mark.parametrize("route", TAKES_JSON, ids=name_of)
def test_json_of_another_kind_is_refused_with_its_kind(http, route):
    for body, kind in ((b"[]", "array"), (b'"text"', "str"), (b"17", "int"), (b"null", "null"), (b"true", "bool")):
        answer = http.request(route.method, path_of(route), content=body)
        assert_refused(answer, "Expected `object`", kind)


@pytest.mark.parametrize("route", TAKES_JSON, ids=name_of)
def test_values_of_the_wrong_type_are_refused_with_their_place(http, route):
    for value in (10**400, -1, 1.5, "\ud800", [[]], {"": None}, True, "x" * 10_000):
        text = json.dumps(dict.fromkeys(route.body.__struct_encode_fields__, value))
        answer = http.request(route.method, path_of(route), content=text)
        assert answer.status_code < 500, (value, answer.text[:500])


@pytest.mark.parametrize("route", TAKES_BODY, ids=name_of)
def test_unknown_fields_and_other_content_types_are_not_what_is_wrong(http, route):
    body = json.dumps({f"unknown {number}": number for number in range(100)})
    for media in ("application/json", "text/plain", "application/xml; charset=utf-16", "nonsense", ""):
        answer = http.request(route.method, path_of(route), content=body, headers={"content-type": media})
        assert answer.status_code < 500, answer.text[:500]
        assert answer.status_code != 415


@pytest.mark.parametrize("route", HAS_PARAMETERS, ids=name_of)
def test_hostile_names_in_paths_are_refused(http, route):
    for kind, value in HOSTILE.items():
        answer = http.request(route.method, path_of(route, value), content=b"{}")
        assert answer.status_code < 500, answer.text[:500]
        assert answer.status_code != 200 or kind == "unknown UUID", answer.text[:500]
        assert "set-cookie" not in answer.headers


STRANGE = (*(HOSTILE[kind] for kind in ("null", "quotes", "no UTF-8", "long")), "-1", "1e400", "9" * 20, "")


@pytest.mark.parametrize("route", HAS_QUERY, ids=name_of)
def test_hostile_parameters_are_refused(http, route):
    for name in route.query.__struct_encode_fields__:
        for value in STRANGE:
            answer = http.request(route.method, f"{path_of(route)}?{name}={value}&{name}={value}")
            assert answer.status_code < 500, (name, value[:50], answer.text[:500])
            answer = http.request(route.method, f"{path_of(route)}?{name}={value}")
            assert answer.status_code < 500, (name, value[:50], answer.text[:500])


def packed(kind, size):
    """Return zeros that take little room until they are unpacked."""
    if kind == "gzip":
        return gzip.compress(bytes(size), 1)
    if kind == "gzip of many members":
        return gzip.compress(bytes(MIB)) * (size // MIB)
    if kind == "deflate":
        return zlib.compress(bytes(size), 1)
    if kind == "zstd":
        return zstandard.compress(bytes(size))
    return zstandard.compress(bytes(MIB)) * (size // MIB)


BOMBS = {
    "gzip": "gzip",
    "gzip of many members": "gzip",
    "deflate": "deflate",
    "zstd": "zstd",
    "zstd of many frames": "zstd",
}


def memory_bytes(server):
    """Return the most memory that the worker of a server has ever had."""
    return peak_bytes(children(server.pid)["worker-1"])


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_before_they_are_in_memory(server, http, kind):
    bomb = packed(kind, 300 * MIB)
    before = memory_bytes(server)
    answer = http.post("/v1/project", content=bomb, headers={"content-encoding": BOMBS[kind]})
    assert_refused(answer, "when it is decompressed", statuses=(413,))
    assert memory_bytes(server) - before < 320 * MIB


def test_members_without_content_take_time_by_their_number(http):
    # Each used to copy all that come behind it: half a minute for these.
    body = gzip.compress(b"") * 100_000 + gzip.compress(b'{"name": "last"}')
    began = time.monotonic()
    assert http.post("/v1/project", content=body, headers={"content-encoding": "gzip"}).json()["name"] == "last"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("quality", ["1.2.3", ".", "..", "\u00b2", "1e9", "-1", ""])
def test_an_answer_comes_whatever_a_client_accepts(http, quality):
    answer = http.get("/openapi.json", headers={"accept-encoding": f"gzip;q={quality}".encode("latin-1")})
    assert answer.status_code == 200, answer.text


def test_bodies_that_are_not_what_their_encoding_says_are_refused(http):
    good = gzip.compress(b'{"name": "packed"}')
    for encoding, body, word in (
        ("gzip", b"no gzip", "is not what its content encoding says"),
        ("gzip", good[:-9], "cut short"),
        ("gzip", good[:-1] + b"x", "is not what its content encoding says"),
        ("zstd", b"no zstd", "is not what its content encoding says"),
        ("zstd", zstandard.compress(b'{"name": "packed"}')[:-3], "cut short"),
        ("deflate", b"\x00\x00", "is not what its content encoding says"),
    ):
        assert_refused(http.post("/v1/project", content=body, headers={"content-encoding": encoding}), word)
    answer = http.post("/v1/project", content=good, headers={"content-encoding": "br"})
    assert_refused(answer, "`br`", "gzip", statuses=(415,))
    assert http.post("/v1/project", content=good, headers={"content-encoding": "GZIP"}).json()["name"] == "packed"
    assert http.post("/v1/project", content=good * 1, headers={"content-encoding": "gzip, gzip"}).status_code == 415
    assert http.post("/v1/project", content=b"", headers={"content-encoding": "gzip"}).status_code == 400


def test_a_million_keys_are_read_and_ignored(http):
    body = b'{"name": "wide"' + b"".join(b', "k%d": %d' % (number, number) for number in range(1_000_000)) + b"}"
    assert http.post("/v1/project", content=body).json()["name"] == "wide"


def test_a_body_larger_than_the_limit_is_refused_by_its_length(server):
    before = memory_bytes(server)
    with connect(server.url) as wire:
        wire.send(b"POST /v1/project HTTP/1.1\r\nhost: a\r\ncontent-length: 10737418240\r\n\r\n" + bytes(1 << 20))
        answer = wire.receive()
    assert answer.status == 413
    assert "268,435,456 bytes" in answer.json()["Message"]
    assert memory_bytes(server) - before < 16 * MIB


def test_others_are_answered_while_somebody_sends_100_mb_rows(server, http):
    project = http.post("/v1/project", json={"name": "large rows"}).json()["id"]
    before = memory_bytes(server)
    row = b'{"id": "large", "project_id": "%b", "input": "' % project.encode() + b"x" * (100 * MIB) + b'"}'
    small = b'{"id": "small", "project_id": "%b"}' % project.encode()

    def send():
        with httpx.Client(base_url=server.url, timeout=120) as client:
            return client.post("/logs3", content=b'{"rows": [' + small + b", " + row + b"]}")

    with ThreadPoolExecutor(2) as pool:
        sending = [pool.submit(send) for _ in range(2)]
        waits = []
        while not all(one.done() for one in sending):
            began = time.perf_counter()
            assert http.get("/ping").status_code == 200
            waits.append(time.perf_counter() - began)
    for one in sending:
        assert_refused(one.result(), "rows[1]", statuses=(400, 413))
    assert max(waits) < 5
    assert memory_bytes(server) - before < 2 * 3 * 100 * MIB
    query = {"query": f"select: id | from: project_logs('{project}')"}
    assert http.post("/btql", json=query).json()["data"] == []
