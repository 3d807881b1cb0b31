"""How long objects are kept, purges, and what becomes of rows whose project or experiment was deleted."""

from __future__ import annotations

import pytest

from btql_server.access.model import Level
from btql_server.registering.forgetting import forget_deleted
from btql_server.registry.opening import open_registry
from btql_server.registry.store import Registry
from btql_storage.opening.location import locate
from btql_storage.store import Storage


def rows(client, experiment_id: str) -> list[str]:
    answer = client.get(f"/v1/experiment/{experiment_id}/fetch")
    assert answer.status_code == 200, answer.text
    return sorted(row["id"] for row in answer.json()["events"])


@pytest.fixture
def experiment(client, project) -> str:
    return client.post("/v1/experiment", json={"project_id": project["id"], "name": "kept"}).json()["id"]


def insert(client, experiment_id: str, *events: dict[str, object]) -> None:
    answer = client.post(f"/v1/experiment/{experiment_id}/insert", json={"events": list(events)})
    assert answer.status_code == 200, answer.text


def test_a_policy_is_set_and_removed(client, experiment):
    path = f"/v1/experiment/{experiment}/retention"
    nothing = {"age_s": None, "json_bytes": None, "rows": None, "history_s": None}
    assert client.get(path).json() == {"policy": None, "in_force": nothing, "waiting_since": None, "due": None}
    policy = nothing | {"age_s": 86_400, "rows": 10}
    assert client.put(path, json={"age_s": 86_400, "rows": 10}).json()["policy"] == policy
    assert client.get(path).json()["in_force"] == policy
    assert client.get(path.replace(experiment, experiment.upper())).json()["policy"] == policy
    assert client.put(path.replace(experiment, experiment.upper()), json={"rows": 9}).status_code == 200
    assert client.get(path).json()["policy"] == nothing | {"rows": 9}
    assert client.put(path, json={}).status_code == 400
    assert "needs a limit" in client.put(path, json={}).json()["Message"]
    assert client.put(path, json={"rows": 0}).status_code == 400
    assert client.delete(path).json()["policy"] is None
    assert client.delete(path).status_code == 200


def test_a_history_is_for_kinds_that_have_versions(client, project, experiment):
    kept = {"history_s": 60}
    assert client.put(f"/v1/experiment/{experiment}/retention", json=kept).json()["policy"]["history_s"] == 60
    path = f"/v1/project_logs/{project['id']}/retention"
    refused = client.put(path, json={**kept, "rows": 10})
    assert refused.status_code == 400
    message = "project_logs has no versions: leave `history_s` out, it is for experiment and dataset"
    assert refused.json()["Message"] == message
    assert client.get(path).json()["policy"] is None


def test_what_was_deleted_is_purged(client, experiment):
    insert(client, experiment, {"id": "a", "input": "x"}, {"id": "b"})
    insert(client, experiment, {"id": "a", "_object_delete": True})
    report = client.post(f"/v1/experiment/{experiment}/purge").json()

    assert report["proved"] is True
    assert report["found"] == []
    assert report["read_files"] > 0
    assert rows(client, experiment) == ["b"]


def test_only_administrators_may(party):
    admin, writer = (party.join(f"{level.name}@example.com", level) for level in (Level.ADMIN, Level.WRITE))
    project = admin.post("/v1/project", json={"name": "p"}).json()
    path = f"/v1/project_logs/{project['id']}"
    for client, status in ((writer, 403), (admin, 200)):
        assert client.put(f"{path}/retention", json={"rows": 5}).status_code == status
        assert client.get(f"{path}/retention").status_code == status
        assert client.delete(f"{path}/retention").status_code == status
        assert client.post(f"{path}/purge").status_code == status


def test_rows_of_what_was_deleted_go_from_the_storage(party):
    client = party.join("forgetting@example.com", Level.ADMIN)
    project = client.post("/v1/project", json={"name": "forgotten"}).json()
    made = [client.post("/v1/experiment", json={"project_id": project["id"], "name": name}).json() for name in "ef"]
    ids = [one["id"] for one in made]
    for one in ids:
        insert(client, one, {"id": "a", "input": "x"})
    assert client.delete(f"/v1/experiment/{ids[0]}").status_code == 200
    with Storage.open(party.folder) as storage:
        registry = open_registry(locate(party.folder))
        assert [one.name for one in forget_deleted(registry, storage)] == [ids[0]]
        assert forget_deleted(registry, storage) == []
        assert rows(client, ids[1]) == ["a"]
        assert client.get(f"/v1/experiment/{ids[0]}/fetch").status_code == 403
        assert client.delete(f"/v1/project/{project['id']}").status_code == 200
        kinds = sorted(one.kind for one in forget_deleted(registry, storage))
        registry.close()

        assert kinds == ["experiment", "project_functions", "project_logs", "project_prompts"]
        (gone, *_) = [one for one in storage.retention.status() if one.object.name == ids[1]]
        assert gone.deleted_at is not None


def test_the_registry_is_asked_once_for_all_that_was_deleted(party, monkeypatch):
    client = party.join("asked@example.com", Level.ADMIN)
    project = client.post("/v1/project", json={"name": "asked"}).json()
    for name in "abc":
        made = client.post("/v1/experiment", json={"project_id": project["id"], "name": name}).json()
        insert(client, made["id"], {"id": "a"})
    with Storage.open(party.folder) as storage:
        registry = open_registry(locate(party.folder))
        forget_deleted(registry, storage)
        asked: list[str] = []
        rows_of = Registry.rows

        def counted(self, statement, values=()):
            asked.append(statement)
            return rows_of(self, statement, values)

        monkeypatch.setattr(Registry, "rows", counted)
        monkeypatch.setattr(Registry, "get", lambda *_, **__: pytest.fail("one by one"))
        assert forget_deleted(registry, storage) == []
        registry.close()

    assert len(asked) == 1
