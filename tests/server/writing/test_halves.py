r"""Texts that a program in JavaScript has cut in the middle of an emoji: stored, with U+FFFD, in every way in.

``JSON.stringify`` writes such a half as ``"\ud83d"``. A batch of which one row was refused for it would be lost.
"""

import json

import pytest

ROW = r'{"id":"cut \ud83d","input":"\ud83d","metadata":{"\udE00":["\\ud83d","\ud83d\ude00"]}}'
WANTED = {"id": "cut \ufffd", "input": "\ufffd", "metadata": {"\ufffd": [r"\ud83d", "\U0001f600"]}}


@pytest.fixture
def sent(http):
    """Return a function that sends a body in which ``ROW`` stands for a row with halves, and returns the answer."""

    def send(path: str, body: dict, row: str = ROW):
        answer = http.post(path, content=json.dumps(body).replace('"ROW"', row).encode())
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


@pytest.fixture
def found(stored):
    """Return a function that gives what is stored of the row."""

    def find(kind: str, name: str, wanted: dict = WANTED) -> dict:
        row = stored(kind, name)[wanted["id"]]
        return {key: row[key] for key in wanted}

    return find


def test_by_logs3_with_the_rows_beside_it(sent, found, stored, project):
    row = ROW.replace("{", f'{{"project_id":"{project}","log_id":"g",', 1)
    told = sent("/logs3", {"rows": [{"id": "whole", "project_id": project, "log_id": "g"}, "ROW"]}, row)
    assert told["ids"] == ["whole", "cut \ufffd"]
    assert found("project_logs", project) == WANTED
    assert set(stored("project_logs", project)) == {"whole", "cut \ufffd"}


def test_by_an_upload(http, sent, found, project):
    body = json.dumps({"rows": ["ROW"]}).replace(
        '"ROW"', ROW.replace("{", f'{{"project_id":"{project}","log_id":"g",', 1)
    )
    place = http.post("/logs3/overflow", json={"size_bytes": len(body)}).json()
    assert http.put(place["signedUrl"], content=body.encode()).status_code == 200
    sent("/logs3", {"rows": {"type": "logs3_overflow", "key": place["key"]}})
    assert found("project_logs", project) == WANTED


@pytest.mark.parametrize("kind", ["project_logs", "experiment", "dataset"])
def test_by_rest(sent, found, request, kind):
    name = request.getfixturevalue("project" if kind == "project_logs" else kind)
    assert sent(f"/v1/{kind}/{name}/insert", {"events": ["ROW"]}) == {"row_ids": [WANTED["id"]]}
    assert found(kind, name) == WANTED


def test_by_rest_for_several_objects_with_feedback(sent, found, project):
    feedback = json.loads(r'{"id":"cut \ufffd","comment":"no \ufffd","expected":"\ufffd"}')
    body = {"project_logs": {project: {"events": ["ROW"], "feedback": [feedback]}}}
    sent("/v1/insert", body, ROW)
    assert found("project_logs", project, {**WANTED, "expected": "\ufffd"})["expected"] == "\ufffd"


def test_by_feedback(sent, stored, project):
    sent(f"/v1/project_logs/{project}/insert", {"events": ["ROW"]})
    sent(
        f"/v1/project_logs/{project}/feedback",
        {"feedback": ["ROW"]},
        r'{"id":"cut \ud83d","comment":"\uDE00","tags":["\ud83d"]}',
    )
    row = stored("project_logs", project)["cut \ufffd"]
    assert (row["tags"], row["comments"][0]["comment"]) == (["\ufffd"], {"text": "\ufffd"})


def test_by_a_program_that_is_connected(server, http, found):
    import btql

    http.post("/v1/project", json={"name": "connected"})
    with btql.connect(server) as connection:
        assert connection.ingest("project_logs:connected", [ROW.encode()]).ids == (WANTED["id"],)
        assert connection.ingest("project_logs:connected", [{"id": "\ud83d", "input": {"\ude00": 1}}]).ids == (
            "\ufffd",
        )
        rows = connection.query("SELECT id, input, metadata FROM project_logs.connected ORDER BY id DESC").rows()
        assert rows == [{"id": "\ufffd", "input": {"\ufffd": 1}, "metadata": None}, WANTED]


def test_by_statements(server, http):
    import btql

    http.post("/v1/project", json={"name": "statements"})
    with btql.connect(server) as connection:
        insert = "INSERT INTO project_logs('statements') (id, input) VALUES (?, ?)"
        connection.execute(insert, ["a\ud83d", {"\ud83d": 1}])
        connection.cursor().executemany(insert, [["b", "\ude00"], ["c", r"\ud83d"]])
        connection.execute(
            r"""INSERT INTO project_logs('statements') (id, input) VALUES ('d', '{"k":"\ud83d"}'::jsonb)"""
        )
        found = connection.execute("SELECT id, input FROM project_logs('statements') ORDER BY id").fetchall()
        assert found == [("a\ufffd", {"\ufffd": 1}), ("b", "\ufffd"), ("c", r"\ud83d"), ("d", {"k": "\ufffd"})]
        assert connection.execute(
            "SELECT id FROM project_logs('statements') WHERE input = ?", ["\ude00"]
        ).fetchall() == [("b",)]


def test_what_has_a_name_may_have_them_too(sent, http, project):
    body = {"project_id": project, "name": "cut", "slug": "cut", "prompt_data": "ROW"}
    data = r'{"prompt":{"type":"chat","messages":[{"role":"user","content":"\ud83d"}]}}'
    prompt = sent("/v1/prompt", body, data)
    assert prompt["prompt_data"]["prompt"]["messages"][0]["content"] == "\ufffd"
    told = sent("/v1/experiment", {"project_id": project, "name": "cut", "metadata": "ROW"}, r'{"k\ud83d":1}')
    assert http.get(f"/v1/experiment/{told['id']}").json()["metadata"] == {"k\ufffd": 1}


def test_a_query_has_them_or_is_refused_with_the_reason(sent, http, project):
    sent(f"/v1/project_logs/{project}/insert", {"events": ["ROW"]})
    arguments = [{"op": "literal", "value": project}]
    source = {"op": "function", "name": {"op": "ident", "name": ["project_logs"]}, "args": arguments}
    same = {"op": "eq", "left": {"op": "ident", "name": ["input"]}, "right": {"op": "literal", "value": "ROW"}}
    query = {"select": [{"op": "star"}], "from": source, "filter": same}
    assert [row["id"] for row in sent("/btql", {"query": query}, r'"\ud83d"')["data"]] == ["cut \ufffd"]

    answer = http.post("/btql", json={"query": r'select: "\ud83d"'})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "B0105")


def test_what_is_no_utf8_is_refused_all_the_same(http, project):
    for text in (b'"\xed\xa0\xbd"', b'"\xff \\ud83d"', rb'"\ud83"'):
        content = b'{"events":[{"id":"a","input":%b}]}' % text
        answer = http.post(f"/v1/project_logs/{project}/insert", content=content)
        assert answer.status_code == 400, text
