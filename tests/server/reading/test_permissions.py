"""Who may read and write what, through statements: every place where one can name an object."""

from __future__ import annotations

import time
from uuid import uuid4

import httpx
import pytest
from starlette.requests import Request

import btql
from btql_server.access.desk import Desk, Wanted
from btql_server.access.model import Level
from btql_server.http.call import Call
from btql_server.reading.directory import Visible
from btql_server.registry.entity import EntitySpec
from btql_server.running import running
from btql_server.settings import Settings
from btql_server.state import State


@pytest.fixture(scope="module")
def parties(tmp_path_factory):
    """Clients by name: who may do what is in their names."""
    folder = tmp_path_factory.mktemp("permissions") / "db"
    with btql.connect(folder) as conn:
        conn.ingest("project_logs:embedded", [{"id": "e", "input": "made in the process"}])
    with running(Settings(folder, ("127.0.0.1", 0))) as url:
        clients: dict[str, httpx.Client] = {}

        def join(name, level, **more):
            with Desk.at(folder, "a test") as desk:
                key = desk.issue(Wanted(user=f"{name}@example.com", level=level, **more)).text
            clients[name] = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60)

        join("admin", Level.ADMIN)
        join("reader", Level.READ)
        join("stranger", Level.ADMIN, organization="elsewhere")
        yield clients
        for each in clients.values():
            each.close()


@pytest.fixture(scope="module")
def things(parties):
    """Ids of what the administrator has made."""
    admin = parties["admin"]
    project = admin.post("/v1/project", json={"name": "Secret plans"}).json()["id"]
    experiment = admin.post("/v1/experiment", json={"project_id": project, "name": "try"}).json()["id"]
    dataset = admin.post("/v1/dataset", json={"project_id": project, "name": "gold"}).json()["id"]
    rows = [
        {"id": "l", "input": "log", "project_id": project, "log_id": "g"},
        {"id": "e", "input": "try", "experiment_id": experiment},
        {"id": "d", "input": "gold", "dataset_id": dataset},
    ]
    assert admin.post("/logs3", json={"rows": rows}).status_code == 200
    return {"project_logs": project, "experiment": experiment, "dataset": dataset}


PLACES = [
    "select: id | from: {source}",
    "SELECT id FROM {source}",
    "SELECT (SELECT max(id) FROM {source}) AS v",
    "SELECT 1 AS v WHERE EXISTS (SELECT id FROM {source})",
    "WITH x AS (SELECT id FROM {source}) SELECT id FROM x",
    "SELECT a.id FROM {own} a JOIN {source} b ON a.id = b.id",
    "SELECT id FROM {own} UNION ALL SELECT id FROM {source}",
    "EXPLAIN SELECT id FROM {source}",
    "EXPLAIN ANALYZE SELECT id FROM {source}",
    "INSERT INTO {own} (id) SELECT id FROM {source}",
    "INSERT INTO {source} (id) VALUES ('x')",
    "UPDATE {source} SET input = 1",
    "DELETE FROM {source}",
]


def _ask(client, query, **more):
    return client.post("/btql", json={"query": query, **more})


@pytest.fixture(scope="module")
def own(parties):
    """A source of the stranger's."""
    project = parties["stranger"].post("/v1/project", json={"name": "Mine"}).json()["id"]
    return f"project_logs('{project}')"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["project_logs", "experiment", "dataset"])
def test_ids_of_another_organization_look_like_ids_of_nothing(parties, things, own, place, kind):
    answers = []
    for name in (things[kind], str(uuid4())):
        answer = _ask(parties["stranger"], place.format(source=f"{kind}('{name}')", own=own))
        body = answer.json()
        answers.append((answer.status_code, body["Code"], body["Message"].replace(name, "ID")))
    assert answers[0] == answers[1]
    assert answers[0][:2] == (403, "ForbiddenError")
    left = _ask(parties["admin"], f"SELECT count(*) AS n, max(id) AS i FROM {kind}('{things[kind]}')").json()["data"]
    assert left == [{"n": 1, "i": {"project_logs": "l", "experiment": "e", "dataset": "d"}[kind]}]


