"""Rows of SDKs over `/logs3`: where they go, what they become, and that it is all of them or none."""

import gzip
import json
import threading

import httpx
import pytest

from btql_storage.ingest.accept import EVENTS_MAX


def logs3(http, *rows, **more):
    return http.post("/logs3", content=json.dumps({"rows": rows, "api_version": 2, **more}).encode())


def log_row(project, **fields):
    return {"project_id": project, "log_id": "g", **fields}


def test_a_row_is_visible_once_it_is_answered(http, project, stored):
    answer = logs3(http, log_row(project, id="a", input={"q": "?"}, output="!", created="2026-01-02T03:04:05.006Z"))

    assert answer.status_code == 200
    assert answer.json()["ids"] == ["a"]
    row = stored("project_logs", project)["a"]
    assert row["input"] == {"q": "?"}
    assert row["_xact_id"] == answer.json()["xact_id"]
    assert row["created"].isoformat() == "2026-01-02T03:04:05.006000+00:00"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json; charset=utf-8", "application/xml"])
def test_the_content_type_does_not_matter(server, project, content_type):
    headers = {} if content_type is None else {"content-type": content_type}
    body = json.dumps({"rows": [log_row(project, id="a")]}).encode()

    assert httpx.post(f"{server}/logs3", content=body, headers=headers).status_code == 200


def test_a_compressed_request_is_read(http, project, stored):
    body = gzip.compress(json.dumps({"rows": [log_row(project, id="a", input=1)]}).encode())

    assert http.post("/logs3", content=body, headers={"content-encoding": "gzip"}).status_code == 200
    assert stored("project_logs", project)["a"]["input"] == 1


def test_a_request_without_rows_is_fine(http):
    assert logs3(http).json() == {"ids": [], "xact_id": None}


def test_rows_of_several_objects_are_one_transaction(http, project, experiment, dataset, stored):
    answer = logs3(
        http,
        log_row(project, id="same", input="log"),
        {"experiment_id": experiment, "project_id": project, "id": "same", "input": "experiment"},
        {"dataset_id": dataset, "id": "same", "input": "dataset", "expected": 1},
        log_row(project, id="other", log_id=None),
    )

    assert answer.json()["ids"] == ["same", "same", "same", "other"]
    for kind, name in (("project_logs", project), ("experiment", experiment), ("dataset", dataset)):
        row = stored(kind, name)["same"]
        assert row["input"] == kind.removeprefix("project_").removesuffix("s")
        assert row["_xact_id"] == answer.json()["xact_id"]
    assert stored("project_logs", project).keys() == {"same", "other"}


def test_the_keys_that_address_a_row_are_not_stored_with_it(http, experiment, project, stored):
    logs3(http, {"experiment_id": experiment, "project_id": "anything", "org_id": "x", "log_id": None, "id": "a"})

    row = stored("experiment", experiment)["a"]
    assert row.get("project_id") in (None, project)
    assert row.get("org_id") != "x"


