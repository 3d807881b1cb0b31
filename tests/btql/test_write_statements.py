"""INSERT, UPDATE, DELETE and EXPLAIN as statements of SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import btql
from btql import write_statements
from btql_storage.ingest.accept import EVENTS_MAX


@pytest.fixture(params=["log", "parts"])
def conn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path / "db") as connection:
        events: list[dict[str, object]] = [
            {"id": "1", "metadata": {"model": "x", "n": 1, "deep": {"a": 1, "b": 2}}, "tags": ["p"], "input": "one"},
            {"id": "2", "metadata": {"model": "y", "n": "2"}, "input": {"k": [1]}, "root_span_id": "1"},
            {"id": "3", "metadata": {"n": None}},
        ]
        connection.ingest("dataset:d", events)
        if request.param == "parts":
            connection.compact()
        yield connection


def rows(conn: btql.Connection, query: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in conn.query(query).rows()]


def test_insert_does_not_ask_what_a_query_calls_its_columns(conn: btql.Connection) -> None:
    assert rows(conn, "INSERT INTO d (id, input, output) SELECT 'new', 'text', 'text'") == [(1,)]
    assert rows(conn, "SELECT input, output FROM d WHERE id = 'new'") == [("text", "text")]


def test_insert_makes_documents_of_rows(conn: btql.Connection) -> None:
    statement = (
        "INSERT INTO d (id, input, metadata.model, metadata.deep.a, tags) VALUES "
        "('4', 'four', 'x', 1.5, ['a', 'b']), ('5', {'k': true}, null, null, null)"
    )

    assert rows(conn, statement) == [(2,)]
    assert rows(conn, "SELECT id, input, metadata, tags FROM d WHERE id > '3' ORDER BY id") == [
        ("4", "four", {"model": "x", "deep": {"a": 1.5}}, ["a", "b"]),
        ("5", {"k": True}, {"model": None, "deep": {"a": None}}, None),
    ]


def test_a_text_of_json_is_read_where_only_an_object_or_an_array_can_be(conn: btql.Connection) -> None:
    statement = (
        "INSERT INTO d (id, metadata, scores, tags, input) VALUES ('4', $1, '{\"s\": 1}', '[\"a\"]', '{\"k\":1}')"
    )
    conn.query(statement, ['{"n": 12345678901234567890}'])
    conn.query("UPDATE d SET metrics = '{\"m\": 2}', output = '[1]' WHERE id = '4'")

    assert rows(conn, "SELECT metadata, scores, metrics, tags, input, output FROM d WHERE id = '4'") == [
        ({"n": 12345678901234567890}, {"s": 1}, {"m": 2}, ["a"], '{"k":1}', "[1]"),
    ]
    for field, text in (("metadata", "[1]"), ("scores", "1"), ("metrics", '{"m":'), ("tags", '{"a": 1}')):
        with pytest.raises(btql.Error, match=f"`{field}` is not an"):
            conn.query(f"INSERT INTO d (id, {field}) VALUES ('5', $1)", [text])


def test_an_object_grows_by_another_one(conn: btql.Connection) -> None:
    conn.query("INSERT INTO d (id, metadata, input) VALUES ('4', '{\"k\": 1, \"l\": 2}', 'a text')")
    conn.query(
        "UPDATE d SET metadata = metadata || '{\"k\": 3}'::jsonb, input = input || $1 WHERE id = '4'", [{"a": 1}]
    )

    assert rows(conn, "SELECT metadata, input FROM d WHERE id = '4'") == [({"k": 3, "l": 2}, 'a text{"a":1}')]


def test_an_array_of_postgres_is_read_where_only_an_array_can_be(conn: btql.Connection) -> None:
    conn.query("""INSERT INTO d (id, tags, input) VALUES ('4', '{a,"b, c"}', '{a}'), ('5', '{}', null)""")
    conn.query("UPDATE d SET tags = $1 WHERE id = '5'", ["{z}"])

    found = rows(conn, "SELECT tags, input FROM d WHERE id IN ('4', '5') ORDER BY id")
    assert found == [(["a", "b, c"], "{a}"), (["z"], None)]
    for text in ("a", "{a", "{a,NULL}", "{{a}}"):
        with pytest.raises(btql.Error, match="`tags` is not an array of texts"):
            conn.query("INSERT INTO d (id, tags) VALUES ('5', $1)", [text])


def test_insert_draws_ids_and_makes_new_objects(conn: btql.Connection) -> None:
    assert rows(conn, "INSERT INTO experiment('new') (input) VALUES ('a'), ('b')") == [(2,)]
    assert rows(conn, "SELECT count(DISTINCT id), min(input), max(input) FROM new") == [(2, "a", "b")]


def test_insert_replaces_and_merges_where_it_is_told_to(conn: btql.Connection) -> None:
    conn.query("INSERT INTO d (id, metadata.m) VALUES ('1', 7)")
    conn.query(
        "INSERT INTO d (id, metadata.m) VALUES ('2', 7) ON CONFLICT (id) DO UPDATE SET metadata.m = excluded.metadata.m"
    )

    assert rows(conn, "SELECT id, metadata, input FROM d WHERE id < '3' ORDER BY id") == [
        ("1", {"m": 7}, None),
        ("2", {"model": "y", "n": "2", "m": 7}, {"k": [1]}),
    ]


def test_a_conflict_that_says_so_replaces_values(conn: btql.Connection) -> None:
    insert = """INSERT INTO d (id, metadata, tags) VALUES ('2', '{"m": 1}', null), ('new', '{"m": 2}', '{a}')"""
    conn.query("UPDATE d SET tags = '{z}' WHERE id = '2'")

    conn.query(f"{insert} ON CONFLICT (id) DO UPDATE")
    assert rows(conn, "SELECT metadata FROM d WHERE id = '2'") == [({"model": "y", "n": "2", "m": 1},)]
    conn.query(f"{insert} ON CONFLICT (id) DO UPDATE SET metadata = EXCLUDED.metadata, tags = EXCLUDED.tags")
    found = rows(conn, "SELECT metadata, tags, input FROM d WHERE id IN ('2', 'new') ORDER BY id")
    assert found == [({"m": 1}, None, {"k": [1]}), ({"m": 2}, ["a"], None)]


def test_insert_copies_rows(conn: btql.Connection) -> None:
    assert rows(conn, "INSERT INTO dataset('copy') SELECT * FROM d") == [(3,)]
    same = "SELECT id, input, metadata, tags, span_id, root_span_id, created FROM {} ORDER BY id"
    assert rows(conn, same.format("copy")) == rows(conn, same.format("d"))


def test_whole_numbers_of_any_length_are_copied_exactly(conn: btql.Connection) -> None:
    conn.query("INSERT INTO d (id, metadata.n) VALUES ('b', 123456789012345678901234567890)")
    conn.query("INSERT INTO dataset('copy') SELECT id, metadata FROM d WHERE id = 'b'")

    assert rows(conn, "SELECT metadata.n FROM copy") == [(123456789012345678901234567890,)]


def test_update_merges_computed_values(conn: btql.Connection) -> None:
    statement = "UPDATE d SET metadata.n = to_number(metadata.n) + 10, output = upper(input) WHERE id <> '3'"

    assert rows(conn, statement) == [(2,)]
    assert rows(conn, "SELECT id, metadata.n, metadata.model, output FROM d ORDER BY id") == [
        ("1", 11, "x", "ONE"),
        ("2", 12, "y", None),
        ("3", None, None, None),
    ]


def test_update_replaces_what_is_at_the_path(conn: btql.Connection) -> None:
    conn.query("UPDATE d SET metadata.deep = {'c': 3}, tags = ['q'] WHERE id = '1'")

    assert rows(conn, "SELECT metadata.deep, tags, metadata.model FROM d WHERE id = '1'") == [({"c": 3}, ["q"], "x")]


def test_update_reads_the_rows_as_they_were(conn: btql.Connection) -> None:
    conn.query("UPDATE d SET input = metadata.model, metadata.model = input WHERE id = '1'")

    assert rows(conn, "SELECT input, metadata.model FROM d WHERE id = '1'") == [("x", "one")]


def test_update_by_a_query(conn: btql.Connection) -> None:
    conn.query("INSERT INTO dataset('names') (id, metadata.name) VALUES ('1', 'first'), ('9', 'none')")
    statement = (
        "UPDATE d AS t SET metadata.name = (SELECT n.metadata.name FROM names AS n WHERE n.id = t.id)"
        " WHERE t.id IN (SELECT id FROM names)"
    )

    assert rows(conn, statement) == [(1,)]
    assert rows(conn, "SELECT id, metadata.name FROM d ORDER BY id") == [("1", "first"), ("2", None), ("3", None)]


def test_delete_removes_rows(conn: btql.Connection) -> None:
    assert rows(conn, "DELETE FROM d WHERE metadata.n IS NULL OR id = '1'") == [(2,)]
    assert rows(conn, "SELECT id FROM d") == [("2",)]
    assert rows(conn, "DELETE FROM d") == [(1,)]
    assert rows(conn, "SELECT count(*) FROM d") == [(0,)]


def test_a_statement_that_matches_nothing_writes_nothing(conn: btql.Connection) -> None:
    assert rows(conn, "DELETE FROM d WHERE id = 'none'") == [(0,)]
    assert rows(conn, "UPDATE d SET input = 1 WHERE id = 'none'") == [(0,)]


ERRORS = {
    "UPDATE d SET id = 'z'": "B0305",
    "UPDATE d SET root_span_id = 'z'": "B0305",
    "INSERT INTO d (id, _xact_id) VALUES ('z', '1')": "B0305",
    "INSERT INTO d VALUES ('z')": "B0404",
    "INSERT INTO d (id, input) SELECT id FROM d": "B0404",
    "UPDATE nowhere SET input = 1": "B0402",
    "DELETE FROM dataset('nowhere')": "B0402",
    "UPDATE d SET metadata.list[0] = 'z'": "B0403",
    "EXPLAIN DELETE FROM d": "B0403",
}


@pytest.mark.parametrize("statement", ERRORS)
def test_mistakes_are_named_and_nothing_is_written(conn: btql.Connection, statement: str) -> None:
    before = rows(conn, "SELECT * FROM d ORDER BY id")

    with pytest.raises(btql.QueryError) as caught:
        conn.query(statement)

    assert caught.value.code == ERRORS[statement]
    assert rows(conn, "SELECT * FROM d ORDER BY id") == before


def test_a_value_that_a_field_cannot_have_is_drawn_where_it_is_assigned(conn: btql.Connection) -> None:
    with pytest.raises(btql.QueryError) as caught:
        conn.query("UPDATE d SET input = 'new', tags = 'x' WHERE id = '2'")
    with pytest.raises(btql.QueryError, match=r"row `1`: `metrics` is not an object") as other:
        conn.query("UPDATE d SET metrics = 3 WHERE id = '1'")

    assert (
        str(caught.value)
        == """\
