"""Prompts and functions: what holds for both of them, with requests as SDKs send them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from btql_server.http.versions import pretty_version
from btql_server.running import running
from btql_server.settings import Settings

NOWHERE = "00000000-0000-4000-8000-000000000000"
HOSTILE = [
    "naïve - 日本語 🦜",
    "a/b?c=d&e#f %41",
    "'; drop table entities; --",
    "line\nbreak",
    "nul\x00",
    "\u202e",
    " ",
]
PROMPT_KEYS = {
    "id", "_xact_id", "project_id", "log_id", "org_id", "name", "slug", "created", "description", "prompt_data",
    "tags", "metadata", "function_type", "function_data",
}  # fmt: skip


def chat(text):
    """Return the data of a prompt."""
    return {"prompt": {"type": "chat", "messages": [{"role": "user", "content": text}]}, "options": {"model": "m"}}


@pytest.fixture(params=["prompt", "function"])
def kind(request):
    return request.param


@pytest.fixture
def save(client, kind, project):
    """Send a spec; what is not given is as it usually is."""

    def save(method="PUT", slug="greet", **more):
        spec = {"project_id": project["id"], "name": "Greet", "slug": slug, "prompt_data": chat("hi")}
        if kind == "function":
            spec["function_data"] = {"type": "global", "name": "f"}
        return client.request(method, f"/v1/{kind}", json={**spec, **more})

    return save


def read(client, kind, entity_id, **query):
    return client.get(f"/v1/{kind}/{entity_id}", params=query)


def listed(client, kind, **query):
    answer = client.get(f"/v1/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["objects"]


def test_a_slug_is_made_once(client, kind, save):
    first = save("POST", description="first")
    again = save("POST", description="second")

    assert first.status_code == again.status_code == 200
    assert "x-bt-found-existing" not in first.headers
    assert again.headers["x-bt-found-existing"] == "true"
    assert again.json() == first.json()
    assert read(client, kind, first.json()["id"]).json() == first.json()


def test_put_is_a_new_version(client, kind, save):
    first = save(description="first", tags=["a"]).json()
    second = save(prompt_data=chat("bye")).json()

    assert second["id"] == first["id"]
    assert second["_xact_id"] > first["_xact_id"]
    assert second["created"] == first["created"]
    assert (second["description"], second["tags"]) == (None, None)
    assert read(client, kind, first["id"]).json() == second


def test_patch_is_a_new_version_with_objects_merged(client, kind, save):
    first = save(description="first", metadata={"a": {"x": 1}}, tags=["t"]).json()
    body = {"name": "Greet them", "metadata": {"a": {"y": 2}}, "description": None, "tags": ["u"]}
    second = client.patch(f"/v1/{kind}/{first['id']}", json=body).json()

    expected = {"name": "Greet them", "metadata": {"a": {"x": 1, "y": 2}}, "tags": ["u"]}
    assert second == {**first, **expected, "_xact_id": second["_xact_id"]}
    assert second["_xact_id"] > first["_xact_id"]
    assert client.patch(f"/v1/{kind}/{first['id']}", json={}).json() == second
    assert read(client, kind, first["id"]).json() == second


@pytest.mark.parametrize("spell", [str, lambda text: pretty_version(int(text))])
def test_every_version_can_be_read(client, kind, project, save, compact, spell):
    versions = [save(prompt_data=chat(text), name=text).json() for text in ("one", "two", "three")]
    one = versions[0]

    for compacted in (False, True):
        for version in versions:
            wanted = spell(version["_xact_id"])
            assert read(client, kind, one["id"], version=wanted).json() == version
            assert listed(client, kind, project_id=project["id"], slug="greet", version=wanted) == [version]
        before = str(int(one["_xact_id"]) - 1)
        assert listed(client, kind, project_id=project["id"], slug="greet", version=before) == []
        missing = read(client, kind, one["id"], version=before)
        assert missing.status_code == 400
        assert "did not exist at version" in missing.json()["Message"]
        if not compacted:
            compact()


def test_lists(client, kind, project, save):
    made = [save(slug=slug, name=slug.upper()).json() for slug in ("a", "b", "c")][::-1]
    of_project = {"project_id": project["id"]}

    assert listed(client, kind, **of_project) == made
    assert listed(client, kind, project_name=project["name"]) == made
    assert listed(client, kind, **of_project, slug="b") == [made[1]]
    assert listed(client, kind, **of_project, **{f"{kind}_name": "C"}) == [made[0]]
    assert listed(client, kind, ids=[made[0]["id"], made[2]["id"]]) == [made[0], made[2]]
    assert listed(client, kind, **of_project, limit=2) == made[:2]
    assert listed(client, kind, **of_project, limit=2, starting_after=made[1]["id"]) == made[2:]
    assert listed(client, kind, **of_project, limit=1, ending_before=made[2]["id"]) == [made[1]]
    assert listed(client, kind, project_id=NOWHERE) == []


def test_delete(client, kind, project, save, btql, compact):
    made = save().json()
    deleted = client.delete(f"/v1/{kind}/{made['id']}").json()
    compact()

    assert deleted["id"] == made["id"]
    assert deleted["deleted_at"].endswith("Z")
    assert deleted["_xact_id"] > made["_xact_id"]
    assert read(client, kind, made["id"]).status_code == 403
    assert listed(client, kind, project_id=project["id"]) == []
    objects = f"project_{kind}s('{project['id']}')"
    assert btql(f"select: id | from: {objects}") == []
    assert [row["id"] for row in btql(f"select: id | from: {objects}", version=made["_xact_id"])] == [made["id"]]
    anew = save("POST").json()
    assert anew["id"] != made["id"]


def test_queries_see_the_documents(kind, project, save, btql):
    save(slug="a", metadata={"team": "x"}, tags=["t"])
    made = save(slug="b", metadata={"team": "y"}, name="B").json()
    rows = btql(f"select: * | from: project_{kind}s('{project['id']}') | filter: metadata.team = 'y'")

    assert len(rows) == 1
    for key in ("id", "_xact_id", "project_id", "org_id", "log_id", "name", "slug", "prompt_data", "metadata"):
        assert rows[0][key] == made[key], key
    (counted,) = btql(f"SELECT count(*) AS n FROM project_{kind}s('{project['id']}') WHERE tags IN ('t')")
    assert counted == {"n": 1}


def test_versions_of_a_prompt_as_sdks_ask_for_them(client, kind, project, save):
    versions = [save(prompt_data=chat(text)).json() for text in ("one", "two")]
    one = versions[0]["id"]
    versions.append(client.patch(f"/v1/{kind}/{one}", json={"description": "d"}).json())
    save(slug="other")
    query = {
        "from": {
            "op": "function",
            "name": {"op": "ident", "name": [f"project_{kind}s"]},
            "args": [{"op": "literal", "value": project["id"]}],
        },
        "select": [{"op": "star"}],
        "filter": {
            "op": "eq",
            "left": {"op": "ident", "name": ["id"]},
            "right": {"op": "literal", "value": one},
        },
    }
    body = {"query": query, "audit_log": True, "use_columnstore": False, "brainstore_realtime": True}
    rows = client.post("/btql", json=body).json()["data"]

    found = [row["_xact_id"] for row in rows if row["audit_data"]["action"] in ("upsert", "merge")]
    assert sorted(found) == sorted(version["_xact_id"] for version in versions)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {} (id, slug) VALUES ('x', 'greet')",
        "UPDATE {} SET slug = 'x' WHERE true",
        "DELETE FROM {} WHERE true",
    ],
)
def test_no_statement_writes_them(client, kind, project, save, statement):
    made = save().json()
    query = statement.format(f"project_{kind}s('{project['id']}')")
    answer = client.post("/btql", json={"query": query})

    assert answer.status_code == 400
    assert f"/v1/{kind}" in answer.json()["Message"]
    row = {"id": "x", "project_id": project["id"], "log_id": "p"}
    assert client.post("/logs3", json={"rows": [row], "api_version": 2}).status_code == 400
    assert listed(client, kind, project_id=project["id"]) == [made]


@pytest.mark.parametrize("slug", HOSTILE)
def test_hostile_slugs_are_just_slugs(client, kind, project, save, slug, btql):
    made = save(slug=slug, name=slug).json()

    assert made["slug"] == slug
    assert listed(client, kind, project_id=project["id"], slug=slug) == [made]
    assert save("POST", slug=slug).headers["x-bt-found-existing"] == "true"
    assert [row["slug"] for row in btql(f"select: slug | from: project_{kind}s('{project['id']}')")] == [slug]


def test_slugs_belong_to_their_project(client, kind, save):
    other = client.post("/v1/project", json={"name": f"another of {kind}s"}).json()
    assert save("POST").json()["id"] != save("POST", project_id=other["id"]).json()["id"]


def test_a_project_can_be_named(kind, project, save):
    made = save("POST", project_id=None, project_name=project["name"])
    assert made.json()["project_id"] == project["id"]


def test_a_slug_can_change_but_not_to_another_ones(client, kind, project, save):
    a, b = save(slug="a").json(), save(slug="b").json()
    taken = client.patch(f"/v1/{kind}/{b['id']}", json={"slug": "a", "description": "no"})
    moved = client.patch(f"/v1/{kind}/{a['id']}", json={"slug": "c"}).json()

    assert taken.status_code == 409
    assert read(client, kind, b["id"]).json() == b
    assert (moved["slug"], moved["id"]) == ("c", a["id"])
    assert read(client, kind, a["id"], version=a["_xact_id"]).json()["slug"] == "a"
    assert listed(client, kind, project_id=project["id"], slug="a") == []
    assert save("POST", slug="a").json()["id"] not in (a["id"], b["id"])


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_many_at_once_take_turns(open_server, client, kind, project, save, method, btql):
    spec = save("POST", slug="warm").request
    body = spec.read().replace(b'"warm"', b'"contended"')

    def send(_number):
        with httpx.Client(base_url=open_server, timeout=60) as own:
            return own.request(method, f"/v1/{kind}", content=body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))

    assert {answer.status_code for answer in answers} == {200}
    documents = [answer.json() for answer in answers]
    assert len({document["id"] for document in documents}) == 1
    assert len({document["_xact_id"] for document in documents}) == (16 if method == "PUT" else 1)
    assert sum("x-bt-found-existing" not in answer.headers for answer in answers) == 1
    (row,) = btql(f"select: id, _xact_id | from: project_{kind}s('{project['id']}') | filter: slug = 'contended'")
    assert row["_xact_id"] == max(document["_xact_id"] for document in documents)
    assert read(client, kind, row["id"]).json()["_xact_id"] == row["_xact_id"]


def test_two_servers_of_one_database_take_turns(folder, open_server, client, kind, save):
    body = save("POST").request.read().replace(b'"greet"', b'"shared"')
    with running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)) as other:

        def send(number):
            with httpx.Client(base_url=(open_server, other)[number % 2], timeout=60) as own:
                return own.put(f"/v1/{kind}", content=body).json()

        with ThreadPoolExecutor(4) as pool:
            documents = list(pool.map(send, range(12)))
        last = max(documents, key=lambda document: document["_xact_id"])
        with httpx.Client(base_url=other, timeout=60) as own:
            assert read(own, kind, last["id"]).json() == last
    assert len({document["id"] for document in documents}) == 1
    assert len({document["_xact_id"] for document in documents}) == 12
    assert read(client, kind, last["id"]).json() == last


def test_patches_at_once_lose_nothing(open_server, client, kind, save):
    made = save(metadata={}).json()

    def send(number):
        with httpx.Client(base_url=open_server, timeout=60) as own:
            return own.patch(f"/v1/{kind}/{made['id']}", json={"metadata": {f"k{number}": number}}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(12))) == {200}
    assert read(client, kind, made["id"]).json()["metadata"] == {f"k{number}": number for number in range(12)}


@pytest.mark.parametrize(
    "refused",
    [
        ({"slug": None}, 400, "slug"),
        ({"slug": ""}, 400, "slug"),
        ({"name": 5}, 400, "name"),
        ({"prompt_data": "text"}, 400, "prompt_data"),
        ({"tags": [1]}, 400, "tags[0]"),
        ({"project_id": None}, 400, "project_id"),
        ({"project_id": "nonsense"}, 400, "UUID"),
        ({"project_id": NOWHERE}, 403, "does not exist"),
        ({"org_name": "another"}, 403, "organization another"),
        ({"slug": "s" * 5000}, 400, "slug"),
        ({"environment_slugs": ["no such"]}, 400, "no such"),
    ],
)
def test_what_cannot_be_made(client, kind, project, save, refused):
    change, status, words = refused
    for method in ("POST", "PUT"):
        answer = save(method, **change)

        assert answer.status_code == status, answer.text
        assert words in answer.json()["Message"]
        assert listed(client, kind, project_id=project["id"]) == []


@pytest.mark.parametrize(
    ("query", "words"), [({"version": "x"}, "no version"), ({"environment": "no such"}, "no environment")]
)
def test_what_cannot_be_read(client, kind, project, save, query, words):
    made = save().json()
    for answer in (
        read(client, kind, made["id"], **query),
        client.get(f"/v1/{kind}", params={"project_id": project["id"], **query}),
    ):
        assert answer.status_code == 400
        assert words in answer.json()["Message"]
    assert read(client, kind, NOWHERE).status_code == 403
    assert read(client, kind, "nonsense").status_code == 400


def test_whole_numbers_of_any_length_and_any_text_come_back(client, kind, save):
    data = {"n": 10**30, "x": 0.1, "s": 'quo"te\n\x00', "deep": {"l": [1, None, {"e": {}}]}}
    made = save(prompt_data=data).json()
    assert made["prompt_data"] == data
    assert read(client, kind, made["id"]).json()["prompt_data"] == data
    patched = client.patch(f"/v1/{kind}/{made['id']}", json={"prompt_data": {"x": 1}}).json()
    assert patched["prompt_data"] == {**data, "x": 1}


def test_shape_of_a_prompt(client, project):
    spec = {"project_id": project["id"], "name": "n", "slug": "s"}
    made = client.post("/v1/prompt", json=spec).json()

    assert set(made) == PROMPT_KEYS
    assert made["log_id"] == "p"
    assert made["function_data"] == {"type": "prompt"}
    assert len(made["_xact_id"]) == 19


@pytest.mark.parametrize("data", [None, {}, {"type": 1}, "code"])
def test_a_function_is_of_some_type(client, project, data):
    spec = {"project_id": project["id"], "name": "n", "slug": "s", "function_data": data}
    for method in ("POST", "PUT"):
        answer = client.request(method, "/v1/function", json=spec)
        assert answer.status_code == 400
        assert "function_data" in answer.json()["Message"]


def test_parameters_as_sdks_load_them(client, project):
    data = {"type": "parameters", "data": {"model": "m"}, "__schema": {"type": "object", "properties": {}}}
    spec = {"project_id": project["id"], "name": "n", "slug": "params", "function_data": data}
    made = client.post("/v1/function", json={**spec, "function_type": "parameters"}).json()

    (found,) = listed(client, "function", project_name=project["name"], slug="params")
    assert found == made
    assert found["function_data"] == data


def test_a_document_is_no_larger_than_a_row(client, kind, project, save):
    many = {f"k{number}": number for number in range(100_001)}
    answer = save(metadata=many)
    assert answer.status_code == 413
    assert "document_keys_max" in answer.json()["Message"]
    assert listed(client, kind, project_id=project["id"]) == []