def test_one_bad_row_and_nothing_is_stored_anywhere(http, project, experiment, stored):
    answer = logs3(
        http,
        log_row(project, id="a"),
        {"experiment_id": experiment, "id": "b"},
        log_row(project, id="c", metadata=["no object"]),
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == ["rows", 2, "metadata"]
    assert stored("project_logs", project) == {}
    assert stored("experiment", experiment) == {}


def test_an_object_that_is_not_there_is_forbidden_and_the_row_named(http, project, stored):
    missing = "8f3e2e0c-0000-4000-8000-000000000000"
    answer = logs3(http, log_row(project, id="a"), {"experiment_id": missing, "id": "b"})

    assert answer.status_code == 403
    assert f"Missing write access to experiment id {missing}" in answer.json()["Message"]
    assert "`rows[1]`" in answer.json()["Message"]
    assert stored("project_logs", project) == {}


@pytest.mark.parametrize(
    ("keys", "path", "reason"),
    [
        ({}, ["rows", 0], "a row needs"),
        ({"log_id": "g"}, ["rows", 0], "a row needs"),
        ({"project_id": ""}, ["rows", 0], "a row needs"),
        ({"project_id": "x", "log_id": "p"}, ["rows", 0, "log_id"], "/v1/prompt"),
        ({"project_id": "x", "log_id": "zz"}, ["rows", 0, "log_id"], "not `zz`"),
        ({"experiment_id": "x", "dataset_id": "y"}, ["rows", 0], "cannot belong to both"),
        ({"experiment_id": 5}, ["rows", 0, "experiment_id"], "Expected `str | null`, got `int`"),
    ],
)
def test_a_row_that_names_no_object_is_refused(http, keys, path, reason):
    answer = logs3(http, {"id": "a", **keys})

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["path"] == path
    assert reason in error["message"]


def test_a_span_as_sdks_send_it(http, project, stored):
    ids = {"span_id": "s", "root_span_id": "r", "project_id": project, "log_id": "g", "id": "a"}
    logs3(
        http,
        {
            **ids,
            "span_parents": ["p"],
            "created": "2026-11-21T04:11:57.989622+00:00",
            "metrics": {"start": 1.5},
            "span_attributes": {"name": "f", "type": "llm", "exec_counter": 1},
            "context": {"caller_lineno": 3},
            "_is_merge": False,
        },
    )
    logs3(http, {**ids, "span_parents": None, "_is_merge": True, "input": "q", "tags": ["x"]})
    logs3(http, {**ids, "span_id": "other", "_is_merge": True, "metrics": {"end": 2.5}, "tags": ["y", "x"]})

    row = stored("project_logs", project)["a"]
    assert (row["span_id"], row["root_span_id"], row["span_parents"]) == ("s", "r", ["p"])
    assert row["metrics"] == {"start": 1.5, "end": 2.5}
    assert row["tags"] == ["x", "y"]
    assert row["input"] == "q"


def test_rows_with_one_id_fold_in_their_order(http, project, stored):
    answer = logs3(
        http,
        log_row(project, id="a", metadata={"x": 1}),
        log_row(project, id="a", metadata={"y": 2}, _is_merge=True),
        log_row(project, id="b", input=1),
        log_row(project, id="b", _object_delete=True),
        log_row(project, id="a", metadata={"x": 3}, _is_merge=True),
    )

    assert answer.json()["ids"] == ["a", "a", "b", "b", "a"]
    rows = stored("project_logs", project)
    assert rows.keys() == {"a"}
    assert rows["a"]["metadata"] == {"x": 3, "y": 2}


def test_the_same_request_twice_changes_nothing(http, project, stored):
    rows = [log_row(project, id="a", input=1, created="2026-01-01T00:00:00Z"), log_row(project, id="b")]
    logs3(http, *rows)
    before = stored("project_logs", project)
    logs3(http, *rows)
    after = stored("project_logs", project)

    assert after.keys() == before.keys()
    assert after["a"]["_pagination_key"] == before["a"]["_pagination_key"]
    assert after["a"]["input"] == 1


def test_online_scoring_is_dropped(http, project, stored):
    logs3(http, log_row(project, id="a", _skip_async_scoring=True, _async_scoring_control={"kind": "x"}))

    row = stored("project_logs", project)["a"]
    assert not {"_skip_async_scoring", "_async_scoring_control"} & row.keys()


def test_an_attachment_reference_comes_back_as_it_was(http, project, stored):
    reference = {"type": "braintrust_attachment", "filename": "ü.png", "content_type": "image/png", "key": "k-1"}
    logs3(http, log_row(project, id="a", input=[{"deep": reference}]))

    assert stored("project_logs", project)["a"]["input"] == [{"deep": reference}]


def test_a_child_names_its_parent_by_the_id_of_its_row(http, project, stored):
    logs3(http, log_row(project, id="root", span_id="s1", root_span_id="t"))
    logs3(
        http,
        log_row(project, id="child", _parent_id="root"),
        log_row(project, id="grandchild", _parent_id="child", root_span_id="mistaken"),
    )

    rows = stored("project_logs", project)
    assert (rows["child"]["root_span_id"], rows["child"]["span_parents"]) == ("t", ["s1"])
    assert (rows["grandchild"]["root_span_id"], rows["grandchild"]["span_parents"]) == ("t", ["child"])
    answer = logs3(http, log_row(project, id="x", _parent_id="nobody"))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == ["rows", 0, "_parent_id"]


def test_more_rows_than_a_transaction_holds(http, project, stored):
    answer = logs3(http, *[log_row(project)] * (EVENTS_MAX + 1))

    assert answer.status_code == 413
    assert f"{EVENTS_MAX:,}" in answer.json()["Message"]
    assert stored("project_logs", project) == {}


@pytest.mark.parametrize(
    ("path", "key"),
    [("/logs3", "rows"), ("/v1/project_logs/%s/insert", "events"), ("/v1/project_logs/%s/feedback", "feedback")],
)
def test_too_many_rows_are_refused_before_any_is_read(http, project, path, key):
    row = '{"id":"a","scores":7}'
    rows = ",".join([row] * (EVENTS_MAX + 1))
    answer = http.post(path.replace("%s", project), content=f'{{"{key}":[{rows}]}}')

    assert answer.status_code == 413
    assert f"more than {EVENTS_MAX:,} events" in answer.json()["Message"]


def test_writers_and_readers_at_once(server, http, project, stored):
    """Every answered row is there, once, and each reader sees whole requests only."""
    problems: list[str] = []
    done = threading.Event()

    def write(writer: int) -> None:
        with httpx.Client(base_url=server, timeout=60) as client:
            for number in range(8):
                rows = [log_row(project, id=f"{writer}-{number}-{index}", input=number) for index in range(5)]
                if logs3(client, *rows).status_code != 200:
                    problems.append("not stored")
                if not stored("project_logs", project).keys() >= {row["id"] for row in rows}:
                    problems.append("answered and not visible")

    def read() -> None:
        while not done.is_set():
            if len(stored("project_logs", project)) % 5:
                problems.append("half of a request is visible")

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()

    assert problems == []
    assert len(stored("project_logs", project)) == 4 * 8 * 5
