"""Rows that cannot be: each gets a 4xx that names its place, and nothing of its request is stored."""

import json

import httpx
import pytest

GOOD = b'{"id":"good","project_id":"%b","input":1}'


@pytest.fixture
def refused(http, project, stored):
    """Return a function that sends a row behind a good one and returns the refusal; nothing may be stored."""

    def send(row: bytes, status: int = 400) -> dict:
        rows = [GOOD % project.encode(), row.replace(b"$P", project.encode())]
        answer = http.post("/logs3", content=b'{"rows":[%b],"api_version":2}' % b",".join(rows))
        assert answer.status_code == status, answer.text
        assert stored("project_logs", project) == {}
        return answer.json()

    return send


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"metrics": {"is_byok": True}}, ["metrics", "is_byok"], "a number, got a boolean"),
        ({"metrics": {"fine": 1, "odd key.": "x"}}, ["metrics", "odd key."], "a number, got a text"),
        ({"metrics": {"a": {"b": 1}}}, ["metrics", "a"], "a number, got an object"),
        ({"metrics": [1]}, ["metrics"], "an object, got an array"),
        ({"scores": {"a": 1.0001}}, ["scores", "a"], "from 0 to 1, got 1.0001"),
        ({"scores": {"a": -1}}, ["scores", "a"], "from 0 to 1, got -1"),
        ({"scores": {"a": True}}, ["scores", "a"], "from 0 to 1 or null, got a boolean"),
        ({"scores": {"a": "good"}}, ["scores", "a"], "got a text"),
        ({"scores": "good"}, ["scores"], "an object, got a text"),
        ({"tags": ["a", 5]}, ["tags", 1], "Expected `str`, got `int`"),
        ({"tags": "a"}, ["tags"], "Expected `array | null`, got `str`"),
        ({"metadata": [1]}, ["metadata"], "not an object"),
        ({"context": 1}, ["context"], "not an object"),
        ({"span_attributes": "llm"}, ["span_attributes"], "not an object"),
        ({"span_parents": [1]}, ["span_parents"], "not an array of texts"),
        ({"id": 5}, ["id"], "not a text"),
        ({"id": ""}, ["id"], "an empty text"),
        ({"span_id": {}}, ["span_id"], "not a text"),
        ({"created": "yesterday"}, ["created"], "not a time"),
        ({"created": 1_700_000_000}, ["created"], "not a time"),
        ({"_is_merge": "yes"}, ["_is_merge"], "not true or false"),
        ({"_object_delete": 1}, ["_object_delete"], "not true or false"),
        ({"_merge_paths": ["tags"]}, ["_merge_paths"], "wrong shape"),
        ({"_array_delete": {"path": []}}, ["_array_delete"], "wrong shape"),
        ({"_audit_source": "me"}, ["_audit_source"], "app, api, external"),
        ({"_audit_metadata": "x"}, ["_audit_metadata"], "not an object"),
        ({"comment": "x", "origin": {"id": "a"}, "id": 7}, ["id"], "not a text"),
    ],
)
def test_a_wrong_type_is_named_with_its_place(refused, fields, path, reason):
    answer = refused(json.dumps({"project_id": "$P", "id": "bad", **fields}).encode())

    (error,) = answer["errors"]
    assert error["path"] == ["rows", 1, *path]
    assert reason in error["message"]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1E+400", "17" + "0" * 308, "1" * 5_000, "0.1e0000310"])
def test_a_number_that_nothing_computes_with_is_named_with_its_place(refused, number):
    answer = refused(b'{"project_id":"$P","id":"bad","metrics":{"fine":1e300,"x": %b}}' % number.encode())
    (error,) = answer["errors"]
    assert (error["path"], "up to 1.8e+308" in error["message"]) == (["rows", 1, "metrics", "x"], True)

    answer = refused(b'{"project_id":"$P","id":"bad","scores":{"x":%b }}' % number.encode())
    assert answer["errors"][0]["path"] == ["rows", 1, "scores", "x"]


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": {"start": 1, "end": 2.5, "big": 10**30, "none": None, "nan": "NaN", "infinite": "-Infinity"}},
        {"metrics": {"caller_filename": "x.py", "caller_functionname": "f", "caller_lineno": 3}},
        {"scores": {"a": 0, "b": 1, "c": 0.5, "d": None, "e": "NaN"}},
        {"scores": None, "metrics": None, "tags": None, "metadata": None, "created": None, "id": None},
        {"unknown": {"anything": [1, None]}, "facets": "x", "input": False, "error": {"a": 1}},
        {"comment": "a field, as there is no origin"},
    ],
)
def test_what_sdks_send_is_taken(http, project, fields):
    row = {"project_id": project, "log_id": "g", **fields}

    assert http.post("/logs3", json={"rows": [row]}).status_code == 200


