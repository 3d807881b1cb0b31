"""Files that rows refer to: uploaded and downloaded at signed addresses."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest
from server_support.waiting import eventually

from btql_server.http.errors import HttpError
from btql_server.running import running
from btql_server.settings import Settings
from btql_server.writing import files
from btql_server.writing.signing import Signer, secret_in
from btql_storage.errors import DiskFull

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def uploaded(http):
    """Return a function that uploads a file under a key, and gives the address to download it from."""

    def upload(key: str, content: bytes = CONTENT, **about: str) -> str:
        announced = http.post("/attachment", json={"key": key, "filename": "x.bin", **about})
        assert announced.status_code == 200, announced.text
        assert httpx.put(announced.json()["signedUrl"], content=content).status_code == 200
        return http.get("/attachment", params={"key": key}).json()["downloadUrl"]

    return upload


def test_what_an_sdk_does(http, server):
    key = str(uuid4())
    about = {"key": key, "filename": "data.bin", "content_type": "application/x-thing"}
    announced = http.post("/attachment", json=about).json()
    assert announced["headers"] == {}
    assert announced["signedUrl"].startswith(f"{server}/")

    def status():
        return http.get("/attachment", params=about).json()["status"]

    assert status() == {"upload_status": "uploading"}
    assert httpx.put(announced["signedUrl"], content=CONTENT).status_code == 200
    done = http.post("/attachment/status", json={"key": key, "status": {"upload_status": "done"}})
    assert done.json() == {"upload_status": "done"}
    assert status() == {"upload_status": "done"}

    answer = httpx.get(http.get("/attachment", params=about).json()["downloadUrl"])
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["content-type"] == "application/x-thing"
    assert "data.bin" in answer.headers["content-disposition"]


def test_an_upload_that_failed_says_why(http):
    key = str(uuid4())
    url = http.post("/attachment", json={"key": key}).json()["signedUrl"]
    failed = {"key": key, "status": {"upload_status": "error", "error_message": "connection reset"}}
    expected = {"upload_status": "error", "error_message": "connection reset"}

    assert http.post("/attachment/status", json=failed).json() == expected
    assert http.get("/attachment", params={"key": key}).json()["status"] == expected
    # What is there is there, whatever the client thought.
    assert httpx.put(url, content=b"x").status_code == 200
    assert http.get("/attachment", params={"key": key}).json()["status"] == {"upload_status": "done"}


def test_done_is_not_said_of_what_is_not_there(http):
    key = str(uuid4())
    http.post("/attachment", json={"key": key})
    done = http.post("/attachment/status", json={"key": key, "status": {"upload_status": "done"}})

    assert done.status_code == 400
    assert "nothing was uploaded" in done.json()["Message"]
    unknown = http.post("/attachment/status", json={"key": str(uuid4()), "status": {"upload_status": "done"}})
    assert unknown.status_code == 404
    assert http.get("/attachment", params={"key": str(uuid4())}).status_code == 404
    assert http.get("/attachment").status_code == 400


@pytest.mark.parametrize(
    "key",
    ["../../../btql.json", "/etc/passwd", "a/b/../c", "..", ".", "con\n", "ключ", "a" * 1_024, "%2e%2e%2f", '"<>&'],
)
def test_keys_are_only_names(http, uploaded, data, key):
    before = (data / "btql.json").read_bytes()
    url = uploaded(key, key.encode())

    assert httpx.get(url).content == key.encode()
    assert (data / "btql.json").read_bytes() == before
    assert not (data / "uploads" / "attachments").joinpath("..", "..", "c").exists()


@pytest.mark.parametrize("key", ["", "a" * 1_025, 5, None])
def test_a_key_has_a_length(http, key):
    assert http.post("/attachment", json={"key": key}).status_code == 400


def test_an_attachment_never_changes(http, uploaded):
    key = str(uuid4())
    url = uploaded(key, b"first", content_type="text/plain")
    # A client that got no answer sends the same again.
    assert uploaded(key, b"first", content_type="text/html")
    announced = http.post("/attachment", json={"key": key, "filename": "evil.html"}).json()
    answer = httpx.put(announced["signedUrl"], content=b"other")

    assert answer.status_code == 409
    assert "another attachment" in answer.json()["Message"]
    assert httpx.get(url).content == b"first"
    assert httpx.get(url).headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    ("announced", "sent", "shown"),
    [
        ("text/html", "text/html", "attachment"),
        ("image/svg+xml", "image/svg+xml", "attachment"),
        ("application/pdf", "application/pdf", "attachment"),
        ("image/png", "image/png", "inline"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8", "inline"),
        ("audio/mpeg", "audio/mpeg", "inline"),
        ("text/html\r\nset-cookie: a=b", "application/octet-stream", "attachment"),
        ("nonsense", "application/octet-stream", "attachment"),
        ("", "application/octet-stream", "attachment"),
        ("text/ü", "application/octet-stream", "attachment"),
    ],
)
def test_nothing_that_was_uploaded_can_run_here(uploaded, announced, sent, shown):
    url = uploaded(str(uuid4()), b"<script>alert(1)</script>", filename='a"\r\nb: ü.html', content_type=announced)
    headers = httpx.get(url, headers={"accept-encoding": "gzip"}).headers

    assert headers["content-type"] == sent
    assert headers["content-disposition"] == f"{shown}; filename*=UTF-8''a%22%0D%0Ab%3A%20%C3%BC.html"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["content-security-policy"].endswith("sandbox")
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    ("asked", "status", "first", "after"),
    [
        ("bytes=0-", 200, 0, 10_240),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=5-9", 206, 5, 10),
        ("bytes=10000-99999999", 206, 10_000, 10_240),
        ("bytes=-5", 206, 10_235, 10_240),
        ("bytes=-99999", 200, 0, 10_240),
        ("bytes=10239-", 206, 10_239, 10_240),
        ("bytes=9-5", 200, 0, 10_240),
        ("bytes=0-1,3-4", 200, 0, 10_240),
        ("lines=1-2", 200, 0, 10_240),
        ("bytes=-", 200, 0, 10_240),
        ("bytes=10240-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=99999999999-", 416, 0, 0),
    ],
)
def test_ranges(uploaded, asked, status, first, after):
    answer = httpx.get(uploaded("the same file for all ranges"), headers={"range": asked})

    assert answer.status_code == status
    if status == 416:
        assert answer.headers["content-range"] == "bytes */10240"
    else:
        assert answer.content == CONTENT[first:after]
        assert answer.headers["content-length"] == str(after - first)
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {first}-{after - 1}/10240"


def test_an_empty_file(uploaded):
    url = uploaded(str(uuid4()), b"")

    assert (httpx.get(url).status_code, httpx.get(url).content) == (200, b"")
    assert httpx.head(url).status_code == 200


def test_a_file_has_a_largest_size(http, data):
    url = http.post("/attachment", json={"key": str(uuid4())}).json()["signedUrl"]
    answer = httpx.put(url, content=b"x" * ((4 << 20) + 1))
    assert answer.status_code == 413

    def pieces():
        for _ in range(5):
            yield b"x" * (1 << 20)

    # Without a length, it is found out on the way.
    # The server may not wait for the rest.
    with suppress(httpx.TransportError):
        assert httpx.put(url, content=pieces()).status_code == 413
    assert list((data / "uploads" / "incoming").iterdir()) == []
    assert httpx.put(url, content=b"x" * (4 << 20)).status_code == 200


def test_a_file_is_sent_as_it_is(http):
    url = http.post("/attachment", json={"key": str(uuid4())}).json()["signedUrl"]

    assert httpx.put(url, content=b"x", headers={"content-encoding": "gzip"}).status_code == 415


def test_many_at_once(uploaded):
    def one(number: int) -> bool:
        content = os.urandom(100_000 + number)
        return httpx.get(uploaded(f"many {number}", content)).content == content

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(24)))


def test_two_uploads_of_one_key_at_once(http):
    url = http.post("/attachment", json={"key": str(uuid4())}).json()["signedUrl"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: httpx.put(url, content=b"%d" % number * 1_000).status_code, range(4)))

    assert sorted(answers) == [200, 409, 409, 409]


def test_files_elsewhere(http):
    def find(url):
        return http.get("/attachment", params={"url": url, "filename": "x"})

    assert find("https://example.com/a?b=c").json() == {
        "downloadUrl": "https://example.com/a?b=c",
        "status": {"upload_status": "done"},
    }
    for url in ("s3://bucket/key", "file:///etc/passwd", "javascript:alert(1)", "nonsense", "http://[", ""):
        assert find(url).status_code == 400


def test_another_organization_is_forbidden(http):
    other = "8f3e2e0c-0000-4000-8000-000000000000"

    assert http.post("/attachment", json={"key": "x", "org_id": other}).status_code == 403
    assert http.get("/attachment", params={"key": "x", "org_id": other}).status_code == 403


def test_addresses_outlive_the_process_but_not_their_time(tmp_path, monkeypatch):
    settings = Settings(tmp_path / "db", ("127.0.0.1", 0), insecure_no_auth=True)
    with running(settings) as url:
        announced = httpx.post(f"{url}/attachment", json={"key": "k"}).json()["signedUrl"].removeprefix(url)
    with running(settings) as url:
        assert httpx.put(url + announced, content=b"x").status_code == 200
        download = httpx.get(f"{url}/attachment", params={"key": "k"}).json()["downloadUrl"].removeprefix(url)
    with running(settings) as url:
        assert httpx.get(url + download).content == b"x"
        monkeypatch.setattr("btql_server.writing.signing.time.time", lambda: 4e9)
        answer = httpx.get(url + download)
        assert answer.status_code == 403
        assert "has expired" in answer.json()["Message"]


def test_another_server_signs_otherwise(tmp_path):
    (tmp_path / "other").mkdir()
    token = Signer(secret_in(tmp_path)).sign("do", "x", 5, valid_s=60)

    assert Signer(secret_in(tmp_path)).read("do", token) == ["x", 5]
    with pytest.raises(HttpError, match="not one that this server has signed"):
        Signer(secret_in(tmp_path / "other")).read("do", token)
    assert (tmp_path / "signing.key").stat().st_mode & 0o777 == 0o600


def test_new_folders_are_as_durable_as_what_is_in_them(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(files, "_sync_folder", synced.append)
    files.Files(tmp_path).announce("org", files.Record("key", "f", "text/plain"))
    uploads = tmp_path / "uploads"
    (record,) = uploads.glob("attachments/org/*/*.json")
    assert synced == [record.parent, uploads / "attachments" / "org", uploads / "attachments", uploads, tmp_path]


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("btql_server.writing.files.os.fsync", full)
    with pytest.raises(DiskFull):
        files.Files(tmp_path).announce("org", files.Record("key", "f", "text/plain"))
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []


def test_signed_addresses_are_not_in_the_log(uploaded, caplog):
    with caplog.at_level("INFO", "btql.http"):
        address = uploaded(str(uuid4()))
        assert httpx.get(address).status_code == 200
        assert httpx.put(address).status_code == 405
        # A request is logged once it is over, which its client may learn before.
        eventually(lambda: "GET /attachment/file/{token} 200" in caplog.text)
        eventually(lambda: "PUT /attachment/file/{token} 405" in caplog.text)
    assert "PUT /attachment/upload/{token} 200" in caplog.text
    assert address.rpartition("/")[2] not in caplog.text
