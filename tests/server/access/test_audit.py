"""The audit log and the audit headers."""

import base64
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from uuid import uuid4

import httpx
import pytest

from btql_server.access import audit_log
from btql_server.access.audit_headers import RESOURCES_BYTES_MAX, packed
from btql_server.access.audit_log import AuditLog
from btql_server.access.model import Level
from btql_server.running import running
from btql_server.settings import Settings
from btql_storage.errors import DiskFull
from btql_storage.store import Storage


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def organization(client):
    return ok(client.get("/v1/organization"))["objects"][0]["id"]


def query(client, text):
    return client.post("/btql", json={"query": text, "fmt": "json"})


def log_of(client, **wanted):
    """Return the rows of the client's audit log that have certain values, oldest first."""
    rows = ok(query(client, f"select: * | from: audit_log('{organization(client)}') | sort: created, _xact_id"))["data"]
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def resources(answer):
    header = json.loads(answer.headers["x-bt-audit-resources"])
    assert header["v"] == 1
    return json.loads(gzip.decompress(base64.b64decode(header["p"])))


@pytest.fixture(scope="module")
def project(ann):
    return ok(ann.post("/v1/project", json={"name": "audited"}))["id"]


def test_a_change_is_in_the_log_when_it_is_answered(ann):
    answer = ann.post("/v1/project", json={"name": "a new one"})
    made = ok(answer)

    (row,) = log_of(ann, object_id=made["id"])

    me = ok(ann.get("/api/self/me"))
    assert (row["action"], row["object_type"], row["name"]) == ("create", "project", "a new one")
    assert (row["route"], row["status"]) == ("POST /v1/project", 200)
    assert row["trace_id"] == answer.headers["x-bt-internal-trace-id"]
    assert (row["actor"]["id"], row["actor"]["email"], row["actor"]["kind"]) == (me["id"], "ann@example.com", "user")
    assert row["actor"]["key_id"] in {key["id"] for key in ok(ann.get("/v1/api_key"))["objects"]}
    assert row["client"] == "127.0.0.1"


def test_what_changes_nothing_is_not_in_the_log(ann, project):
    before = len(log_of(ann))

    ok(ann.post("/v1/project", json={"name": "audited"}))
    ok(ann.get(f"/v1/project/{project}"))
    ok(ann.post("/api/apikey/login"))
    ok(query(ann, f"select: * | from: project_logs('{project}')"))
    ok(ann.post(f"/v1/project_logs/{project}/insert", json={"events": [{"id": "a", "input": "x"}]}))
    assert ann.post("/v1/project", json={"name": 7}).status_code == 400

    assert len(log_of(ann)) == before


def test_each_kind_of_change(ann, project):
    ok(ann.patch(f"/v1/project/{project}", json={"description": "d"}))
    dataset = ok(ann.post("/v1/dataset", json={"project_id": project, "name": "d"}))["id"]
    ok(ann.delete(f"/v1/dataset/{dataset}"))
    invited = ok(ann.patch("/v1/organization/members", json={"invite_users": {"emails": ["log@example.com"]}}))
    (user,) = invited["added_users"]
    key = ok(ann.post("/v1/api_key", json={"name": "logged", "user_id": user["id"]}))
    body = {"object_type": "project", "object_id": project, "user_id": user["id"], "permission": "read"}
    ok(ann.post("/v1/acl", json=body))
    ok(ann.patch("/v1/organization/members", json={"remove_users": {"ids": [user["id"]]}}))

    assert [row["action"] for row in log_of(ann, object_id=dataset)] == ["create", "delete"]
    assert [row["action"] for row in log_of(ann, object_id=user["id"])] == ["create", "delete"]
    made, revoked = log_of(ann, object_id=key["id"])
    assert (made["action"], made["object_type"], made["name"]) == ("create", "key", "logged")
    assert (revoked["action"], revoked["route"]) == ("revoke", "PATCH /v1/organization/members")
    assert made["detail"] == f"{key['key'][:15]} of log@example.com"
    update, grant, back = log_of(ann, object_id=project)[-3:]
    assert (update["action"], grant["action"], back["action"]) == ("update", "grant", "take back")
    assert grant["detail"] == "read (read) for log@example.com"
    assert key["key"][15:] not in json.dumps(log_of(ann))


def test_feedback_deletes_and_statements(ann, project):
    ok(ann.post(f"/v1/project_logs/{project}/insert", json={"events": [{"id": "row", "input": "x"}]}))
    feedback = [{"id": "row", "scores": {"good": 1}, "comment": "nice"}]
    ok(ann.post(f"/v1/project_logs/{project}/feedback", json={"feedback": feedback}))
    rows = [
        {"id": "row", "_object_delete": True, "project_id": project, "log_id": "g"},
        {"id": "b", "project_id": project},
    ]
    ok(ann.post("/logs3", json={"rows": rows}))
    ok(query(ann, f"delete from project_logs('{project}') where id = 'b'"))

    found = [(row["action"], row["name"], row["detail"], row["route"]) for row in log_of(ann, object_id=project)]

    assert found[-3:] == [
        ("feedback", "audited", "rows: 2", "POST /v1/project_logs/{id}/feedback"),
        ("delete", "audited", "rows: 1", "POST /logs3"),
        ("statement", "audited", None, "POST /btql"),
    ]


