"""Pages of an object's rows."""

from __future__ import annotations

from uuid import uuid4

import pytest


@pytest.fixture(scope="module")
def project(open_server):
    import httpx

    with httpx.Client(base_url=open_server, timeout=60) as client:
        project = client.post("/v1/project", json={"name": "fetched"}).json()["id"]
        for first in (0, 4):
            rows = [
                {
                    "id": f"t{trace}s{span}",
                    "span_id": f"t{trace}s{span}",
                    "root_span_id": f"t{trace}s0",
                    "span_parents": [f"t{trace}s0"] if span else None,
                    "input": {"span": span, "trace": trace},
                    "project_id": project,
                    "log_id": "g",
                }
                for trace in range(first, first + 4)
                for span in range(3)
            ]
            assert client.post("/logs3", json={"rows": rows}).status_code == 200
    return project


def _ids(answer):
    assert answer.status_code == 200, answer.text
    return [event["id"] for event in answer.json()["events"]]


def test_pages_hold_whole_traces_newest_first(client, project):
    found, cursor, pages = [], None, 0
    while True:
        answer = client.post(f"/v1/project_logs/{project}/fetch", json={"limit": 3, "cursor": cursor})
        found += _ids(answer)
        cursor = answer.json()["cursor"]
        if not cursor:
            break
        pages += 1
        assert answer.headers["x-bt-cursor"] == cursor
    assert found == [f"t{trace}s{span}" for trace in range(7, -1, -1) for span in (2, 1, 0)]
    assert pages == 3


def test_the_url_takes_the_same(client, project):
    first = client.get(f"/v1/project_logs/{project}/fetch", params={"limit": 3})
    second = client.get(f"/v1/project_logs/{project}/fetch", params={"limit": 3, "cursor": first.json()["cursor"]})

    assert _ids(first) == ["t7s2", "t7s1", "t7s0", "t6s2", "t6s1", "t6s0", "t5s2", "t5s1", "t5s0"]
    assert _ids(second)[:3] == ["t4s2", "t4s1", "t4s0"]


def test_a_body_may_be_left_out(client, project):
    everything = client.get(f"/v1/project_logs/{project}/fetch")

    assert _ids(client.post(f"/v1/project_logs/{project}/fetch")) == _ids(everything)
    assert client.post(f"/v1/project_logs/{project}/fetch", content=b" ").status_code == 400


def test_the_deprecated_way_to_page(client, project):
    events = client.get(f"/v1/project_logs/{project}/fetch", params={"limit": 4}).json()["events"]
    last = min(events, key=lambda event: (event["_xact_id"], event["root_span_id"]))
    more = {"max_xact_id": last["_xact_id"], "max_root_span_id": last["root_span_id"], "limit": 100}

    assert sorted(_ids(client.get(f"/v1/project_logs/{project}/fetch", params=more))) == [
        f"t{trace}s{span}" for trace in range(4) for span in range(3)
    ]
    del more["max_root_span_id"]
    assert len(_ids(client.post(f"/v1/project_logs/{project}/fetch", json=more))) == 24


def _logged(client, requests):
    """Return the path to fetch the logs of a new project, which have the rows of several requests."""
    project = client.post("/v1/project", json={"name": f"paged-{uuid4()}"}).json()["id"]
    for rows in requests:
        sent = [{**row, "project_id": project, "log_id": "g"} for row in rows]
        assert client.post("/logs3", json={"rows": sent}).status_code == 200
    return f"/v1/project_logs/{project}/fetch"


def _pages_by_pairs(client, path, limit):
    """Return the ids on each page, as a client pages that goes on below the least pair it was given."""
    pair = {"max_xact_id": "1000999999999999999", "max_root_span_id": "zzzz"}
    pages = []
    while True:
        events = client.post(path, json={"limit": limit, **pair}).json()["events"]
        if not events:
            return pages
        pages.append([event["id"] for event in events])
        xact_id, root = min((event["_xact_id"], event["root_span_id"]) for event in events)
        pair = {"max_xact_id": xact_id, "max_root_span_id": root}


def _pages_by_cursors(client, path, limit):
    pages = []
    asked = {"limit": limit, "max_xact_id": "1000999999999999999"}
    while True:
        answer = client.post(path, json=asked)
        body = answer.json()
        pages.append([event["id"] for event in body["events"]])
        if body["cursor"] is None:
            return pages
        assert answer.headers["x-bt-cursor"] == body["cursor"]
        asked = {"limit": limit, "cursor": body["cursor"]}