@pytest.mark.parametrize("place", PLACES)
def test_names_of_another_organization_are_names_of_nothing(parties, things, own, place):
    if place.startswith("INSERT INTO {source}"):
        pytest.skip("names what is new")
    for real, made_up in (("Secret plans", "Secret plant"), ("embedded", "embeddes")):
        answers = []
        for name in (real, made_up):
            answer = _ask(parties["stranger"], place.format(source=f"project_logs('{name}')", own=own))
            answers.append((answer.status_code, answer.json()["Message"].replace(name, "NAME")))
        assert answers[0] == answers[1]
        assert answers[0][0] == 400
        assert "did you mean" not in answers[0][1]


@pytest.mark.parametrize(
    "bare", ['"Secret plans"', "embedded", "project_logs.embedded", "embedde", "gold", "project_logs"]
)
def test_bare_names_and_hints_reveal_nothing(parties, things, bare):
    message = _ask(parties["stranger"], f"SELECT id FROM {bare}").json()["Message"]

    assert "B0402" in message
    assert "did you mean" not in message
    assert things["project_logs"] not in message
    assert "name one of them" not in message or bare == "project_logs"


def test_nobody_writes_under_a_name_into_the_organization_of_another(parties):
    for statement in (
        "INSERT INTO project_logs('embedded') (id) VALUES ('x')",
        "INSERT INTO project_logs('brand new') (id) VALUES ('x')",
    ):
        assert _ask(parties["stranger"], statement).status_code in (400, 403)
    assert _ask(parties["admin"], "INSERT INTO project_logs('') (id) VALUES ('x')").status_code == 403
    listed = _ask(parties["admin"], "SELECT id FROM embedded").json()["data"]
    assert listed == [{"id": "e"}]
    assert _ask(parties["admin"], "SELECT id FROM project_logs('brand new')").status_code == 400


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["project_logs", "experiment", "dataset"])
def test_a_key_that_reads_does_not_write(parties, things, place, kind):
    source = f"{kind}('{things[kind]}')"
    answer = _ask(parties["reader"], place.format(source=source, own=source))

    if place.startswith(("INSERT", "UPDATE", "DELETE")):
        assert answer.status_code == 403
        assert "Missing write access" in answer.json()["Message"]
    else:
        assert answer.status_code == 200, answer.text
    count = _ask(parties["reader"], f"SELECT count(*) AS n FROM {source}").json()["data"]
    assert count == [{"n": 1}]


@pytest.mark.parametrize("kind", ["project_logs", "experiment", "dataset"])
def test_fetch_asks_the_same_questions(parties, things, kind):
    path = f"/v1/{kind}/{things[kind]}/fetch"
    assert parties["reader"].post(path, json={}).status_code == 200
    assert parties["reader"].get(path).status_code == 200
    for client, name in ((parties["stranger"], things[kind]), (parties["admin"], str(uuid4()))):
        for answer in (client.post(f"/v1/{kind}/{name}/fetch", json={}), client.get(f"/v1/{kind}/{name}/fetch")):
            assert answer.status_code == 403
            assert f"Missing read access to {kind} id {name}" in answer.json()["Message"]


def test_names_lead_to_what_is_registered(parties, things):
    admin = parties["admin"]
    assert _ask(admin, "SELECT id FROM project_logs('Secret plans')").json()["data"] == [{"id": "l"}]
    assert _ask(admin, 'SELECT id FROM "Secret plans"').json()["data"] == [{"id": "l"}]
    assert _ask(admin, "SELECT id FROM experiment('try')").json()["data"] == [{"id": "e"}]
    assert _ask(admin, "SELECT id FROM gold").json()["data"] == [{"id": "d"}]
    close = _ask(admin, "SELECT id FROM dataset('gald')").json()["Message"]
    assert "did you mean `gold`?" in close


