"""Datasets: rows that come, change and go; versions that stay; snapshots; bytes beside rows."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

GERMANY = ["de", "Germany", "Bonn", {"eu": True, "checked": None}, None]
FRANCE = ["fr", "France", "Paris", {"eu": True}, ["eu"]]


@pytest.fixture(scope="module")
def dataset(told, sdk):
    return told("datasets", sdk.version)


def by_id(*rows: list) -> list[list]:
    return sorted(rows, key=lambda row: row[0])


def japan(dataset):
    return [dataset["made"], {"country": "Japan"}, ["Tokyo", "東京"], None, None]


def test_rows_are_visible_as_soon_as_they_are_flushed(dataset):
    assert dataset["same_id"] == dataset["dataset_id"]
    assert dataset["before"] == by_id(GERMANY, FRANCE, japan(dataset))


def test_updates_merge_and_deletes_delete(dataset):
    changed = ["de", "Germany", "Berlin", {"eu": True, "checked": 1990}, None]
    peru = ["pe", "Peru", "Lima", None, None]
    assert dataset["after"] == by_id(changed, peru, japan(dataset))
    assert int(dataset["after_version"]) > int(dataset["version"])
    assert dataset["summary"]["dataset_name"] == "capitals"
    assert dataset["summary"]["data_summary"]["total_records"] == 3


def test_a_pinned_version_stays_as_it_was(dataset, sdk):
    # The oldest generation never sends the version it was asked for.
    assert dataset["pinned"] == (dataset["after"] if sdk.version == "0.0.203" else dataset["before"])


def test_btql_sees_the_same_rows(api, dataset):
    rows = api.query(
        f"select: id, expected, is_root, span_id = root_span_id as own "
        f"| from: dataset('{dataset['dataset_id']}') | sort: id"
    )
    assert [[row["id"], row["expected"]] for row in rows] == [row[::2][:2] for row in dataset["after"]]
    assert all(row["is_root"] and row["own"] for row in rows)
    old = api.query(f"select: id | from: dataset('{dataset['dataset_id']}') | sort: id", version=dataset["version"])
    assert [row["id"] for row in old] == [row[0] for row in dataset["before"]]


def test_snapshots_are_named_versions(api, js_sdk, project):
    said = js_sdk.run(api, "snapshots", project)
    assert said["first"]["dataset_id"] == said["dataset_id"]
    assert said["first"]["description"] == "two rows"
    assert int(said["first"]["xact_id"]) < int(said["second"]["xact_id"])
    assert said["listed"] == ["v1", "v2"]
    assert said["found"] == said["first"]["id"]
    assert said["missing"] is None
    assert (said["renamed"]["name"], said["renamed"]["description"]) == ("latest", "three changes")
    assert said["renamed"]["xact_id"] == said["second"]["xact_id"]
    assert said["at_first"] == [["a", "one"], ["b", "two"]]
    assert said["left"] == ["v1"]


def test_a_dataset_can_be_restored_to_a_version(api, js_sdk, project):
    said = js_sdk.run(api, "snapshots", project)
    assert said["preview"] == {"rows_to_restore": 2, "rows_to_delete": 1}
    assert (said["restored"]["rows_restored"], said["restored"]["rows_deleted"]) == (2, 1)
    assert int(said["restored"]["xact_id"]) > int(said["second"]["xact_id"])
    assert said["afterwards"] == said["at_first"]


def test_attachments_come_back_byte_for_byte(api, sdk, project):
    said = sdk.run(api, "attachments", project)
    assert said["read"] == said["sent"]
    assert said["status"] == "done"
    assert said["reference"]["type"] == "braintrust_attachment"
    assert said["reference"]["filename"] == "copy.png"
    assert said["reference"]["content_type"] == "image/png"
    (row,) = api.query(f"select: * | from: project_logs('{said['project_id']}')")
    picture = row["input"]["picture"]
    assert set(picture) == {"type", "filename", "content_type", "key"}
    assert (picture["type"], picture["filename"]) == ("braintrust_attachment", "gradient ü.png")
    empty = row["input"]["deep"][0]["empty"]
    where = api.http.get("/attachment", params={name: empty[name] for name in ("key", "filename", "content_type")})
    assert where.json()["status"] == {"upload_status": "done"}
    assert api.http.get(where.json()["downloadUrl"]).content == b""
