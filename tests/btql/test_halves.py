r"""Python texts with half of a surrogate pair: stored and asked as U+FFFD, refused by name in queries and names."""

import pytest

import btql


@pytest.fixture
def conn(tmp_path):
    with btql.connect(tmp_path / "db") as found:
        yield found


def test_they_are_stored_and_asked_as_the_character_for_none(conn):
    conn.ingest("project_logs:p", [{"id": "\ud83d", "input": "\ud83d", "metadata": {"\ude00": 1}}, {"id": "b"}])
    conn.execute("INSERT INTO project_logs('p') (id, input) VALUES (?, ?)", ["c", {"\ude00": ["\ud83d\ude00"]}])

    rows = conn.query("select: id, input, metadata from: project_logs('p') sort: id desc limit: 3").rows()
    assert rows == [
        {"id": "\ufffd", "input": "\ufffd", "metadata": {"\ufffd": 1}},
        {"id": "c", "input": {"\ufffd": ["\U0001f600"]}, "metadata": None},
        {"id": "b", "input": None, "metadata": None},
    ]
    for place, values in (("?", ["\ude00"]), (":value", {"value": "\ud83d"})):
        found = conn.query(f"SELECT id FROM project_logs('p') WHERE input = {place}", values).rows()
        assert found == [{"id": "\ufffd"}]


def test_a_text_of_json_has_them_too(conn):
    conn.ingest("project_logs:p", [{"id": "a", "output": r'{"said": "\ud83d"}'}])
    found = conn.query("select: parse_json(output).said as said from: project_logs('p')").rows()
    assert found == [{"said": "\ufffd"}]


@pytest.mark.parametrize("query", ["select: '\ud83d' from: project_logs('p')", "SELECT id FROM project_logs('\ud83d')"])
def test_a_query_with_one_is_refused_by_an_error_that_can_be_printed(conn, query):
    with pytest.raises(btql.QueryError, match="half of a surrogate pair") as caught:
        conn.query(query)
    assert str(caught.value).encode()


def test_a_name_with_one_is_refused(conn):
    with pytest.raises(btql.ProgrammingError, match="half of a surrogate pair"):
        conn.ingest("project_logs:\ud83d", [{"id": "a"}])