def test_what_the_registry_knows_is_in_every_row(parties, things):
    admin, project = parties["admin"], things["project_logs"]
    organization = admin.get(f"/v1/project/{project}").json()["org_id"]
    (log,) = _ask(admin, f"SELECT * FROM project_logs('{project}')").json()["data"]
    (tried,) = _ask(admin, f"SELECT * FROM experiment('{things['experiment']}')").json()["data"]
    (gold,) = _ask(admin, f"SELECT * FROM dataset('{things['dataset']}')").json()["data"]

    assert (log["project_id"], log["org_id"], log["log_id"]) == (project, organization, "g")
    assert (tried["project_id"], tried["experiment_id"]) == (project, things["experiment"])
    assert (gold["project_id"], gold["dataset_id"]) == (project, things["dataset"])
    assert not {"org_id", "log_id"} & (set(tried) | set(gold))
    assert _ask(admin, f"SELECT id FROM dataset('{things['dataset']}') WHERE project_id = '{project}'").json()["data"]
    assert not _ask(admin, f"SELECT id FROM dataset('{things['dataset']}') WHERE project_id = 'x'").json()["data"]


def test_experiments_of_several_projects_say_which(parties, things):
    admin = parties["admin"]
    other = admin.post("/v1/project", json={"name": "Other plans"}).json()["id"]
    second = admin.post("/v1/experiment", json={"project_id": other, "name": "again"}).json()["id"]
    admin.post("/logs3", json={"rows": [{"id": "f", "experiment_id": second}]})
    query = f"select: id, project_id | from: experiment('{things['experiment']}', '{second}') | sort: id"
    grouped = (
        f"dimensions: project_id | measures: count(1) as n | from: experiment('{things['experiment']}', '{second}')"
        f" | filter: project_id = '{other}'"
    )

    assert _ask(admin, query).json()["data"] == [
        {"id": "e", "project_id": things["project_logs"]},
        {"id": "f", "project_id": other},
    ]
    assert _ask(admin, grouped).json()["data"] == [{"project_id": other, "n": 1}]


def test_two_experiments_of_one_name_have_to_be_named_by_id(parties, things):
    admin = parties["admin"]
    other = admin.post("/v1/project", json={"name": "Third plans"}).json()["id"]
    made = [
        admin.post("/v1/experiment", json={"project_id": project, "name": "twice"}).json()["id"]
        for project in (things["project_logs"], other)
    ]
    answer = _ask(admin, "SELECT id FROM experiment('twice')")

    assert answer.status_code == 400
    assert all(each in answer.json()["Message"] for each in made)


def test_a_project_and_rows_without_one_of_the_same_name_are_told_apart(party):
    admin = party.join(level=Level.ADMIN)
    _ask(admin, """INSERT INTO project_logs."both" (id) VALUES ('before')""").raise_for_status()
    made = admin.post("/v1/project", json={"name": "both"}).json()["id"]
    admin.post("/logs3", json={"rows": [{"id": "after", "project_id": made, "log_id": "g"}]}).raise_for_status()

    for statement in ("SELECT id FROM project_logs('both')", """DELETE FROM project_logs."both" """):
        refused = _ask(admin, statement)
        assert refused.status_code == 400
        assert f"write `project_logs('{made}')` for those of the project" in refused.json()["Message"]
    assert _ask(admin, f"SELECT id FROM project_logs('{made}')").json()["data"] == [{"id": "after"}]
    admin.patch(f"/v1/project/{made}", json={"name": "one"}).raise_for_status()
    assert _ask(admin, "SELECT id FROM project_logs('both')").json()["data"] == [{"id": "before"}]
    assert _ask(admin, "SELECT id FROM project_logs('one')").json()["data"] == [{"id": "after"}]


