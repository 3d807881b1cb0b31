"""Queries in the background: `/btql/async`."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from server_support.endless import LONG

import btql
from btql_server.reading.jobs import Job, Jobs
from btql_server.running import running
from btql_server.settings import Limits, Settings
from btql_storage.errors import DiskFull


def _ended(client, job_id):
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        body = client.get(f"/btql/async/{job_id}").json()
        if body["status"] not in ("queued", "running"):
            return body
        time.sleep(0.02)
    raise AssertionError("it does not end")


def test_all_rows_page_by_page(reader, ask):
    started = reader.post(
        "/btql/async",
        json={"query": "select: id, input | from: project_logs('demo')", "format": "jsonl", "batch_size": 9},
    )
    assert started.status_code == 200
    assert started.json()["status"] in ("queued", "running", "succeeded")
    assert started.json()["object_id"] == "demo"
    job_id = started.json()["id"]
    assert _ended(reader, job_id) == {
        "id": job_id,
        "status": "succeeded",
        "object_id": "demo",
        "error": None,
        "rows": 5_000,
    }

    rows, cursor, pages = [], None, 0
    while True:
        parameters = {"limit": 999} if cursor is None else {"limit": 999, "cursor": cursor}
        body = reader.get(f"/btql/async/{job_id}/result", params=parameters).json()
        assert (body["status"], body["error"]) == ("succeeded", None)
        rows += body["rows"]
        cursor, pages = body["cursor"], pages + 1
        if cursor is None:
            break
    assert pages == 6
    assert rows == ask("select: id, input | from: project_logs('demo')", disable_limit=True).json()["data"]


def _rows(client, **body):
    """Return the rows of a query in the background, which must succeed."""
    started = client.post("/btql/async", json=body)
    assert started.status_code == 200, started.text
    ended = _ended(client, started.json()["id"])
    assert ended["status"] == "succeeded", ended
    rows = client.get(f"/btql/async/{ended['id']}/result").json()["rows"]
    assert ended["rows"] == len(rows)
    return rows


def test_fields_of_the_body_do_what_they_do_for_an_answer_at_once(reader):
    project = reader.post("/v1/project", json={"name": "in the background"}).json()["id"]
    written = [{"id": "a", "n": 1, "_audit_source": "app"}, {"id": "b", "n": 2}, {"id": "a", "n": 3, "_is_merge": True}]
    written[2]["_audit_source"] = "external"
    for event in written:
        assert reader.post(f"/v1/project_logs/{project}/insert", json={"events": [event]}).status_code == 200
    bodies = [
        {"query": f"select: * | from: project_logs('{project}')", "audit_log": True},
        {
            "query": f"SELECT id FROM project_logs('{project}') WHERE n < $1 AND now() - created < $2 ORDER BY id",
            "parameters": ["Infinity", 3_600_000_000],
            "parameter_sorts": ["number", "interval"],
        },
    ]
    for body in bodies:
        rows = _rows(reader, **body)
        assert [row["id"] for row in rows] == (["a", "a"] if "audit_log" in body else ["a", "b"])
        assert rows == reader.post("/btql", json=body).json()["data"]

    insert = f"INSERT INTO project_logs('{project}') (id) VALUES (?)"
    assert _rows(reader, query=insert, parameter_sets=[["c"], ["d"]]) == [{"count": 2}]
    answer = reader.post("/btql/async", json={"query": f"SELECT id FROM project_logs('{project}')", "audit_log": True})
    assert (answer.status_code, "audit_data" in answer.json()["Message"]) == (400, True)


def test_mistakes_are_told_at_once(reader):
    answer = reader.post("/btql/async", json={"query": "selec: id"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "B0103")
    assert reader.post("/btql/async", json={}).status_code == 400
    assert reader.post("/btql/async", json={"query": "SELECT 1", "format": "parquet"}).status_code == 400
    assert reader.post("/btql/async", json={"query": "SELECT 1", "query_timeout_seconds": 0}).status_code == 400


def test_a_query_takes_no_longer_than_was_asked_for(reader):
    job_id = reader.post("/btql/async", json={"query": LONG, "query_timeout_seconds": 0.1}).json()["id"]
    ended = _ended(reader, job_id)
    assert (ended["status"], "0.1" in ended["error"]) == ("failed", True)


@pytest.mark.parametrize("how", [("DELETE", ""), ("POST", "/cancel")])
def test_a_query_is_cancelled(reader, how):
    method, path = how
    job_id = reader.post("/btql/async", json={"query": LONG}).json()["id"]
    assert reader.request(method, f"/btql/async/{job_id}{path}").json()["status"] == "canceled"
    assert _ended(reader, job_id)["status"] == "canceled"
    body = reader.get(f"/btql/async/{job_id}/result").json()
    assert body == {"status": "canceled", "rows": [], "cursor": None, "error": None}


def test_rows_are_removed_when_they_are_no_longer_wanted(reader):
    job_id = reader.post("/btql/async", json={"query": "SELECT 1 AS one"}).json()["id"]
    _ended(reader, job_id)
    assert reader.delete(f"/btql/async/{job_id}").status_code == 200
    assert reader.get(f"/btql/async/{job_id}").status_code == 403


@pytest.mark.parametrize("cursor", ["x", "-1", "1", "999999999999999999999", "5000000"])
def test_a_cursor_that_no_page_gave(reader, cursor):
    job_id = reader.post("/btql/async", json={"query": "SELECT 1 AS one UNION ALL SELECT 2"}).json()["id"]
    _ended(reader, job_id)
    answer = reader.get(f"/btql/async/{job_id}/result", params={"cursor": cursor})
    assert answer.status_code == 400
    assert "cursor" in answer.json()["Message"]


@pytest.mark.parametrize("job_id", ["x", "..%2F..%2Fbtql.json", "00000000-0000-4000-8000-000000000000"])
def test_jobs_that_are_not_there(reader, job_id):
    assert reader.get(f"/btql/async/{job_id}").status_code in (400, 403, 404)
    assert reader.delete(f"/btql/async/{job_id}").status_code in (400, 403, 404)


@pytest.mark.parametrize("limit", ["0", "x", "100000"])
def test_limits_of_pages(reader, limit):
    assert reader.get(f"/btql/async/{uuid4()}/result", params={"limit": limit}).status_code == 400


def test_an_answer_that_is_too_large_fails_and_leaves_nothing(tmp_path):
    folder = tmp_path / "db"
    with btql.connect(folder) as conn:
        conn.ingest("project_logs:demo", [{"id": str(n), "input": "x" * 1_000} for n in range(100)])
    limits = Limits(background_bytes_max=10_000)
    with (
        running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True, limits=limits)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        job_id = client.post("/btql/async", json={"query": "select: * | from: project_logs('demo')"}).json()["id"]
        body = _ended(client, job_id)
    assert body["status"] == "failed"
    assert "more than 10,000 bytes" in body["error"]
    assert not list((folder / "background" / job_id).glob("rows.jsonl"))


def test_a_restart_keeps_what_was_done_and_fails_what_was_not(tmp_path):
    folder = tmp_path / "db"
    with btql.connect(folder) as conn:
        conn.ingest("project_logs:demo", [{"id": "a"}])
    settings = Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        done = client.post("/btql/async", json={"query": "SELECT 1 AS one"}).json()["id"]
        _ended(client, done)
        endless = client.post("/btql/async", json={"query": LONG}).json()["id"]
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert client.get(f"/btql/async/{done}").json()["status"] == "succeeded"
        assert client.get(f"/btql/async/{done}/result").json()["rows"] == [{"one": 1}]
        body = client.get(f"/btql/async/{endless}").json()
    assert (body["status"], "the server stopped" in body["error"]) == ("failed", True)


def _jobs(folder, **limits) -> Jobs:
    return Jobs(Settings(folder, limits=Limits(**limits)))


def _left(jobs: Jobs, job: Job, rows: bytes = b"") -> None:
    jobs._path(job.id).mkdir(parents=True)
    (jobs._path(job.id) / "rows.jsonl").write_bytes(rows)
    jobs._save(job)


def test_a_job_whose_process_was_killed_has_failed(tmp_path):
    jobs = _jobs(tmp_path)
    _left(jobs, Job(id="k", org_id="o", asked_by="k", status="running", created="2026-01-01T00:00:00.000Z"))

    found = jobs.get("k")
    assert found is not None
    assert found.status == "failed"
    assert found.error is not None
    assert "the server stopped" in found.error
    jobs.close()


def test_another_process_cancels(tmp_path):
    with btql.connect(tmp_path) as conn:
        conn.ingest("project_logs:demo", [{"id": "a"}])
        mine, other = _jobs(tmp_path), _jobs(tmp_path)
        job = mine.start("o", "p", lambda stop: conn._database.for_one(stop=stop).query(LONG).json(), {}, 60)
        seen = other.get(job.id)
        assert seen is not None
        assert seen.status in ("queued", "running")
        other.cancel(seen)
        ends = time.monotonic() + 30
        while (now := other.get(job.id)) is not None and now.status in ("queued", "running"):
            assert time.monotonic() < ends
            time.sleep(0.02)
        assert now is not None
        assert now.status == "canceled"
        mine.close()
        other.close()


def test_the_file_that_cancels_is_not_looked_for_at_every_check(tmp_path, monkeypatch):
    looks: list[Path] = []
    exists = Path.exists

    def counted(path):
        if path.name == "cancel":
            looks.append(path)
        return exists(path)

    monkeypatch.setattr(Path, "exists", counted)
    with btql.connect(tmp_path) as conn:
        conn.ingest("project_logs:demo", [{"id": "a"}])
        jobs = _jobs(tmp_path)

        def ask(stop):
            for _ in range(1_000):
                stop.check()
            return conn._database.for_one(stop=stop).query("SELECT 1").json()

        began = time.monotonic()
        job = jobs.start("o", "p", ask, {}, 60)
        jobs.close()
        now = jobs.get(job.id)
        assert now is not None
        assert now.status == "succeeded"
        assert 1 <= len(looks) <= 2 + (time.monotonic() - began) / 0.2


def test_the_oldest_results_go_when_there_are_too_many_bytes(tmp_path):
    jobs = _jobs(tmp_path, background_bytes_max=25)
    for day in range(1, 5):
        moment = f"2026-01-0{day}T00:00:00.000Z"
        job = Job(id=str(day), org_id="o", asked_by="k", status="succeeded", created=moment, ended=moment, bytes=10)
        _left(jobs, job, b"x" * 10)
    jobs.clean()
    assert [jobs.get(str(day)) is not None for day in range(1, 5)] == [False, False, True, True]
    jobs.close()

    jobs = _jobs(tmp_path, background_kept_max=1)
    assert [jobs.get(str(day)) is not None for day in range(3, 5)] == [False, True]
    jobs.close()

    jobs = _jobs(tmp_path, background_kept_s=-1)
    jobs.clean()
    assert jobs.get("4") is None
    jobs.close()


def _no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_job_that_cannot_be_recorded_leaves_nothing(tmp_path, monkeypatch):
    with btql.connect(tmp_path) as conn:
        conn.ingest("project_logs:demo", [{"id": "r"}])
        jobs = _jobs(tmp_path)
        monkeypatch.setattr(jobs, "_save", _no_room)
        with pytest.raises(DiskFull):
            jobs.start("o", "p", lambda stop: conn._database.for_one(stop=stop).query("SELECT 1 AS one").json(), {}, 60)
        assert list((tmp_path / "background").iterdir()) == []
        jobs.close()


def test_a_job_whose_end_cannot_be_recorded_has_failed(tmp_path, monkeypatch):
    jobs = _jobs(tmp_path)
    _left(jobs, Job(id="k", org_id="o", asked_by="k", status="running", created="2026-01-01T00:00:00.000Z"))
    monkeypatch.setattr(jobs, "_save", _no_room)

    found = jobs.get("k")
    assert found is not None
    assert found.status == "failed"
    jobs.close()


def test_one_key_leaves_room_for_others(reader, monkeypatch):
    monkeypatch.setattr("btql_server.reading.jobs.OF_ONE_MAX", 2)
    started = [reader.post("/btql/async", json={"query": LONG}).json()["id"] for _ in range(2)]
    try:
        refused = reader.post("/btql/async", json={"query": "SELECT 1 AS x"})
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
    finally:
        for job_id in started:
            reader.delete(f"/btql/async/{job_id}")
    for job_id in started:
        assert _ended(reader, job_id)["status"] == "canceled"
    assert reader.post("/btql/async", json={"query": "SELECT 1 AS x"}).status_code == 200