@pytest.mark.parametrize(
    ("row", "path", "reason"),
    [
        (b'{"project_id":"$P","input":"\xff"}', ["rows", 1, "input"], "not valid UTF-8 at its byte 2"),
        (b'{"project_id":"$P","odd":"\xff"}', ["rows", 1, "odd"], "not valid UTF-8"),
        (b'{"project_id":"$P","\xff":1}', ["rows", 1], "not valid UTF-8"),
        (b'{"project_id":"$P","id":"\xff"}', ["rows", 1, "id"], "not valid UTF-8"),
        (b'{"project_id":"\xff"}', ["rows", 1], "not valid UTF-8"),
        (b'{"project_id":"$P","metrics":{"\xff":1}}', ["rows", 1, "metrics"], "not valid UTF-8"),
        (b'{"project_id":"$P","_audit_metadata":{"a":"\xff"}}', ["rows", 1, "_audit_metadata"], "not valid UTF-8"),
        (b'{"project_id":"$P","comment":"\xff","origin":{"id":"good"}}', ["rows", 1, "comment"], "not valid UTF-8"),
        (
            b'{"project_id":"$P","_array_delete":[{"path":[],"delete":["\xff"]}]}',
            ["rows", 1, "_array_delete"],
            "not valid UTF-8",
        ),
        (b"5", ["rows", 1], "Expected `object`, got `int`"),
        (b"null", ["rows", 1], "Expected `object`, got `null`"),
    ],
)
def test_a_text_that_is_none_is_named_with_its_row(refused, row, path, reason):
    (error,) = refused(row)["errors"]

    assert error["path"] == path
    assert reason in error["message"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (rb'{"project_id":"$P","input":"\ud80"}', "not JSON"),
        (b'{"project_id":"$P","input":NaN}', "not JSON"),
        (b'{"project_id":"$P","input":"a\nb"}', "not JSON"),
        (b'{"project_id":"$P","input":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b'{"project_id":"$P"', "not JSON"),
    ],
)
def test_a_body_that_is_no_json_is_named(http, project, stored, row, reason):
    content = b'{"rows":[' + GOOD % project.encode() + b"," + row.replace(b"$P", project.encode()) + b"]}"
    answer = http.post("/logs3", content=content)

    assert answer.status_code == 400
    assert reason in answer.json()["Message"]
    assert stored("project_logs", project) == {}


def test_a_row_has_a_largest_size(refused):
    answer = refused(b'{"project_id":"$P","input":"' + b"x" * (1 << 20) + b'"}', 413)

    assert "`rows[1]`: larger than 1,048,576 bytes, the limit `document_bytes_max`; raise it" in answer["Message"]


@pytest.mark.parametrize("fields", ["%s", '"metadata":{%s}', '"input":{"a":{"b":{%s}}}'])
def test_a_row_has_a_largest_number_of_fields(refused, fields):
    keys = json.dumps({f"key{number}": number for number in range(6_000)})[1:-1]
    answer = refused(b'{"project_id":"$P",' + (fields % keys).encode() + b"}", 413)

    assert "`rows[1]`: more than 5,000 keys, the limit `document_keys_max`; raise it" in answer["Message"]


def test_a_row_has_a_largest_depth(refused):
    answer = refused(b'{"project_id":"$P","input":' + b"[" * 201 + b"]" * 201 + b"}", 413)

    assert "`rows[1]`: nested more than 200 deep, the limit `document_depth_max`; raise it" in answer["Message"]
    assert answer["errors"] == [{"code": "S0206", "path": ["rows", 1]}]


@pytest.mark.parametrize("value", ['":' * 50_000, [{"role": "user", "content": "x"}] * 6_000])
def test_what_is_in_texts_and_arrays_are_no_fields(http, project, value):
    assert http.post("/logs3", json={"rows": [{"project_id": project, "input": value}]}).status_code == 200


def test_a_hundred_megabytes_and_a_million_keys(open_server):
    """With the limits as they are without any settings."""
    with httpx.Client(base_url=open_server, timeout=120) as client:
        project = client.post("/v1/project", json={"name": "large"}).json()["id"].encode()
        row = b'{"id":"a","project_id":"%b","input":"' % project
        answer = client.post("/logs3", content=b'{"rows":[' + row + b"x" * 100_000_000 + b'"}]}')
        assert answer.status_code == 413
        assert "`rows[0]`: larger than 67,108,864 bytes" in answer.json()["Message"]

        keys = json.dumps({f"key{number}": number for number in range(1_000_000)}).encode()
        answer = client.post("/logs3", content=b'{"rows":[{"project_id":"%b","metadata":%b}]}' % (project, keys))
        assert answer.status_code == 413
        assert "`rows[0]`: more than 100,000 keys" in answer.json()["Message"]

        answer = client.post("/logs3", content=b'{"rows":[' + row + b"x" * 20_000_000 + b'"}]}')
        assert answer.json()["ids"] == ["a"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[]", []),
        (b"{}", []),
        (b'{"rows":{}}', ["rows"]),
        (b'{"rows":null}', ["rows"]),
        (b'{"rows":{"type":"other","key":"x"}}', ["rows", "type"]),
        (b'{"rows":{"type":"logs3_overflow"}}', ["rows"]),
        (b'{"rows":[],"api_version":"two"}', ["api_version"]),
    ],
)
def test_a_request_of_another_shape(http, body, path):
    answer = http.post("/logs3", content=body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == path