def test_what_was_deleted_is_gone(parties):
    admin = parties["admin"]
    made = admin.post("/v1/project", json={"name": "Short-lived"}).json()["id"]
    admin.post("/logs3", json={"rows": [{"id": "x", "project_id": made, "log_id": "g"}]})
    assert _ask(admin, f"SELECT id FROM project_logs('{made}')").json()["data"] == [{"id": "x"}]
    admin.delete(f"/v1/project/{made}")

    assert _ask(admin, f"SELECT id FROM project_logs('{made}')").status_code == 403
    assert _ask(admin, "SELECT id FROM project_logs('Short-lived')").status_code == 400


def test_background_queries_belong_to_whoever_asked(parties, things):
    started = parties["reader"].post("/btql/async", json={"query": f"SELECT id FROM dataset('{things['dataset']}')"})
    job = started.json()["id"]

    assert started.status_code == 200
    for path in (f"/btql/async/{job}", f"/btql/async/{job}/result"):
        assert parties["reader"].get(path).status_code == 200
        assert parties["admin"].get(path).status_code == 200
        assert parties["stranger"].get(path).status_code == 403
    assert parties["stranger"].delete(f"/btql/async/{job}").status_code == 403
    refused = parties["stranger"].post("/btql/async", json={"query": f"SELECT id FROM dataset('{things['dataset']}')"})
    assert refused.status_code == 403


@pytest.fixture
def guest(party):
    """A client of a member who was granted nothing, of their id, and the administrator."""
    admin = party.join(level=Level.ADMIN)
    email = f"guest-{uuid4()}@example.com"
    (added,) = admin.patch("/v1/organization/members", json={"invite_users": {"emails": [email]}}).json()["added_users"]
    key = admin.post("/v1/api_key", json={"name": "k", "user_id": added["id"]}).json()["key"]
    with httpx.Client(base_url=admin.base_url, headers={"authorization": f"Bearer {key}"}, timeout=60) as client:
        yield client, added["id"], admin


def _project_with_a_row(admin):
    project = admin.post("/v1/project", json={"name": f"p-{uuid4()}"}).json()["id"]
    admin.post("/logs3", json={"rows": [{"id": "r", "project_id": project, "log_id": "g"}]}).raise_for_status()
    return project


def _grant(admin, user, project):
    grant = {"object_type": "project", "object_id": project, "user_id": user, "permission": "read"}
    return admin.post("/v1/acl", json=grant).json()["id"]


def _in_background(client, query):
    job = client.post("/btql/async", json={"query": query}).json()["id"]
    ends = time.monotonic() + 30
    while client.get(f"/btql/async/{job}").json()["status"] != "succeeded":
        assert time.monotonic() < ends
        time.sleep(0.02)
    return f"/btql/async/{job}/result"


@pytest.mark.parametrize("place", ["SELECT id FROM {one}", "SELECT id FROM {other} UNION SELECT id FROM {one}"])
def test_rows_of_the_background_go_with_the_permission_to_read_them(guest, place):
    client, user, admin = guest
    projects = [_project_with_a_row(admin) for _ in range(2)]
    grants = [_grant(admin, user, each) for each in projects]
    one, other = (f"project_logs('{each}')" for each in projects)
    query = place.format(one=one, other=other)
    # The second time its plan is one that was kept.
    results = [_in_background(client, query) for _ in range(2)]
    assert [client.get(each).json()["rows"] for each in results] == [[{"id": "r"}]] * 2

    admin.delete(f"/v1/acl/{grants[0]}").raise_for_status()
    assert _ask(client, query).status_code == 403
    for each in results:
        refused = client.get(each)
        assert (refused.status_code, "rows" in refused.json()) == (403, False)
        assert f"Missing read access to project_logs id {projects[0]}" in refused.json()["Message"]
        assert admin.get(each).json()["rows"] == [{"id": "r"}]

    _grant(admin, user, projects[0])
    assert client.get(results[0]).json()["rows"] == [{"id": "r"}]


