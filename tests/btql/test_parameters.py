"""Values beside a query: bound in both languages, in statements that write, and described without running."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

import btql
from btql_planner.types import NUMBER, Kind

ROWS = [
    {
        "id": str(i),
        "input": "it's",
        "metrics": {"tokens": i},
        "metadata": {"model": "a" if i % 2 else "b"},
        "tags": ["t"],
        "created": f"2026-01-0{i + 1}T00:00:00Z",
    }
    for i in range(5)
]


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("parameters") / "db") as connection:
        connection.ingest("project_logs:x", ROWS)
        yield connection


def rows(conn, text, values):
    return conn.query(text, values).rows()


@pytest.mark.parametrize("text", ["50%", "a_b", "a/b", "a\\b", "a//%_\\", "x"])
def test_a_pattern_that_is_put_together_may_have_an_escape(conn, text):
    escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
    query = (
        "SELECT :whole LIKE '%' || :part || '%' ESCAPE '/' AS inside, :other LIKE '%' || :part || '%' ESCAPE '/' AS no"
    )

    assert rows(conn, query, {"whole": f"<{text}>", "part": escaped, "other": "<50 aXb a+b>"}) == [
        {"inside": True, "no": False}
    ]


@pytest.mark.parametrize("pattern", ["/\\%", "/\\/%", "/\n_", "\\//", "/x\\"])
def test_an_escape_means_the_same_in_a_pattern_that_only_rows_have(conn, pattern):
    written = pattern.replace("\\", "\\\\")
    likes = f"t LIKE '{written}' ESCAPE '/' AS a, t LIKE p ESCAPE '/' AS b"
    query = f"SELECT t, {likes} FROM unnest(?) AS u (t), (VALUES (?)) AS v (p)"

    found = rows(conn, query, [["\\", "\\x", "\\%", "\nx", "\\/", "x\\", "x"], pattern])

    assert [each["t"] for each in found if each["a"] is not each["b"]] == []
    assert {each["a"] for each in found} == {True, False}


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        (
            "SELECT id FROM project_logs('x') WHERE metadata.model = ? AND metrics.tokens > ? ORDER BY id LIMIT ?",
            ["a", 0, 5],
            ["1", "3"],
        ),
        (
            "select: id | from: project_logs('x') | filter: created >= :t and input = :s | sort: id",
            {"t": datetime(2026, 1, 4, tzinfo=UTC), "s": "it's", "unused": 1},
            ["3", "4"],
        ),
        (
            "SELECT id FROM project_logs('x') WHERE metadata.model IN $1 AND id > $2 ORDER BY 1",
            [["b", "z"], "1"],
            ["2", "4"],
        ),
        (
            "select: id | from: project_logs('x') | filter: tags = ? | sort: id | limit: ? | offset: ?",
            [["t"], 2, 1],
            ["1", "2"],
        ),
        ("SELECT id FROM project_logs('x') WHERE metrics.tokens = ? OR id = ?", [Decimal("2.0"), None], ["2"]),
    ],
)
def test_values_take_their_places(conn, text, values, expected):
    assert [row["id"] for row in rows(conn, text, values)] == expected


def test_values_come_out_as_they_went_in(conn):
    value = {"a": [1, 2.5, "x", None, True, {"b": "'; --"}], "n": 2**70}
    assert rows(conn, "SELECT ? AS v, ? AS n, ? AS t", [value, None, "$1 ? :x"]) == [
        {"v": value, "n": None, "t": "$1 ? :x"}
    ]


def test_statements_that_write_take_values(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:w", [{"id": "a", "input": 1}])
        hostile = "x'); DELETE FROM project_logs('w') --"
        conn.query("INSERT INTO project_logs('w') (id, input) VALUES (?, ?)", ["b", {"text": hostile}])
        conn.query("UPDATE project_logs('w') SET output = :o WHERE id = :i", {"o": hostile, "i": "a"})
        conn.query("DELETE FROM project_logs('w') WHERE id = $1", ["none"])
        found = {row["id"]: row for row in conn.query("SELECT id, input, output FROM project_logs('w')")}
    assert found["b"]["input"] == {"text": hostile}
    assert found["a"]["output"] == hostile


def test_a_page_is_asked_for_with_a_cursor_as_a_value(conn):
    first = conn.query("select: id | from: project_logs('x') | limit: ?", [2])
    assert len(first.rows()) == 2
    second = rows(conn, "select: id | from: project_logs('x') | limit: ? | cursor: ?", [2, first.cursor])
    assert [row["id"] for row in second] == ["2", "1"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ?",
        "select: id | from: project_logs('x') | filter: id = :id",
        "SELECT id FROM project_logs('x') LIMIT $1",
        "SELECT 1 UNION SELECT 2 LIMIT ?",
        "DELETE FROM project_logs('x') WHERE id = ?",
        "INSERT INTO project_logs('x') (id) VALUES (?)",
    ],
)
def test_without_values_it_is_an_error_at_the_place(conn, text):
    with pytest.raises(btql.QueryError) as caught:
        conn.query(text).rows()
    assert caught.value.code == "B0115"
    assert "^" in str(caught.value)


def test_a_statement_is_described_without_running(conn):
    found = conn._database.describe(
        "SELECT id, metrics.tokens + $1 AS n, $2 AS x, created FROM project_logs('x') WHERE metadata.model = $3"
        " AND created > $4 AND metrics.tokens BETWEEN $5 AND 7 AND tags = $6 LIMIT $7"
    )
    assert found.kind == "rows"
    assert [each.key for each in found.parameters] == [1, 2, 3, 4, 5, 6, 7]
    assert [set(each.kinds) for each in found.parameters] == [
        {Kind.INTEGER},
        set(),
        {Kind.TEXT},
        {Kind.TIME},
        {Kind.INTEGER},
        {Kind.LIST},
        {Kind.INTEGER},
    ]
    assert found.schema.names == ["id", "n", "x", "created"]
    assert found.schema.field("n").type == pa.float64()
    assert found.schema.field("x").type == pa.string()
    assert found.schema.field("created").type == pa.timestamp("us", "UTC")


def test_what_writes_is_described_and_not_run(conn):
    found = conn._database.describe("DELETE FROM project_logs('x') WHERE id = :a AND input = :b")
    assert found.kind == "delete"
    assert [each.key for each in found.parameters] == ["a", "b"]
    assert found.outputs == ()
    assert len(rows(conn, "SELECT id FROM project_logs('x')", [])) == 5
    assert conn._database.describe("EXPLAIN SELECT 1").schema.names == ["QUERY PLAN"]


def test_numbers_that_are_left_out_are_parameters_too(conn):
    found = conn._database.describe("SELECT $3 > 1 AS x")
    assert [(each.key, set(each.kinds)) for each in found.parameters] == [(1, set()), (2, set()), (3, {Kind.INTEGER})]


DESCRIBED = {
    "SELECT $1::int8, $2::float8, $3::boolean, $4::timestamptz, $5::jsonb": "INTEGER FLOAT BOOLEAN TIME JSON",
    "SELECT id FROM x WHERE id = ANY($1) AND 1 = ANY($2::int8[]) AND id = ANY($3::text[])": "LIST JSON LIST",
    "INSERT INTO x (id, tags, created, input) VALUES ($1, $2, $3, $4)": "TEXT LIST TIME ",
    "UPDATE x SET tags = $1 WHERE created < $2": "LIST TIME",
    "DELETE FROM x WHERE metadata.model = $1 AND created > $2": "TEXT TIME",
    "select: id | from: project_logs('x') | filter: id in [$1] | limit: $2": "TEXT INTEGER",
    "SELECT left(id, $1), split_part(id, $2, $3), lpad(id, $4, $5) FROM x": "INTEGER TEXT INTEGER INTEGER TEXT",
    "SELECT round(metrics.tokens, $1), sqrt($2), date_trunc('day', $3) FROM x": "INTEGER FLOAT TIME",
    "SELECT date_bin($1, created, $2) FROM x": "INTERVAL TIME",
    "INSERT INTO x (id, metrics.n, scores.s, metadata.m) VALUES ($1, $2, $3, $4)": "TEXT NUMBER NUMBER ",
    "INSERT INTO x (metadata, scores, input) VALUES ($1, $2, $3)": "JSON JSON ",
    "UPDATE x SET context = $1": "JSON",
    "SELECT CASE WHEN id = $1 THEN $2 WHEN $3 THEN $4 ELSE $5 END FROM x": "TEXT  BOOLEAN  ",
    "SELECT CASE WHEN $1 THEN id ELSE $2 END FROM x": "BOOLEAN TEXT",
    "SELECT id FROM x WHERE metadata @> $1 AND input <@ $2 AND tags @> $3": "JSON JSON LIST",
    "SELECT id FROM x WHERE metrics.not_there_yet > $1 AND scores.nor_that < $2": "NUMBER NUMBER",
    "UPDATE x SET metrics.n = $1 WHERE left(id, $2) = 'a'": "NUMBER INTEGER",
    "SELECT interval '1 day' * $1, $2 * interval '1 day', interval '1 day' / $3": "NUMBER NUMBER NUMBER",
}


@pytest.mark.parametrize("text", DESCRIBED)
def test_casts_and_fields_tell_what_a_value_should_be(conn, text):
    found = conn._database.describe(text)

    names = ["NUMBER" if each.kinds == NUMBER else next((k.name for k in each.kinds), "") for each in found.parameters]
    assert " ".join(names) == DESCRIBED[text]


@pytest.mark.parametrize(
    ("condition", "type_name"),
    [
        ("length(id) = ANY($1)", "float8[]"),
        ("scores.not_there_yet <> ALL($1)", "float8[]"),
        ("id = ANY($1)", None),
        ("length(id) = ANY($1::int8[])", "int8[]"),
    ],
)
def test_a_list_is_of_what_it_is_compared_with(conn, condition, type_name):
    (found,) = conn._database.describe(f"SELECT id FROM x WHERE {condition}").parameters
    assert found.type_name == type_name


def test_what_the_next_page_needs_is_no_column(conn):
    assert conn._database.describe("SELECT id FROM x LIMIT $1").schema.names == ["id"]


def test_an_array_may_be_cast(conn):
    text = "SELECT 2 = ANY($1::int8[]) AS a, id = ANY($2::text[]) AS b, $3::float8[] IS NULL AS c FROM x WHERE id = '1'"

    assert rows(conn, text, [[1, 2], ["1"], None]) == [{"a": True, "b": True, "c": True}]


def test_a_value_for_jsonb_set_is_json(conn):
    described = conn._database.describe("SELECT jsonb_set(metadata, '{user}', $1) FROM project_logs('x')")

    assert [each.kinds for each in described.parameters] == [frozenset({Kind.JSON})]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT id ~ ? FROM project_logs('x')", Kind.TEXT),
        ("SELECT metadata #>> ? FROM project_logs('x')", Kind.TEXT),
        ("SELECT id FROM project_logs('x') WHERE input MATCH :words", Kind.TEXT),
        ("SELECT date_trunc($1, created) FROM project_logs('x')", Kind.TEXT),
        ("SELECT created AT TIME ZONE ? FROM project_logs('x')", Kind.TEXT),
        ("SELECT created > now() - ? FROM project_logs('x')", Kind.INTERVAL),
    ],
)
def test_what_has_to_be_known_before_planning_is_described_with_a_sample(conn, text, kind):
    described = conn._database.describe(text)

    assert [each.kinds for each in described.parameters] == [frozenset({kind})]
    assert len(described.schema) == 1


def test_a_mistake_beside_such_a_parameter_is_still_the_first_one(conn):
    with pytest.raises(btql.QueryError, match="unknown function `lenght`"):
        conn._database.describe("SELECT lenght(id) FROM project_logs('x') WHERE id ~ ?")
