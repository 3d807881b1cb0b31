"""What holds for every kind: get-or-create, replacing, changing, listing, deleting, and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

KINDS = ("project", "experiment", "dataset")
HOSTILE = [
    "naïve - 日本語 🦜",
    "a/b?c=d&e#f %41",
    "'; drop table entities; --",
    "line\nbreak\ttab",
    "nul\x00",
    "\u202e",
    " ",
]
_NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def make(client, kind, project):
    """Make an entity of the kind; projects are told apart by a word in front of their names."""

    def make(name: str, method: str = "POST", **more: object):
        place = {} if kind == "project" else {"project_id": project["id"]}
        return client.request(method, f"/v1/{kind}", json={"name": name, **place, **more})

    return make


@pytest.fixture
def word():
    """A word that no other test's names have."""
    return uuid4().hex[:8]


def test_the_same_name_gives_the_same_one_unmodified(make, kind, word):
    first = make(word, description="first")
    assert first.status_code == 200
    assert "x-bt-found-existing" not in first.headers
    again = make(word, description="second")
    assert again.status_code == 200
    assert again.headers["x-bt-found-existing"] == "true"
    assert again.json() == first.json()
    assert again.json()["description"] == "first"


def test_real_shapes(client, make, kind, word):
    keys = {
        "project": "id org_id name description created deleted_at user_id settings",
        "experiment": "id project_id name description created repo_info commit base_exp_id deleted_at dataset_id"
        " dataset_version internal_metadata parameters_id parameters_version public user_id metadata tags",
        "dataset": "id project_id name description created deleted_at user_id tags metadata url_slug",
    }
    made = make(word).json()
    assert set(made) == set(keys[kind].split())
    assert made["created"].endswith("Z")
    assert made["deleted_at"] is None
    assert client.get(f"/v1/{kind}/{made['id']}").json() == made


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_just_names(client, make, kind, word, name):
    name = word + name
    made = make(name)
    assert made.status_code == 200
    assert made.json()["name"] == name
    found = client.get(f"/v1/{kind}", params={f"{kind}_name": name}).json()["objects"]
    assert [each["id"] for each in found] == [made.json()["id"]]


@pytest.mark.parametrize(
    ("name", "place"),
    [("", "name"), ("x" * 10_000, "name"), (7, "name"), ([], "name")],
    ids=["empty", "long", "number", "list"],
)
def test_what_is_no_name_is_refused_with_the_place(make, name, place):
    answer = make(name)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == [place]


def test_text_that_is_no_unicode_is_refused(client, kind):
    answer = client.post(f"/v1/{kind}", content=b'{"name":"\xff"}')
    assert answer.status_code == 400


def test_unknown_keys_and_nulls_are_tolerated(make, word):
    answer = make(word, project_group_name=None, query_source="py", public=None, description=None, surprise={"a": 1})
    assert answer.status_code == 200
    assert "surprise" not in answer.json()


def test_a_hundred_at_once_make_one(client, make, word):
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: make(word), range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("x-bt-found-existing" not in answer.headers for answer in answers) == 1


def test_put_replaces_and_keeps_the_id(make, kind, word):
    first = make(word, description="first").json()
    answer = make(word, "PUT")
    assert answer.headers["x-bt-found-existing"] == "true"
    assert answer.json() == first | {"description": None}
    other = make(word + "!", "PUT", description="new")
    assert "x-bt-found-existing" not in other.headers
    assert other.json()["description"] == "new"


def test_patch_merges_objects_and_leaves_what_is_null(client, make, kind, word):
    key = "settings" if kind == "project" else "metadata"
    made = make(word, description="kept", **{key: {"a": {"b": 1, "c": [1, 2]}, "d": None}}).json()
    changes = {"description": None, "name": word + "2", key: {"a": {"c": [3], "e": {}}, "f": None}, "unknown": 1}
    answer = client.patch(f"/v1/{kind}/{made['id']}", json=changes)
    assert answer.status_code == 200
    merged = {"a": {"b": 1, "c": [3], "e": {}}, "d": None, "f": None}
    assert answer.json() == made | {"name": word + "2", key: merged}
    assert client.get(f"/v1/{kind}/{made['id']}").json() == answer.json()
    # The old name is free.
    assert make(word).json()["id"] != made["id"]


def test_patches_at_once_are_all_there(client, make, kind, word):
    key = "settings" if kind == "project" else "metadata"
    url = f"/v1/{kind}/{make(word).json()['id']}"
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda number: client.patch(url, json={key: {str(number): number}}), range(50)))
    assert client.get(url).json()[key] == {str(number): number for number in range(50)}