@pytest.mark.parametrize("place", ["SELECT id FROM project_logs('{id}')", "SELECT id FROM project_logs('{name}')"])
def test_rows_of_the_background_go_with_what_they_are_of(guest, place):
    _, _, admin = guest
    project = _project_with_a_row(admin)
    name = admin.get(f"/v1/project/{project}").json()["name"]
    result = _in_background(admin, place.format(id=project, name=name))
    assert admin.get(result).json()["rows"] == [{"id": "r"}]

    admin.delete(f"/v1/project/{project}").raise_for_status()
    refused = admin.get(result)
    assert (refused.status_code, refused.json()["Code"]) == (403, "ForbiddenError")
    assert f"Missing read access to project_logs id {project}" in refused.json()["Message"]


def test_prompts_of_an_organization_that_were_read_in_the_background(guest):
    client, user, admin = guest
    projects = [_project_with_a_row(admin) for _ in range(2)]
    for each in projects:
        prompt = {"project_id": each, "name": "p", "slug": "p", "prompt_data": {}}
        admin.post("/v1/prompt", json=prompt).raise_for_status()
    grants = [_grant(admin, user, each) for each in projects]
    result = _in_background(client, "SELECT id FROM org_prompts('default')")
    assert len(client.get(result).json()["rows"]) == 2

    admin.delete(f"/v1/acl/{grants[1]}").raise_for_status()
    assert client.get(result).status_code == 403


def test_one_prompt_that_was_read_in_the_background(guest):
    client, user, admin = guest
    prompt = {"project_id": _project_with_a_row(admin), "name": "p", "slug": "p", "prompt_data": {}}
    own = admin.post("/v1/prompt", json=prompt).json()["id"]
    grant = {"object_type": "prompt", "object_id": own, "user_id": user, "permission": "read"}
    grant = admin.post("/v1/acl", json=grant).json()["id"]
    result = _in_background(client, f"SELECT id FROM prompt('{own}')")
    assert client.get(result).json()["rows"] == [{"id": own}]

    admin.delete(f"/v1/acl/{grant}").raise_for_status()
    assert client.get(result).status_code == 403


def test_a_prompt_is_one_row_of_its_project(parties, things):
    admin, project = parties["admin"], things["project_logs"]
    made = [
        admin.post("/v1/prompt", json={"project_id": project, "name": name, "slug": name, "prompt_data": {}}).json()[
            "id"
        ]
        for name in ("greeting", "farewell")
    ]
    query = "SELECT id, name, project_id FROM {} ORDER BY name"

    assert len(_ask(admin, query.format(f"project_prompts('{project}')")).json()["data"]) == 2
    for source in (f"prompt('{made[0]}')", "prompt('greeting')"):
        (row,) = _ask(admin, query.format(source)).json()["data"]
        assert row == {"id": made[0], "name": "greeting", "project_id": project}
    both = f"prompt('{made[0]}', '{made[1]}')"
    assert [row["id"] for row in _ask(admin, query.format(both)).json()["data"]] == made[::-1]
    assert _ask(admin, f"SELECT count(*) AS n FROM {both} WHERE name = 'greeting'").json()["data"] == [{"n": 1}]
    listed = _ask(admin, "SELECT name FROM org_prompts('default') ORDER BY name").json()["data"]
    assert listed == [{"name": "farewell"}, {"name": "greeting"}]
    admin.post("/btql", json={"query": "INSERT INTO prompt('loose') (id) VALUES ('e')"}).raise_for_status()
    assert _ask(admin, query.format("prompt('loose')")).json()["data"][0]["id"] == "e"
    assert "not supported" in _ask(admin, query.format(f"prompt('{made[0]}', 'loose')")).text
    written = _ask(admin, f"UPDATE prompt('{made[0]}') SET name = 'x'")
    assert (written.status_code, f"PATCH /v1/prompt/{made[0]}" in written.json()["Message"]) == (400, True)
    assert _ask(parties["stranger"], query.format(f"prompt('{made[0]}')")).status_code == 403
    assert _ask(parties["stranger"], query.format("prompt('greeting')")).status_code == 400
    assert _ask(parties["stranger"], query.format("org_prompts('default')")).status_code == 400


