"""Batches that are uploaded first."""

import json
import os
import time

import httpx
import pytest

import btql_server.writing.files as files_module
from btql_server.writing.files import OVERFLOW_S, Files


def announce(http, **more):
    body = {"content_type": "application/json", "size_bytes": 300_660, "rows": [{"object_ids": {}, "is_delete": False}]}
    return http.post("/logs3/overflow", json={**body, **more})


def reference(http, key):
    return http.post("/logs3", json={"rows": {"type": "logs3_overflow", "key": key}, "api_version": 2})


@pytest.fixture
def uploaded(http, project):
    """Return a function that uploads a document, and gives its key."""

    def upload(content: bytes) -> str:
        place = announce(http).json()
        # No key of ours: the address is enough.
        answer = httpx.put(place["signedUrl"], content=content, headers=place["headers"])
        assert answer.status_code == 200, answer.text
        return place["key"]

    return upload


def test_an_uploaded_batch_is_stored_when_it_is_named(http, project, stored, uploaded):
    rows = [{"project_id": project, "log_id": "g", "id": f"r{number}", "input": "x" * 1_000} for number in range(300)]
    key = uploaded(json.dumps({"rows": rows, "api_version": 2}).encode())
    assert stored("project_logs", project) == {}

    answer = reference(http, key)

    assert answer.status_code == 200
    assert answer.json()["ids"] == [row["id"] for row in rows]
    assert len(stored("project_logs", project)) == 300
    # A client that got no answer asks again.
    assert reference(http, key).status_code == 200
    assert len(stored("project_logs", project)) == 300


def test_the_answer_is_what_sdks_need(http, server):
    place = announce(http).json()

    assert place["method"] == "PUT"
    assert place["signedUrl"].startswith(f"{server}/logs3/overflow/")
    assert place["headers"] == {"Content-Type": "application/json"}
    assert place["key"].startswith("overflow/")


def test_mistakes_in_an_upload_are_found_when_it_is_named(http, project, stored, uploaded):
    rows = [{"project_id": project, "id": "a"}, {"project_id": project, "metrics": {"x": True}}]
    answer = reference(http, uploaded(json.dumps({"rows": rows}).encode()))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == ["rows", 1, "metrics", "x"]
    assert stored("project_logs", project) == {}
    assert reference(http, uploaded(b"nonsense")).status_code == 400
    again = {"rows": {"type": "logs3_overflow", "key": "overflow/x"}}
    assert reference(http, uploaded(json.dumps(again).encode())).status_code == 400


@pytest.mark.parametrize(
    "key",
    [
        "",
        "overflow/",
        "overflow/8f3e2e0c-0000-4000-8000-000000000000",
        "overflow/../../btql.json",
        "../attachments/x",
        "overflow/8f3e2e0c-0000-4000-8000-000000000000/../../../../btql.json",
        "x" * 10_000,
        "\0",
    ],
)
def test_what_was_not_uploaded_cannot_be_named(http, key):
    answer = reference(http, key)

    assert answer.status_code == 400
    assert "nothing was uploaded under the key" in answer.json()["Message"]


def test_a_batch_has_a_largest_size(http):
    assert announce(http, size_bytes=10**12).status_code == 413
    assert announce(http, size_bytes=-1).status_code == 400
    assert announce(http, size_bytes="many").status_code == 400


@pytest.mark.parametrize("token", ["x", "A" * 200, "%00", "é"])
def test_an_address_that_was_not_signed_takes_nothing(http, token):
    answer = http.put(f"/logs3/overflow/{token}", content=b"x" * 1_000)

    assert answer.status_code in (403, 404)


def test_an_address_is_for_one_thing_only(http):
    overflow = announce(http).json()["signedUrl"]
    attachment = http.post("/attachment", json={"key": "for one thing"}).json()["signedUrl"]

    answer = http.put(overflow.replace("/logs3/overflow/", "/attachment/upload/"), content=b"x")
    assert answer.status_code == 403
    assert "signed for something else" in answer.json()["Message"]
    answer = http.put(attachment.replace("/attachment/upload/", "/logs3/overflow/"), content=b"x")
    assert answer.status_code == 403
    changed = attachment[:-1] + ("A" if attachment[-1] != "A" else "B")
    assert http.put(changed, content=b"x").status_code == 403


def test_old_uploads_are_swept_away(tmp_path, monkeypatch):
    files = Files(tmp_path)
    old, young, half = (
        tmp_path / "uploads" / name for name in ("overflow/org/old", "overflow/org/young", "incoming/half")
    )
    for path in (old, young, half):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for path in (old, half):
        os.utime(path, (0, time.time() - OVERFLOW_S - 1))
    files.sweep()
    assert [path.exists() for path in (old, young, half)] == [False, True, False]

    os.utime(young, (0, 0))
    files.sweep()
    assert young.exists(), "nobody looks more often than now and then"
    monkeypatch.setattr(files_module, "SWEEP_EVERY_S", 0)
    files.sweep()
    assert not young.exists()