error[B0301]: row `2`: `tags` is not an array of texts
 --> <query>:1:29
  |
1 | UPDATE d SET input = 'new', tags = 'x' WHERE id = '2'
  |                             ^^^^ assigned here
  |
  = help: assign an array: `SET tags = ['a', 'b']`"""
    )
    assert "assign an object, `SET metrics = {a: 1}`" in str(other.value)
    assert rows(conn, "SELECT input FROM d WHERE id = '2'") == [({"k": [1]},)]


def test_a_transaction_has_a_limit(conn: btql.Connection) -> None:
    with pytest.raises(btql.QueryError, match=r"65,536") as caught:
        conn.query(f"INSERT INTO d (input) SELECT n FROM generate_series(1, {EVENTS_MAX + 1}) AS s (n)")

    assert caught.value.code == "B0405"
    assert rows(conn, "SELECT count(*) FROM d") == [(3,)]


def test_nothing_is_written_to_what_is_open_to_read(conn: btql.Connection, tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db", read_only=True) as reader, pytest.raises(btql.StorageError):
        reader.query("DELETE FROM d")

    assert rows(conn, "SELECT count(*) FROM d") == [(3,)]


def test_explain_gives_a_plan_as_rows(conn: btql.Connection) -> None:
    lines = [row["QUERY PLAN"] for row in conn.query("EXPLAIN SELECT id FROM d WHERE id = '1'").rows()]

    assert "-- rewritten plan" in lines
    assert any(str(line).strip("└─ ").startswith("Scan rows filter") for line in lines)
    analysis = [row["QUERY PLAN"] for row in conn.query("EXPLAIN ANALYZE SELECT id FROM d WHERE id = '1'").rows()]
    assert any(str(line).split() == ["rows", "out", "1"] for line in analysis)


def _delete_behind_the_read(monkeypatch: pytest.MonkeyPatch, deleting: Callable[[], object]) -> None:
    """Let somebody delete rows once an UPDATE has read them."""
    read = write_statements._Writing._rows

    def rows_then_delete(self: Any, query: Any, span: Any) -> Any:
        found = read(self, query, span)
        monkeypatch.undo()
        deleting()
        return found

    monkeypatch.setattr(write_statements._Writing, "_rows", rows_then_delete)


@pytest.mark.parametrize("compacted_between", [False, True])
def test_an_update_of_a_row_that_is_gone_does_nothing(
    conn: btql.Connection, monkeypatch: pytest.MonkeyPatch, compacted_between: bool
) -> None:
    def deleting() -> None:
        conn.query("DELETE FROM d WHERE id = '2'")
        if compacted_between:
            conn.compact()

    before = conn._database.storage.last_xact_id()
    _delete_behind_the_read(monkeypatch, deleting)
    assert rows(conn, "UPDATE d SET output = 'late'") == [(3,)]
    left = [("1", "1", "late"), ("3", "3", "late")]
    for _ in range(2):
        assert rows(conn, "SELECT id, root_span_id, output FROM d ORDER BY id") == left
        assert rows(conn, "SELECT count(*), count(DISTINCT root_span_id) FROM d") == [(2, 2)]
        assert conn.query("select: id, output | from: dataset('d') | sort: id", version=str(before)).rows() == [
            {"id": each, "output": None} for each in ("1", "2", "3")
        ]
        conn.compact()

    conn.query("INSERT INTO d (id, input) VALUES ('2', 'again')")
    conn.query("UPDATE d SET output = 'now' WHERE id = '2'")
    assert rows(conn, "SELECT input, output FROM d WHERE id = '2'") == [("again", "now")]


def test_an_update_of_a_row_that_is_written_again_changes_it(
    conn: btql.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleting() -> None:
        conn.query("DELETE FROM d WHERE id = '2'")
        conn.query("INSERT INTO d (id, input) VALUES ('2', 'again')")

    _delete_behind_the_read(monkeypatch, deleting)
    conn.query("UPDATE d SET output = 'late' WHERE id = '2'")
    for _ in range(2):
        assert rows(conn, "SELECT input, output FROM d WHERE id = '2'") == [("again", "late")]
        conn.compact()