def test_a_name_that_is_taken_is_a_conflict(client, make, kind, word):
    make(word)
    other = make(word + "2").json()
    answer = client.patch(f"/v1/{kind}/{other['id']}", json={"name": word, "description": "not set"})
    assert answer.status_code == 409
    assert word in answer.json()["Message"]
    assert client.get(f"/v1/{kind}/{other['id']}").json() == other


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize(("entity_id", "status"), [(_NOWHERE, 403), ("demo", 400), ("%00", 400), ("..%2f..", 404)])
def test_wrong_ids(client, kind, method, entity_id, status):
    body = {"content": b"{}"} if method == "PATCH" else {}
    answer = client.request(method, f"/v1/{kind}/{entity_id}", **body)
    assert answer.status_code == status
    if status == 403:
        assert f"{kind} id {_NOWHERE}, or the {kind} does not exist" in answer.json()["Message"]


def test_an_id_of_another_kind_is_no_id_of_this_one(client, make, kind, word):
    made = make(word).json()
    for other in set(KINDS) - {kind}:
        assert client.get(f"/v1/{other}/{made['id']}").status_code == 403


def test_ids_are_found_in_any_spelling(client, make, kind, word):
    made = make(word).json()
    assert client.get(f"/v1/{kind}/{made['id'].upper()}").json() == made


def test_lists_page_both_ways_newest_first(client, make, kind, word):
    made = [make(f"{word} {number}").json()["id"] for number in range(5)][::-1]

    def page(**parameters):
        answer = client.get(f"/v1/{kind}", params={"ids": made, **parameters})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["objects"]]

    assert page() == made
    assert page(limit=2) == made[:2]
    assert page(limit=2, starting_after=made[1]) == made[2:4]
    assert page(limit=2, starting_after=made[3]) == made[4:]
    assert page(limit=2, ending_before=made[4]) == made[2:4]
    assert page(limit=2, ending_before=made[1]) == made[:1]
    assert page(limit=0) == []
    assert page(ids=made[3]) == [made[3]]
    assert page(ids=f"{made[3]},{made[1]}") == [made[1], made[3]]
    assert page(**{f"{kind}_name": f"{word} 3"}) == [made[1]]
    assert page(**{f"{kind}_name": f"{word} nothing"}) == []
    assert page(org_name="default") == made


@pytest.mark.parametrize(
    "parameters",
    [{"limit": "-1"}, {"limit": "many"}, {"ids": "x"}, {"starting_after": "x"}, {"ending_before": ""}],
)
def test_wrong_parameters_of_a_list(client, kind, parameters):
    answer = client.get(f"/v1/{kind}", params=parameters)
    assert answer.status_code == 400
    assert next(iter(parameters)) in answer.json()["Message"]


def test_another_organization_is_not_there(client, make, kind, word):
    assert make(word, org_name="another").status_code == 403
    assert client.get(f"/v1/{kind}", params={"org_name": "another"}).status_code == 403


def test_big_numbers_and_deep_metadata_come_back(client, make, kind, word):
    key = "settings" if kind == "project" else "metadata"
    deep: dict = {"number": 123456789012345678901234567890}
    for _ in range(198):
        deep = {"a": deep}
    made = make(word, **{key: deep})
    assert made.status_code == 200
    assert made.json()[key] == deep


@pytest.mark.parametrize("depth", [201, 250, 300, 900, 990, 1_000, 100_000])
def test_metadata_that_is_too_deep_is_refused(client, kind, project, depth):
    place = "" if kind == "project" else f'"project_id":"{project["id"]}",'
    key = "settings" if kind == "project" else "metadata"
    text = '{"name":"deep",%s"%s":%s1%s}' % (place, key, '{"a":' * depth, "}" * depth)  # noqa: UP031
    answer = client.post(f"/v1/{kind}", content=text)
    assert answer.status_code == 400
    assert "deep" in answer.json()["Message"]


def test_what_is_deleted_says_when_and_is_gone(client, make, kind, word):
    made = make(word).json()
    answer = client.delete(f"/v1/{kind}/{made['id']}")
    assert answer.status_code == 200
    assert answer.json() == made | {"deleted_at": answer.json()["deleted_at"]}
    assert answer.json()["deleted_at"] >= made["created"]
    for method in ("GET", "DELETE"):
        assert client.request(method, f"/v1/{kind}/{made['id']}").status_code == 403
    assert client.patch(f"/v1/{kind}/{made['id']}", json={}).status_code == 403
    assert client.get(f"/v1/{kind}", params={"ids": made["id"]}).json() == {"objects": []}
    again = make(word).json()
    assert again["id"] != made["id"]


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"name":', b'"x"'])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_bodies_that_are_none(client, kind, method, body):
    assert client.request(method, f"/v1/{kind}", content=body).status_code == 400