def test_a_prompt_that_is_deleted_while_it_is_read_stays_one_row(tmp_path):
    state = State.open(Settings(tmp_path / "db"))
    call = Call(state, state.keys.anonymous(), Request({"type": "http"}), "a trace")
    project, _ = state.registry.create(EntitySpec("project", call.principal.org_id, name="p"))
    prompts = [
        state.registry.create(EntitySpec("prompt", project.org_id, project.id, slug=slug))[0]
        for slug in ("own", "other")
    ]
    rows = state.storage.create_object("project_prompts", project.id)
    state.storage.ingest(rows, [{"id": prompt.id, "name": prompt.slug} for prompt in prompts])
    own = prompts[0].id

    visible = Visible(call)
    assert visible.find("prompt", own) == (rows,)
    state.registry.delete(prompts[0])

    # Nothing here would mean all rows of the object that was found.
    assert visible.only("prompt", own) == own
    state.close()


def test_one_object_under_two_names_is_read_once(parties, things):
    admin, project = parties["admin"], things["project_logs"]
    twice = f"project_logs('Secret plans', '{project}')"

    for query in (f"SELECT id, project_id FROM {twice}", f"select: id, project_id | from: {twice} traces"):
        assert _ask(admin, query).json()["data"] == [{"id": "l", "project_id": project}]
    assert _ask(admin, f"select: root_span_id | from: {twice} summary").json()["data"] == [{"root_span_id": "l"}]


def test_whoever_may_read_one_prompt_learns_nothing_of_others(party):
    admin = party.join(level=Level.ADMIN)
    project = admin.post("/v1/project", json={"name": "narrow"}).json()["id"]
    own, _ = (
        admin.post(
            "/v1/prompt",
            json={"project_id": project, "name": key, "slug": f"only {key}", "prompt_data": {key: 1}},
        ).json()["id"]
        for key in ("mine", "hidden")
    )
    invitation = {"invite_users": {"emails": ["narrow@example.com"]}}
    (added,) = admin.patch("/v1/organization/members", json=invitation).json()["added_users"]
    place = {"object_type": "prompt", "object_id": own, "user_id": added["id"]}
    admin.post("/v1/acl", json={**place, "permission": "read"}).raise_for_status()
    key = admin.post("/v1/api_key", json={"name": "k", "user_id": added["id"]}).json()["key"]
    narrow = {"authorization": f"Bearer {key}"}

    for query in (
        f"infer: prompt_data | from: prompt('{own}')",
        f"select: * | from: prompt('{own}')",
        f"select: id, prompt_data | from: prompt('{own}') traces",
    ):
        answer = admin.post("/btql", json={"query": query}, headers=narrow)
        assert answer.status_code == 200, answer.text
        assert "mine" in answer.text
        assert "hidden" not in answer.text
    assert admin.get("/page/fields", params={"object": f"prompt:{own}"}, headers=narrow).status_code == 403
    assert admin.get("/page/fields", params={"object": f"prompt:{own}"}).status_code == 200


def test_a_bare_name_is_looked_up_and_not_searched_for_among_all(parties, things, monkeypatch):
    listed = []
    monkeypatch.setattr(Visible, "names", lambda self: listed.append(self) or ())

    for named in ('"Secret plans"', f'project_logs."{things["project_logs"]}"'):
        assert _ask(parties["admin"], f"SELECT id FROM {named}").json()["data"] == [{"id": "l"}]
    assert listed == []