def test_restores_and_statements_in_the_background(ann, project):
    dataset = ok(ann.post("/v1/dataset", json={"project_id": project, "name": "restored"}))["id"]
    ok(ann.post(f"/v1/dataset/{dataset}/insert", json={"events": [{"id": "row", "input": 1}]}))
    version = ann.get("/xact-id").text
    ok(ann.post("/btql/async", json={"query": f"delete from dataset('{dataset}') where id = 'row'"}))
    ok(ann.post(f"/v1/dataset/{dataset}/restore/preview", json={"version": version}))
    assert ok(ann.post(f"/v1/dataset/{dataset}/restore", json={"version": version}))["rows_restored"] == 1

    found = [(row["action"], row["name"], row["detail"], row["route"]) for row in log_of(ann, object_id=dataset)]

    assert found[1:] == [
        ("statement", "restored", None, "POST /btql/async"),
        ("restore", "restored", f"to the version {version}", "POST /v1/dataset/{dataset_id}/restore"),
    ]


def test_any_number_of_rows_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(audit_log, "EVENTS_MAX", 3)
    occasion, change = audit_log.Occasion({"id": "someone"}, "a test"), audit_log.Change("create", "thing", "1")
    with Storage.open(tmp_path / "db", create=True) as storage:
        audit_log.write(storage, "org", [audit_log.row(occasion, change) for _ in range(10)])
        assert sum(each.pending_events for each in storage.status().objects) == 10


def test_refusals_are_in_the_log(party, ann, otto, project):
    reader = party.join("rita@example.com", Level.READ)
    answer = reader.patch(f"/v1/project/{project}", json={"description": "mine"})
    assert answer.status_code == 403

    (row,) = log_of(ann, trace_id=answer.headers["x-bt-internal-trace-id"])

    assert (row["action"], row["status"], row["object_id"]) == ("refused", 403, project)
    assert row["actor"]["email"] == "rita@example.com"
    assert "Missing write access" in row["detail"]
    # Who comes from elsewhere is in the log over there.
    answer = otto.delete(f"/v1/project/{project}")
    assert answer.status_code == 403
    assert log_of(ann, trace_id=answer.headers["x-bt-internal-trace-id"]) == []
    assert len(log_of(otto, trace_id=answer.headers["x-bt-internal-trace-id"])) == 1


def test_whoever_has_no_key_fills_no_log(party, ann):
    for path in ("/attachment/upload/nonsense", "/logs3/overflow/nonsense"):
        answer = httpx.put(party.url + path, content=b"x")
        assert answer.status_code == 403
        assert log_of(ann, trace_id=answer.headers["x-bt-internal-trace-id"]) == []


def test_what_a_client_sent_is_in_the_log_in_short(party, ann):
    answer = ann.post("/logs3", json={"rows": [{"id": "r", "project_id": "x" * 1_000_000}]})
    assert (answer.status_code, len(answer.content) < 1_000) == (403, True)
    (row,) = log_of(ann, trace_id=answer.headers["x-bt-internal-trace-id"])
    assert len(row["detail"]) < 500


def test_only_administrators_read_the_log_and_nobody_writes_it(party, ann, otto):
    log = f"audit_log('{organization(ann)}')"
    assert query(ann, f"select count(1) from {log}").status_code == 200
    for client in (otto, party.join("wes@example.com", Level.WRITE), party.join("ann@example.com", Level.WRITE)):
        assert query(client, f"select: * | from: {log}").status_code == 403
    before = len(log_of(ann, action="create"))
    for text in (f"delete from {log} where true", f"update {log} set action = 'x' where true"):
        assert query(ann, text).status_code == 403
    assert query(ann, f"insert into {log} (id) values ('x')").status_code == 403
    assert len(log_of(ann, action="create")) == before


def test_the_log_of_a_new_organization_is_there_and_empty_for_others(otto, party):
    fresh = party.join("first@fresh.example", Level.ADMIN, organization="fresh")
    actions = {(row["action"], row["object_type"], row["actor"]["kind"]) for row in log_of(fresh)}
    assert actions == {
        ("create", "organization", "command_line"),
        ("create", "user", "command_line"),
        ("grant", "organization", "command_line"),
        ("create", "key", "command_line"),
    }


