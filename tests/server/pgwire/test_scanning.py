"""The first look at what a client sends: where statements end, and that no text takes it long."""

from __future__ import annotations

import pytest

from btql_server.pgwire.bad_value import BadValue
from btql_server.pgwire.catalog.session_values import Session
from btql_server.pgwire.catalog.shortcut import shortcut
from btql_server.pgwire.conforming import conforming, place_before
from btql_server.pgwire.scanning import split, tokens

CHARS = 1 << 20


def texts(sql):
    return [each.text for each in split(sql)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT ';'; SELECT \";\" -- ;\n; /* ; */ SELECT 3", ["SELECT ';'", 'SELECT ";" -- ;', "SELECT 3"]),
        ("SELECT $a$;$b$;$a$; SELECT $$;$$", ["SELECT $a$;$b$;$a$", "SELECT $$;$$"]),
        ("SELECT $1; SELECT a$2", ["SELECT $1", "SELECT a$2"]),
        (
            r"COPY a TO STDOUT (ESCAPE '\', NULL 'n;'); SELECT 1",
            [r"COPY a TO STDOUT (ESCAPE '\', NULL 'n;')", "SELECT 1"],
        ),
        ("SELECT 1 AS a$b$; SELECT 2 AS c$b$", ["SELECT 1 AS a$b$", "SELECT 2 AS c$b$"]),
        (r'SELECT 1 AS "a\"; SELECT 2 AS "b"', [r'SELECT 1 AS "a\"', 'SELECT 2 AS "b"']),
        (r"EXPLAIN select: 'it\'s; it' | from: a; ", [r"EXPLAIN select: 'it\'s; it' | from: a"]),
        ("/* a /* b; */ ; */ SELECT 1 /* /* ; */", ["SELECT 1 /* /* ; */"]),
        ("SELECT 1 --;\r; SELECT 2", ["SELECT 1 --;", "SELECT 2"]),
        # What is never closed goes to the end: the grammar says that it is not closed.
        (r"SELECT E'a\'; SELECT 2", [r"SELECT E'a\'; SELECT 2"]),
        (r"SELECT 'a\''; SELECT 2", [r"SELECT 'a\''; SELECT 2"]),
        ("SELECT 1; SELECT 'a; SELECT 2", ["SELECT 1", "SELECT 'a; SELECT 2"]),
        ('SELECT "a; SELECT 2', ['SELECT "a; SELECT 2']),
        ("SELECT 1 /* ; SELECT 2", ["SELECT 1 /* ; SELECT 2"]),
        ("SELECT $a$ ; $b$", ["SELECT $a$ ; $b$"]),
    ],
)
def test_where_statements_end(sql, expected):
    assert texts(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("".join(f"$t{n}$ " for n in range(CHARS // 8)), id="dollars"),
        pytest.param("'" + "\\'" * (CHARS // 2), id="quotes"),
        pytest.param('"' + '\\"' * (CHARS // 2), id="names"),
        pytest.param("/* " * (CHARS // 3), id="comments"),
        pytest.param("$" * CHARS, id="signs"),
        pytest.param("/*" * (CHARS // 2), id="one comment"),
    ],
)
def test_what_is_never_closed_is_looked_at_once(sql):
    # Each of these took hours where the end was looked for again at every beginning.
    assert len(split("SELECT 1;" + sql + ";")) == 2
    assert tokens("SELECT " + sql)[-1].kind in ("unclosed", "string", "mark")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (r"""SELECT '\', "\", E'\'' /* '\' */""", r"""SELECT '\\', "\\", E'\'' /* '\' */"""),
        (r"SELECT 1 AS a$b$, '\' AS b, 2 AS c$b$", r"SELECT 1 AS a$b$, '\\' AS b, 2 AS c$b$"),
        (r"EXPLAIN (ANALYZE) SELECT '\'", r"EXPLAIN (ANALYZE) SELECT '\\'"),
        (r"EXPLAIN ANALYZE select: 'it\'s'", r"EXPLAIN ANALYZE select: 'it\'s'"),
        (r"select: 'it\'s'", r"select: 'it\'s'"),
        # Not closed in Postgres, and so not here.
        (r"SELECT 'a\''", r"SELECT 'a\\''"),
        (r"SELECT E'a\'", r"SELECT E'a\'"),
    ],
)
def test_backslashes_are_doubled_where_they_are_themselves(sql, expected):
    made = conforming(sql)
    assert made == expected
    assert place_before(sql, len(made)) == len(sql)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (r"SELECT $$it's$$, $a$\'$$$a$ wrong", r"SELECT 'it''s', '\\''$$' wrong"),
        (r"SELECT N'a', n'\' wrong", r"SELECT 'a', '\\' wrong"),
        (r"SELECT U&'d\0061t\+01F600\\' wrong", r"SELECT 'dat😀\\' wrong"),
        (r"SELECT U&'\D83D\DE00', u&'!0061' uescape '!' wrong", "SELECT '😀', 'a' wrong"),
        (r'SELECT 1 AS U&"d\0061t", 2 AS "a""b" wrong', 'SELECT 1 AS "dat", 2 AS "a""b" wrong'),
        ("SELECT $$a$$'b'$$c$$$$d$$N'e' wrong", "SELECT 'a' 'b' 'c' 'd' 'e' wrong"),
        ('SELECT 1 AS "a"U&"b" wrong', 'SELECT 1 AS "a" "b" wrong'),
        (r"SELECT U&'\0061' UESCAPE '+' wrong", "SELECT 'a' UESCAPE '+' wrong"),
        ("SELECT /* a /* b */ c */ 1 /* /* */ ", "SELECT" + " " * 19 + "1 /*       "),
        ("SELECT 1 --a\r, 2 --b\r\n, 3 --c\n wrong", "SELECT 1    \r, 2    \r\n, 3 --c\n wrong"),
        ("select: 'a' /* b /* c */ | from: d", "select: 'a' /* b /* c */ | from: d"),
        # Never closed: the grammar says so.
        ("SELECT $1, $$ wrong", "SELECT $1, $$ wrong"),
    ],
)
def test_what_postgres_spells_otherwise_is_spelled_as_the_grammar_reads_it(sql, expected):
    made = conforming(sql)
    assert made == expected
    if "wrong" in sql:
        assert place_before(sql, made.index("wrong")) == sql.index("wrong")


def test_a_long_statement_is_no_call_of_one_function():
    session = Session("d", "u", 1, {}, lambda name, value, local: None)
    for sql in (
        "select version{}!",
        "select version({}!",
        "select{}!",
        "select pg_catalog{}!",
        "select version() as{}!",
    ):
        assert shortcut(sql.format(" " * CHARS), (), session) is None
    found = shortcut('SELECT  pg_catalog . current_database ( ) AS "D" ; ', (), session)
    assert found is not None
    assert found.to_pylist() == [{"D": "d"}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        ("$a$it's$a$", "it's"),
        ("N'a'", "a"),
        (r"u&'d\0061t'", "dat"),
        (r"E'\t'", "\t"),
        (r"e'a\\\'b''\x01\001\q'", "a\\'b'\x01\x01q"),
        (r"E'\u0041\U0001f600'", "A\U0001f600"),
    ],
)
def test_what_a_text_says(text, value):
    assert [(each.kind, each.value) for each in tokens(text)] == [("string", value)]


@pytest.mark.parametrize("text", [r"E'a\000b'", r"E'\x0'", r"E'\ud83d'", r"U&'\0000'", r"U&'\00'", r"U&'\D83D'"])
def test_what_is_no_character_is_refused(text):
    (token,) = tokens(text)
    with pytest.raises(BadValue, match="is not a character"):
        token.value  # noqa: B018  a property that raises


def test_the_option_of_a_copy_that_is_a_backslash():
    for sql in (r"COPY a TO STDOUT (FORMAT csv, ESCAPE '\')", r"copy a to stdout csv escape as '\' null 'x'"):
        assert "\\" in [each.value for each in tokens(sql) if each.kind == "string"]