@pytest.mark.parametrize("pages", [_pages_by_pairs, _pages_by_cursors])
def test_a_pair_is_never_on_two_pages(client, pages):
    path = _logged(client, [[{"id": f"r{n}", "root_span_id": "same"} for n in range(5)]])
    assert [sorted(each) for each in pages(client, path, 2)] == [["r0", "r1", "r2", "r3", "r4"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("pages", [_pages_by_pairs, _pages_by_cursors])
def test_the_deprecated_way_to_page_loses_no_row(client, pages, limit):
    # Traces whose spans came in several requests, beside others, with roots in no order.
    requests = [
        [{"id": f"{request}-{root}-{n}", "root_span_id": root} for root in roots for n in range(3)]
        for request, roots in enumerate(("cab", "bd", "a", "dea", "c"))
    ]
    path = _logged(client, requests)

    found = pages(client, path, limit)
    ids = [each for page in found for each in page]
    assert sorted(ids) == sorted(row["id"] for rows in requests for row in rows)
    assert all(len({each.split("-")[1] for each in page}) <= limit for page in found)
    assert [each.split("-")[0] for each in ids] == sorted((each.split("-")[0] for each in ids), reverse=True)


def test_a_page_that_ends_behind_many_rows(client):
    path = _logged(client, [[{"id": f"first-{n}", "root_span_id": "a"} for n in range(9)],
                            [{"id": f"long-{n}", "root_span_id": "b"} for n in range(1_200)]])  # fmt: skip
    assert [len(each) for each in _pages_by_pairs(client, path, 1)] == [1_200, 9]


@pytest.mark.parametrize("more", [{}, {"max_xact_id": "1000999999999999999"}])
def test_a_page_of_no_traces_is_the_last_one(client, project, more):
    answer = client.post(f"/v1/project_logs/{project}/fetch", json={"limit": 0, **more})
    assert answer.json() == {"events": [], "cursor": None}


def test_filters_with_the_deprecated_way_to_page(client, project):
    asked = {"limit": 2, "max_xact_id": "1000999999999999999", "filters": [{"btql": "input.span = 1"}]}
    first = client.post(f"/v1/project_logs/{project}/fetch", json=asked)
    second = client.post(f"/v1/project_logs/{project}/fetch", json={**asked, "cursor": first.json()["cursor"]})
    assert (_ids(first), _ids(second)) == (["t7s1", "t6s1"], ["t5s1", "t4s1"])


@pytest.mark.parametrize("cursor", ["below.", "below.!", "below.eA", "below.eCBh"])
def test_a_pair_that_no_page_gave(client, project, cursor):
    answer = client.post(f"/v1/project_logs/{project}/fetch", json={"cursor": cursor})
    assert (answer.status_code, "cursor" in answer.json()["Message"]) == (400, True)


@pytest.mark.parametrize(
    "filters",
    [
        [{"type": "path_lookup", "path": ["input", "span"], "value": 1}],
        [{"op": "eq", "left": {"op": "ident", "name": ["input", "span"]}, "right": {"op": "literal", "value": 1}}],
        [{"btql": "input.span = 1"}, {"btql": "span_parents is not null"}],
    ],
)
def test_filters_leave_the_spans_that_match(client, project, filters):
    answer = client.post(f"/v1/project_logs/{project}/fetch", json={"limit": 2, "filters": filters})
    assert _ids(answer) == ["t7s1", "t6s1"]


def test_a_filter_for_what_is_missing(client, project):
    filters = [{"type": "path_lookup", "path": ["span_parents"], "value": None}]
    answer = client.post(f"/v1/project_logs/{project}/fetch", json={"filters": filters})
    assert _ids(answer) == [f"t{trace}s0" for trace in range(7, -1, -1)]


def test_rows_of_a_dataset_as_they_were(client, project):
    dataset = client.post("/v1/dataset", json={"project_id": project, "name": "golden"}).json()["id"]
    path = f"/v1/dataset/{dataset}"
    client.post(f"{path}/insert", json={"events": [{"id": "a", "input": 1}, {"id": "b", "input": 2, "expected": 3}]})
    version = client.post(f"{path}/fetch", json={}).json()["events"][0]["_xact_id"]
    client.post(f"{path}/insert", json={"events": [{"id": "a", "input": 9}, {"id": "b", "_object_delete": True}]})

    now = client.post(f"{path}/fetch", json={"limit": 1000}).json()["events"]
    then = client.post(f"{path}/fetch", json={"version": version}).json()["events"]
    assert [(row["id"], row["input"], row["expected"]) for row in now] == [("a", 9, None)]
    assert [(row["id"], row["input"], row["expected"]) for row in then] == [("b", 2, 3), ("a", 1, None)]
    assert {"project_id", "dataset_id", "_pagination_key", "created", "is_root", "span_id"} <= set(now[0])


def test_a_comment_is_no_row(client, project):
    experiment = client.post("/v1/experiment", json={"project_id": project, "name": "tried"}).json()["id"]
    client.post(f"/v1/experiment/{experiment}/insert", json={"events": [{"id": "a", "input": 1}]})
    client.post(f"/v1/experiment/{experiment}/feedback", json={"feedback": [{"id": "a", "comment": "nice"}]})

    (row,) = client.post(f"/v1/experiment/{experiment}/fetch", json={}).json()["events"]
    assert (row["id"], row["experiment_id"], row["project_id"]) == ("a", experiment, project)
    assert row["comments"][0]["comment"] == {"text": "nice"}


def test_an_empty_object_has_no_events(client, project):
    experiment = client.post("/v1/experiment", json={"project_id": project, "name": "empty"}).json()["id"]
    answer = client.post(f"/v1/experiment/{experiment}/fetch", json={"limit": 1000, "cursor": None})
    assert answer.json() == {"events": [], "cursor": None}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"limit": -1}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "!"}, "cursor"),
        ({"version": "x"}, "version"),
        ({"filters": {}}, "filters"),
        ({"filters": [{"type": "path_lookup", "path": "x"}]}, "filters[0].path"),
        ({"filters": [{"op": "nonsense"}]}, "nonsense"),
    ],
)
def test_what_is_wrong_is_named(client, project, body, place):
    answer = client.post(f"/v1/project_logs/{project}/fetch", json=body)
    assert answer.status_code == 400
    assert place in answer.json()["Message"]


@pytest.mark.parametrize("name", ["00000000-0000-4000-8000-000000000000", "nothing", "'; drop", "%00", "é" * 999])
def test_what_is_not_there_is_forbidden(client, name):
    assert client.post(f"/v1/dataset/{name}/fetch", json={}).status_code == 403