def test_what_cannot_be_logged_is_not_answered_as_a_success(tmp_path, monkeypatch):
    """The one who asks learns it, in an answer that is not logged in its turn."""

    def full(*_):
        raise DiskFull("no space", "free some")

    with (
        running(Settings(tmp_path / "db", ("127.0.0.1", 0), insecure_no_auth=True)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        monkeypatch.setattr(audit_log, "write", full)
        answer = client.post("/v1/project", json={"name": "p"})
        assert (answer.status_code, answer.json()["Code"]) == (507, "InsufficientStorageError")
        assert client.get("/v1/project").status_code == 200
        monkeypatch.undo()
        ok(client.post("/v1/project", json={"name": "q"}))
        assert [row["name"] for row in log_of(client, object_type="project")] == ["q"]


def test_entries_that_wait_are_written_together(tmp_path):
    with Storage.open(tmp_path / "db", create=True) as storage:
        log = audit_log.AuditLog(storage)
        occasion = audit_log.Occasion({"id": "someone"}, "a test")
        change = audit_log.Change("create", "thing", "1")
        with ThreadPoolExecutor(8) as threads:
            waiting = list(
                threads.map(lambda i: log.add(f"org {i % 2}", [audit_log.row(occasion, change)]), range(200))
            )
        for each in waiting:
            each.result(30)
        log.close()
        rows = {each.name: storage.snapshot(each) for each in storage.objects()}
        assert sorted(rows) == ["org 0", "org 1"]
        files = len(list((tmp_path / "db" / "wal").iterdir()))
        assert files < 200
        for snapshot in rows.values():
            snapshot.close()


def test_audit_headers(ann, party, project):
    asked = {"x-bt-enable-audit": "true"}
    me = ok(ann.get("/api/self/me"))

    answer = ann.get(f"/v1/project/{project}", headers=asked)

    assert answer.headers["x-bt-audit-user-id"] == me["id"]
    assert answer.headers["x-bt-audit-user-email"] == "ann@example.com"
    assert answer.headers["x-bt-audit-normalized-url"] == "/v1/project/[id]"
    assert resources(answer) == [{"type": "project", "id": project, "name": "audited"}]

    answer = query(ann, f"select: * | from: project_logs('{project}')")
    assert "x-bt-audit-user-id" not in answer.headers
    body = {"query": f"select: * | from: project_logs('{project}')"}
    answer = ann.post("/btql", json=body, headers=asked)
    assert resources(answer) == [{"type": "project", "id": project, "name": "audited"}]
    answer = ann.post(f"/v1/project_logs/{project}/insert", json={"events": []}, headers=asked)
    assert answer.headers["x-bt-audit-normalized-url"] == "/v1/project_logs/[id]/insert"
    assert resources(answer) == [{"type": "project", "id": project, "name": "audited"}]
    # Also for what is refused, without what it was refused for.
    answer = ann.get(f"/v1/project/{me['id']}", headers=asked)
    assert (answer.status_code, resources(answer)) == (403, [])
    token = party.join(service_token="auditor").get("/api/self/me", headers=asked)
    assert "x-bt-audit-user-email" not in token.headers
    assert token.headers["x-bt-audit-user-id"] == token.json()["id"]


@pytest.mark.parametrize("headers", [{}, {"x-bt-enable-audit": "false"}, {"x-bt-enable-audit": ""}])
def test_without_asking_there_are_no_audit_headers(ann, headers):
    answer = ann.get("/v1/project", headers=headers)
    assert not [name for name in answer.headers if name.startswith("x-bt-audit")]


def test_who_is_not_signed_in_gets_no_audit_headers(party, client):
    asked = {"x-bt-enable-audit": "true"}
    for answer in (
        httpx.get(f"{party.url}/ping", headers=asked),
        httpx.get(f"{party.url}/v1/project", headers=asked),
        client.get("/v1/project", headers=asked),
    ):
        assert not [name for name in answer.headers if name.startswith("x-bt-audit")]


@pytest.mark.parametrize("count", [0, 1, 50, 3_000])
def test_the_list_of_resources_fits_into_a_header(count):
    every = [{"type": "experiment", "id": str(uuid4()), "name": f"experiment {i}"} for i in range(count)]

    header = packed(every)

    assert len(header) <= RESOURCES_BYTES_MAX
    found = json.loads(header)
    listed = json.loads(gzip.decompress(base64.b64decode(found["p"])))
    assert listed == every[: len(listed)]
    assert found.get("truncated", False) is (len(listed) < count)
    assert len(listed) == count or len(listed) > 50


@pytest.mark.parametrize("fails", [False, True])
def test_a_request_that_was_cancelled_holds_up_no_other_of_its_group(tmp_path, monkeypatch, fails):
    entered, go_on = Event(), Event()

    def write(storage, org_id, rows):
        entered.set()
        assert go_on.wait(10)
        if fails:
            raise DiskFull("full")

    monkeypatch.setattr(audit_log, "write", write)
    with Storage.open(tmp_path / "db", create=True) as storage, closing(AuditLog(storage)) as log:
        first = log.add("org", [{"id": "1"}])
        assert entered.wait(10)
        waiting = [log.add("org", [{"id": "2"}]) for _ in range(3)]
        waiting[0].cancel()
        go_on.set()

        for done in [first, *waiting[1:]]:
            assert isinstance(done.exception(10), DiskFull if fails else type(None))
