"""Snapshots and restores of datasets, verified by what can be read afterwards."""

from __future__ import annotations

import pytest

from btql_server.http.versions import pretty_version

NOWHERE = "00000000-0000-4000-8000-000000000000"
DAY = "2026-01-01T00:00:00Z"
KEYS = {"id", "dataset_id", "name", "description", "xact_id", "created"}


@pytest.fixture
def dataset(client, project):
    return client.post("/v1/dataset", json={"project_id": project["id"], "name": "d"}).json()


@pytest.fixture
def insert(client, dataset):
    def insert(*rows):
        answer = client.post(f"/v1/dataset/{dataset['id']}/insert", json={"events": list(rows)})
        assert answer.status_code == 200, answer.text
        return client.get("/xact-id").text

    return insert


@pytest.fixture
def rows(client, dataset):
    """Return the rows of the dataset by id, as SDKs fetch them."""

    def rows(version=None):
        body = {"limit": 1000} if version is None else {"limit": 1000, "version": version}
        answer = client.post(f"/v1/dataset/{dataset['id']}/fetch", json=body)
        assert answer.status_code == 200, answer.text
        return {event["id"]: event for event in answer.json()["events"]}

    return rows


def register(client, dataset, name="v1", **more):
    body = {"dataset_id": dataset["id"], "dataset_snapshot_name": name, "xact_id": client.get("/xact-id").text}
    return client.post("/api/dataset_snapshot/register", json={**body, **more})


def test_the_last_transaction_covers_every_acknowledged_write(client, insert, rows):
    answer = client.get("/xact-id")
    assert answer.headers["content-type"].startswith("text/plain")
    assert len(answer.text) == 19
    version = insert({"id": "a", "input": 1})
    (row,) = rows().values()
    assert row["_xact_id"] <= version
    assert insert({"id": "b"}) > version


def test_a_snapshot_as_javascript_makes_it(client, dataset, insert, rows, compact):
    version = insert({"id": "a", "input": 1}, {"id": "b", "input": 1})
    made = register(client, dataset, description=None, update=None).json()
    insert({"id": "a", "input": 2}, {"id": "b", "_object_delete": True}, {"id": "c"})
    compact()

    snapshot = made["dataset_snapshot"]
    assert made["found_existing"] is False
    assert set(snapshot) == KEYS
    assert (snapshot["dataset_id"], snapshot["xact_id"]) == (dataset["id"], version)
    assert {key: row["input"] for key, row in rows(snapshot["xact_id"]).items()} == {"a": 1, "b": 1}
    assert {key: row["input"] for key, row in rows().items()} == {"a": 2, "c": None}


def test_a_name_is_taken_once_unless_it_is_moved(client, dataset, insert):
    first = register(client, dataset).json()["dataset_snapshot"]
    later = insert({"id": "a"})
    again = register(client, dataset, description="later").json()
    moved = register(client, dataset, description="later", update=True).json()

    assert again == {"dataset_snapshot": first, "found_existing": True}
    expected = {**first, "xact_id": later, "description": "later"}
    assert moved == {"dataset_snapshot": expected, "found_existing": True}


def test_find_change_and_delete(client, dataset, insert):
    one = register(client, dataset, "one").json()["dataset_snapshot"]
    insert({"id": "a"})
    two = register(client, dataset, "two").json()["dataset_snapshot"]

    def find(**search):
        return client.post("/api/dataset_snapshot/get", json={"dataset_id": dataset["id"], **search}).json()

    assert find() == [two, one]
    assert find(name="one") == [one]
    assert find(xact_id=two["xact_id"]) == [two]
    assert find(xact_id=pretty_version(int(one["xact_id"]))) == [one]
    assert find(name="three") == []

    changed = client.post("/api/dataset_snapshot/patch_id", json={"id": one["id"], "name": "uno"}).json()
    assert changed == {**one, "name": "uno"}
    taken = client.post("/api/dataset_snapshot/patch_id", json={"id": one["id"], "name": "two"})
    assert taken.status_code == 409
    assert client.post("/api/dataset_snapshot/delete_id", json={"id": one["id"]}).json() == changed
    assert find() == [two]
    assert client.post("/api/dataset_snapshot/delete_id", json={"id": one["id"]}).status_code == 403


def test_the_other_dialect(client, project, dataset, insert):
    version = insert({"id": "a"})
    spec = {"dataset_id": dataset["id"], "name": "v1", "xact_id": version, "description": "d"}
    made = client.post("/v1/dataset_snapshot", json=spec)
    one = f"/v1/dataset_snapshot/{made.json()['id']}"

    assert set(made.json()) == KEYS
    assert client.post("/v1/dataset_snapshot", json=spec).headers["x-bt-found-existing"] == "true"
    assert client.get(one).json() == made.json()
    replaced = client.put("/v1/dataset_snapshot", json={**spec, "description": "e"}).json()
    assert replaced == {**made.json(), "description": "e"}
    other = client.post("/v1/dataset", json={"project_id": project["id"], "name": "other"}).json()
    same_name = client.post("/v1/dataset_snapshot", json={**spec, "dataset_id": other["id"]}).json()
    assert same_name["id"] != made.json()["id"]
    listed = client.get("/v1/dataset_snapshot", params={"dataset_id": dataset["id"]}).json()["objects"]
    assert listed == [replaced]
    assert client.patch(one, json={"name": "v2"}).json()["name"] == "v2"
    assert client.post("/v1/dataset_snapshot", json=spec).json()["id"] != made.json()["id"]
    assert client.delete(one).status_code == 200
    assert client.get(one).status_code == 403


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"dataset_id": NOWHERE}, 403, "does not exist"),
        ({"dataset_id": "nonsense"}, 400, "UUID"),
        ({"dataset_snapshot_name": ""}, 400, "dataset_snapshot_name"),
        ({"xact_id": "now"}, 400, "no version"),
        ({"xact_id": "9000197156530206022"}, 400, "last transaction"),
        ({"xact_id": None}, 400, "xact_id"),
    ],
)
def test_what_cannot_be_a_snapshot(client, dataset, change, status, words):
    answer = register(client, dataset, **change)
    assert answer.status_code == status
    assert words in answer.json()["Message"]
    assert client.post("/api/dataset_snapshot/get", json={"dataset_id": dataset["id"]}).json() == []


def content(found):
    """Return what matters of rows: everything but when they were last written, and by whom."""
    left_out = {"_xact_id", "_pagination_key", "audit_data", "comments"}
    return {key: {name: row[name] for name in row.keys() - left_out} for key, row in found.items()}


@pytest.mark.parametrize("spell", [str, lambda text: pretty_version(int(text))])
@pytest.mark.parametrize("compacted", [False, True])
def test_restore(client, dataset, insert, rows, compact, spell, compacted):
    big = {"n": 10**25, "t": "é\n", "tags": [1, {"a": None}]}
    version = insert(
        {"id": "same", "input": 1, "created": DAY},
        {"id": "changed", "input": big, "expected": {"x": 1}, "metadata": {"k": "v"}, "tags": ["t"]},
        {"id": "deleted", "input": "here", "created": "2026-01-02T03:04:05.678901Z"},
    )
    then = rows()
    insert({"id": "changed", "input": 2}, {"id": "new", "input": 3})
    middle = insert({"id": "deleted", "_object_delete": True}, {"id": "same", "input": 1, "created": DAY})
    between = rows()
    if compacted:
        compact()
    body, path = {"version": spell(version)}, f"/v1/dataset/{dataset['id']}/restore"

    assert client.post(f"{path}/preview", json=body).json() == {"rows_to_restore": 2, "rows_to_delete": 1}
    assert rows() == between
    answer = client.post(path, json=body).json()
    assert {key: answer[key] for key in ("rows_restored", "rows_deleted")} == {"rows_restored": 2, "rows_deleted": 1}
    now = rows()
    assert content(now) == content(then)
    assert {now[key]["_xact_id"] for key in ("changed", "deleted")} == {answer["xact_id"]}
    assert now["same"] == between["same"]
    # Nothing is taken back: what was in between can still be read, and returned to.
    assert rows(middle) == between
    if compacted:
        compact()
        assert content(rows()) == content(then)
        assert rows(middle) == between
    assert client.post(path, json=body).json() == {"xact_id": None, "rows_restored": 0, "rows_deleted": 0}
    client.post(path, json={"version": middle})
    assert content(rows()) == content(between)


def test_what_was_said_of_rows_stays(client, dataset, insert, rows):
    version = insert({"id": "a", "input": 1}, {"id": "b", "input": 1})
    feedback = [{"id": row_id, "comment": "fine", "source": "external"} for row_id in ("a", "b")]
    client.post(f"/v1/dataset/{dataset['id']}/feedback", json={"feedback": feedback})
    commented = client.get("/xact-id").text
    insert({"id": "a", "input": 2}, {"id": "b", "_object_delete": True})

    client.post(f"/v1/dataset/{dataset['id']}/restore", json={"version": commented})
    found = rows()
    assert [comment["comment"]["text"] for comment in found["a"]["comments"]] == ["fine"]
    assert [comment["comment"]["text"] for comment in found["b"]["comments"]] == ["fine"]
    entry = found["a"]["audit_data"][-1]
    assert entry["metadata"] == {"restored_version": commented}
    client.post(f"/v1/dataset/{dataset['id']}/restore", json={"version": version})
    assert [comment["comment"]["text"] for comment in rows()["a"]["comments"]] == ["fine"]


def test_restoring_to_before_the_first_row_empties_it(client, dataset, insert, rows):
    before = client.get("/xact-id").text
    insert({"id": "a"}, {"id": "b"})
    answer = client.post(f"/v1/dataset/{dataset['id']}/restore", json={"version": before}).json()
    assert answer["rows_deleted"] == 2
    assert rows() == {}


def test_many_rows_are_several_transactions(client, dataset, insert, rows, monkeypatch):
    from btql_server.registering import restoring

    version = insert(*({"id": f"r{number}", "input": number} for number in range(50)))
    insert(*({"id": f"r{number}", "input": "x"} for number in range(50)))
    monkeypatch.setattr(restoring, "EVENTS_MAX", 20)
    answer = client.post(f"/v1/dataset/{dataset['id']}/restore", json={"version": version}).json()

    assert answer["rows_restored"] == 50
    found = rows()
    assert {key: row["input"] for key, row in found.items()} == {f"r{number}": number for number in range(50)}
    written = {row["_xact_id"] for row in found.values()}
    assert len(written) == 3
    assert answer["xact_id"] == max(written)


@pytest.mark.parametrize("path", ["restore", "restore/preview"])
@pytest.mark.parametrize(
    ("dataset_id", "version", "status", "words"),
    [
        (NOWHERE, "1", 403, "does not exist"),
        ("nonsense", "1", 400, "UUID"),
        (None, "soon", 400, "no version"),
        (None, None, 400, "version"),
    ],
)
def test_what_cannot_be_restored(client, dataset, path, dataset_id, version, status, words):
    answer = client.post(f"/v1/dataset/{dataset_id or dataset['id']}/{path}", json={"version": version})
    assert answer.status_code == status
    assert words in answer.json()["Message"]
