"""The simple protocol: several statements, errors with their places, transactions, settings, cursors."""

from __future__ import annotations

import asyncio

import pytest
from server_support.endless import LONG
from server_support.pg_raw import SYNC, bind, error, execute, framed, kinds, notices, parse, query, rows, startup, tags

from btql_server.pgwire.answers import Opened


def status(found) -> str:
    return found[-1].body.decode()


def test_statements_and_their_tags(raw):
    for sql, shape, expected in [
        ("SELECT 1", "TDCZ", ["SELECT 1"]),
        ("SELECT 1; SELECT ';' AS a -- ;\n; SHOW timezone", "TDCTDCTDCZ", ["SELECT 1", "SELECT 1", "SHOW"]),
        ("", "IZ", []),
        (" ; -- nothing\n;", "IZ", []),
        ("select: id | from: project_logs('demo') | sort: id | limit: 2;", "TDDCZ", ["SELECT 2"]),
        ("EXPLAIN SELECT 1", None, ["EXPLAIN"]),
        ("SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;", "TDCCCCZ", None),
        ("DISCARD ALL", "CZ", ["DISCARD ALL"]),
        ("INSERT INTO project_logs('w') (id) VALUES ('a'), ('b')", "CZ", ["INSERT 0 2"]),
        ("WITH q (i) AS (SELECT ')') INSERT INTO project_logs('w') (id) SELECT i FROM q", "CZ", ["INSERT 0 1"]),
        ("WITH insert AS (SELECT 1 AS x), r AS (SELECT 2) SELECT x FROM insert", "TDCZ", ["SELECT 1"]),
        ("UPDATE project_logs('w') SET metadata.a = 1 WHERE id = 'a'", "CZ", ["UPDATE 1"]),
        ("DELETE FROM project_logs('w') WHERE id = 'b'", "CZ", ["DELETE 1"]),
    ]:
        found = raw.ask(query(sql))
        if shape is not None:
            assert kinds(found) == shape, sql
        if expected is not None:
            assert tags(found) == expected, sql


@pytest.mark.parametrize(
    ("sql", "sqlstate", "position"),
    [
        ("SELECT idd FRM x", "42601", "16"),
        ("SELECT 1;\n  SELECT lowr('a')", "42883", "20"),
        ("select: lowr(id) | from: project_logs('demo')", "42883", "9"),
        ("SELECT * FROM nowhere", "42P01", "15"),
        ("COPY (SELECT lowr('a')) TO STDOUT", "42883", "14"),
        ("COPY nowhere TO STDOUT", "42P01", "6"),
        ("COPY demo FROM '/etc/passwd'", "42501", "16"),
        ("COPY demo TO STDOUT (FORMAT xml)", "22023", None),
        ("CREATE TABLE x (a int)", "0A000", "1"),
        ("LISTEN x", "0A000", "1"),
        ("SET no_such_setting = 1", "42704", None),
        ("SET client_encoding = 'LATIN1'", "22023", None),
        ("SET statement_timeout = 'soon'", "22023", None),
        ("SET server_version = '9'", "55P02", None),
        ("SET a b c", "42601", "7"),
        ("SET a.b = 'c; SELECT 1", "42601", "11"),
        ("COPY (SELECT $t$ 1) TO STDOUT", "42601", "14"),
        ("SHOW nothing_of_this_name", "42704", None),
        ("FETCH 1 FROM nothing", "34000", None),
        ("FETCH BACKWARD 1 FROM nothing", "0A000", None),
        ("DECLARE c CURSOR FOR SELECT 1", "25P01", None),
        ("SAVEPOINT a", "25P01", None),
        ("DEALLOCATE nothing", "26000", None),
        ("COMMIT PREPARED 'x'", "0A000", None),
    ],
)
def test_errors_say_what_and_where(raw, sql, sqlstate, position):
    found = raw.ask(query(sql))
    told = error(found)
    assert (told["C"], told.get("P")) == (sqlstate, position)
    assert status(found) == "I"
    assert rows(raw.ask(query("SELECT 1"))) == [["1"]]


def test_nothing_runs_behind_an_error_and_what_was_written_is_told(raw):
    found = raw.ask(query("INSERT INTO project_logs('stays') (id) VALUES ('a'); SELECT nothing(); SELECT 2"))
    assert kinds(found) == "CNEZ"
    assert "not undone" in notices(found)[0]
    assert rows(raw.ask(query("SELECT count(*) FROM stays"))) == [["1"]]


def test_a_transaction_reads_one_moment(raw, other):
    count = query("SELECT count(*) FROM project_logs('moment')")
    insert = "INSERT INTO project_logs('moment') (id) VALUES ('{}')"
    other.ask(query(insert.format("a")))
    raw.ask(query("BEGIN ISOLATION LEVEL REPEATABLE READ"))
    assert rows(raw.ask(count)) == [["1"]]
    other.ask(query(insert.format("b")))
    found = raw.ask(count)
    assert rows(found) == [["1"]]
    assert status(found) == "T"
    # What it writes by itself is seen by all at once, and by itself, too.
    found = raw.ask(query(insert.format("c")))
    assert "durable at once" in notices(found)[0]
    assert rows(other.ask(count)) == [["3"]]
    assert rows(raw.ask(count)) == [["3"]]
    found = raw.ask(query("ROLLBACK"))
    assert "not undone" in notices(found)[0]
    assert status(found) == "I"
    assert rows(raw.ask(count)) == [["3"]]


def test_several_statements_in_one_message_read_one_moment(raw):
    found = raw.ask(query("SELECT count(*) FROM demo; SELECT count(*) FROM demo"))
    assert rows(found) == [["10"], ["10"]]


def test_after_an_error_nothing_runs_until_the_end_of_the_transaction(raw):
    raw.ask(query("BEGIN"))
    assert status(raw.ask(query("SELECT nothing()"))) == "E"
    assert error(raw.ask(query("SELECT 1")))["C"] == "25P02"
    assert error(raw.ask(query("SHOW timezone")))["C"] == "25P02"
    assert tags(raw.ask(query("COMMIT"))) == ["ROLLBACK"]
    raw.ask(query("BEGIN; SAVEPOINT a; SAVEPOINT b"))
    assert status(raw.ask(query("SELECT nothing()"))) == "E"
    found = raw.ask(query("ROLLBACK TO SAVEPOINT a"))
    assert (tags(found), status(found)) == (["ROLLBACK"], "T")
    assert error(raw.ask(query("RELEASE b")))["C"] == "3B001"
    raw.ask(query("ROLLBACK TO a"))
    assert rows(raw.ask(query("SELECT 1"))) == [["1"]]
    assert tags(raw.ask(query("RELEASE SAVEPOINT a; END"))) == ["RELEASE", "COMMIT"]


def test_manners_of_transactions(raw):
    assert notices(raw.ask(query("COMMIT"))) == ["there is no transaction in progress"]
    assert notices(raw.ask(query("BEGIN; BEGIN"))) == ["there is already a transaction in progress"]
    found = raw.ask(query("COMMIT AND CHAIN"))
    assert (tags(found), status(found)) == (["COMMIT"], "T")
    raw.ask(query("ROLLBACK"))
    raw.ask(query("START TRANSACTION READ ONLY, NOT DEFERRABLE"))
    assert error(raw.ask(query("DELETE FROM demo WHERE id = 'none'")))["C"] == "25006"
    raw.ask(query("ROLLBACK; START TRANSACTION READ ONLY"))
    assert error(raw.ask(query("WITH q AS (SELECT 'x' AS i) INSERT INTO demo (id) SELECT i FROM q")))["C"] == "25006"
    raw.ask(query("ROLLBACK; SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
    assert error(raw.ask(query("INSERT INTO demo (id) VALUES ('x')")))["C"] == "25006"


def read_only(raw):
    return rows(raw.ask(query("SHOW transaction_read_only")))[0][0]


WRITE = "DELETE FROM demo WHERE id = 'none'"


@pytest.mark.parametrize(
    "begin",
    [
        "BEGIN READ ONLY",
        "BEGIN; SET TRANSACTION READ ONLY",
        "BEGIN; SET transaction_read_only = on",
        "BEGIN; SET LOCAL transaction_read_only TO true",
        "SET default_transaction_read_only = on; BEGIN",
        "BEGIN READ ONLY; COMMIT AND CHAIN",
    ],
)
def test_a_transaction_that_only_reads_says_so_and_keeps_to_it(raw, begin):
    raw.ask(query(begin))
    assert read_only(raw) == "on"
    assert rows(raw.ask(query("SELECT current_setting('transaction_read_only')"))) == [["on"]]
    assert error(raw.ask(query(WRITE)))["C"] == "25006"
    raw.ask(query("ROLLBACK; SET default_transaction_read_only = off"))
    assert read_only(raw) == "off"
    assert tags(raw.ask(query(WRITE))) == ["DELETE 0"]


@pytest.mark.parametrize(
    "begin",
    [
        "START TRANSACTION READ WRITE",
        "BEGIN; SET TRANSACTION READ WRITE",
        "BEGIN; SET transaction_read_only = off",
        "BEGIN; RESET transaction_read_only",
    ],
)
def test_the_default_only_says_how_a_transaction_begins(raw, begin):
    raw.ask(query("SET default_transaction_read_only = on"))
    assert read_only(raw) == "on"
    assert error(raw.ask(query(WRITE)))["C"] == "25006"
    raw.ask(query(begin))
    assert read_only(raw) == "off"
    assert tags(raw.ask(query(WRITE))) == ["DELETE 0"]
    raw.ask(query("COMMIT"))
    assert error(raw.ask(query(WRITE)))["C"] == "25006"


def test_the_default_does_not_change_a_transaction_that_is_open(raw):
    raw.ask(query("BEGIN; SET default_transaction_read_only = on"))
    assert tags(raw.ask(query(WRITE))) == ["DELETE 0"]
    raw.ask(query("COMMIT"))
    assert error(raw.ask(query(WRITE)))["C"] == "25006"


def test_outside_of_a_transaction_it_holds_for_the_message_alone(raw):
    for setting in ("SET transaction_read_only = on", "SET TRANSACTION READ ONLY"):
        raw.ask(query(setting))
        assert tags(raw.ask(query(WRITE))) == ["DELETE 0"]
        assert error(raw.ask(query(f"{setting}; {WRITE}")))["C"] == "25006"
        assert tags(raw.ask(query(WRITE))) == ["DELETE 0"]


def test_a_transaction_that_only_reads_may_write_only_if_that_is_said_first(raw):
    raw.ask(query("BEGIN READ ONLY; SELECT count(*) FROM demo"))
    assert error(raw.ask(query("SET transaction_read_only = off")))["C"] == "25001"
    raw.ask(query("ROLLBACK; BEGIN; SAVEPOINT a; SET TRANSACTION READ ONLY; SAVEPOINT b"))
    assert error(raw.ask(query("SET TRANSACTION READ WRITE")))["C"] == "25001"
    raw.ask(query("ROLLBACK TO b"))
    assert read_only(raw) == "on"
    raw.ask(query("ROLLBACK TO a"))
    assert read_only(raw) == "off"


def test_settings(raw):
    def shown(name: str) -> str | None:
        return rows(raw.ask(query(f"SHOW {name}")))[0][0]

    raw.ask(query("SET statement_timeout = 1500; SET application_name TO 'it''s'; SET a.b = 'c', d"))
    assert [shown(name) for name in ("statement_timeout", "application_name", "a.b")] == ["1500ms", "it's", "c, d"]
    raw.ask(query("BEGIN; SET LOCAL statement_timeout = '2min'"))
    assert shown("statement_timeout") == "2min"
    raw.ask(query("COMMIT"))
    assert shown("statement_timeout") == "1500ms"
    raw.ask(query("BEGIN; SET statement_timeout = 7; ROLLBACK"))
    assert shown("statement_timeout") == "1500ms"
    raw.ask(query("BEGIN; SET LOCAL statement_timeout TO DEFAULT"))
    assert shown("statement_timeout") == "0"
    raw.ask(query("COMMIT"))
    assert shown("statement_timeout") == "1500ms"
    raw.ask(query("BEGIN; SET LOCAL a.b = 1; SET a.b = 2"))
    assert shown("a.b") == "2"
    raw.ask(query("SELECT set_config('A.b', '3', true)"))
    assert shown("a.b") == "3"
    raw.ask(query("SELECT set_config('a.d', 'x', true)"))
    assert rows(raw.ask(query("SELECT current_setting('a.d') AS d"))) == [["x"]]
    raw.ask(query("COMMIT"))
    assert shown("a.b") == "2"
    raw.ask(query("BEGIN; SET a.b = 5; SAVEPOINT s; SET a.b = 6; SET LOCAL a.c = 7; SET application_name = 'x'"))
    found = raw.ask(query("ROLLBACK TO s; ROLLBACK TO s"))
    assert [each.body for each in found if each.kind == "S"] == [b"application_name\0it's\0"]
    assert shown("a.b") == "5"
    assert error(raw.ask(query("SHOW a.c")))["C"] == "42704"
    raw.ask(query("ROLLBACK"))
    assert shown("a.b") == "2"
    raw.ask(query("BEGIN; RESET application_name"))
    found = raw.ask(query("ROLLBACK"))
    assert [each.body for each in found if each.kind == "S"] == [b"application_name\0it's\0"]
    # What ends with the statement is as if it had not been.
    assert rows(raw.ask(query("SELECT set_config('a.b', '4', true)"))) == [["4"]]
    assert shown("a.b") == "2"
    found = raw.ask(query("SET TIME ZONE 'Europe/Berlin'"))
    assert "shown in UTC" in notices(found)[0]
    assert shown("TIME ZONE") == "UTC"
    changed = raw.ask(query("SET application_name = 'x'"))
    assert [each.body for each in changed if each.kind == "S"] == [b"application_name\0x\0"]
    raw.ask(query("RESET ALL"))
    assert shown("statement_timeout") == "0"
    assert error(raw.ask(query("SHOW a.b")))["C"] == "42704"
    assert shown("wal_level") == rows(raw.ask(query("SELECT current_setting('wal_level')")))[0][0] == "replica"
    raw.ask(query("SET search_path TO \"$user\", public, 'A b'"))
    assert shown("search_path") == '"$user", public, "A b"'
    assert rows(raw.ask(query("SET search_path = ''; SHOW search_path; SELECT current_schema"))) == [['""'], [None]]
    assert notices(raw.ask(query("SET TIME ZONE LOCAL"))) == []
    assert "SHOW ALL" in error(raw.ask(query("SET enable_seqscan = off")))["H"]
    raw.ask(query("SET client_min_messages = error"))
    assert notices(raw.ask(query("COMMIT"))) == []


def test_a_time_zone_as_an_interval(raw):
    """As Sequelize sets it on each of its connections."""
    set_zone = "SET TIME ZONE INTERVAL"
    assert notices(raw.ask(query(f"SET client_min_messages TO warning;{set_zone} '+00:00' HOUR TO MINUTE"))) == []
    assert "shown in UTC" in notices(raw.ask(query(f"{set_zone} '+02:00' HOUR TO MINUTE")))[0]
    assert error(raw.ask(query(f"{set_zone} '+02:00' HOUR TO")))["C"] == "42601"


def test_what_connection_pools_send_before_a_connection_is_used_again(raw):
    found = raw.ask(
        query(
            "SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();"
            "DISCARD SEQUENCES;DISCARD TEMP"
        )
    )
    assert tags(found)[:2] == ["SET", "RESET"]
    assert status(found) == "I"
    assert error(raw.ask(query("SET SESSION AUTHORIZATION 'somebody'")))["C"] == "42501"


def test_a_statement_ends_at_its_timeout(raw):
    raw.ask(query("SET statement_timeout = 200"))
    found = raw.ask(query(LONG))
    assert error(found)["C"] == "57014"


def test_cursors(raw):
    raw.ask(query("BEGIN"))
    assert tags(raw.ask(query("DECLARE c NO SCROLL CURSOR FOR SELECT id FROM demo ORDER BY id"))) == ["DECLARE CURSOR"]
    assert error(raw.ask(query("SAVEPOINT s; DECLARE c CURSOR FOR SELECT 1")))["C"] == "42P03"
    raw.ask(query("ROLLBACK TO s"))
    found = raw.ask(query("FETCH 2 FROM c"))
    assert (rows(found), tags(found)) == ([["r0"], ["r1"]], ["FETCH 2"])
    assert tags(raw.ask(query("MOVE FORWARD 3 IN c"))) == ["MOVE 3"]
    assert rows(raw.ask(query("FETCH c"))) == [["r5"]]
    assert len(rows(raw.ask(query("FETCH ALL c")))) == 4
    assert tags(raw.ask(query("FETCH NEXT FROM c; CLOSE c"))) == ["FETCH 0", "CLOSE CURSOR"]
    raw.ask(query("DECLARE c CURSOR FOR SELECT id FROM demo ORDER BY id"))
    found = raw.ask(query("FETCH RELATIVE 3 FROM c; MOVE RELATIVE 2 FROM c; FETCH RELATIVE 1 FROM c"))
    assert (rows(found), tags(found)) == ([["r2"], ["r5"]], ["FETCH 1", "MOVE 1", "FETCH 1"])
    assert tags(raw.ask(query("FETCH RELATIVE 7 FROM c; CLOSE c"))) == ["FETCH 0", "CLOSE CURSOR"]
    raw.ask(
        query("DECLARE held CURSOR WITH HOLD FOR SELECT id FROM demo ORDER BY id; DECLARE gone CURSOR FOR SELECT 1")
    )
    raw.ask(query("COMMIT"))
    assert error(raw.ask(query("FETCH 1 FROM gone")))["C"] == "34000"
    assert rows(raw.ask(query("FETCH 1 FROM held; CLOSE held"))) == [["r0"]]


def test_a_session_without_a_word_is_no_trouble_for_another(bare, place, other):
    bare.send(startup()[:6])
    assert rows(other.ask(query("SELECT 1"))) == [["1"]]


def test_what_statements_write_has_the_types_on_record(raw):
    found = raw.ask(query("INSERT INTO project_logs('typed') (id, scores.s) VALUES ('a', 1), ('b', 500)"))
    assert "from 0 to 1, got 500 at `row[2].scores.s`" in error(found)["M"]
    assert tags(raw.ask(query("INSERT INTO project_logs('typed') (id, scores.s) VALUES ('a', 1)"))) == ["INSERT 0 1"]
    found = raw.ask(query("UPDATE project_logs('typed') SET metrics.m = 'x'"))
    assert "expected a number, got a text at `row.a.metrics.m`" in error(found)["M"]


def test_options_of_a_copy_that_are_written_with_backslashes(raw):
    asked = "COPY (SELECT 'a\tb' AS t, 1 AS n) TO STDOUT"
    (data,) = [each.body for each in raw.ask(query(rf"{asked} (DELIMITER E'\x01', NULL E'\t')")) if each.kind == "d"]
    assert data == b"a\\tb\x011\n"
    (data,) = [
        each.body for each in raw.ask(query(rf"{asked} (FORMAT csv, FORCE_QUOTE *, ESCAPE '\')")) if each.kind == "d"
    ]
    assert data == b'"a\tb","1"\n'


def test_a_backslash_in_a_text_is_itself_as_clients_of_postgres_write_it(raw):
    """They are told so by `standard_conforming_strings`, and what they put into a text must not end it."""
    value = r"\'' OR 1=1 --"
    assert rows(raw.ask(query(f"SELECT count(*) AS n FROM demo WHERE id = '{value}'"))) == [["0"]]
    assert rows(raw.ask(query(f"SELECT '{value}' AS a, '\\' AS b, E'\\'' AS c"))) == [[r"\' OR 1=1 --", "\\", "'"]]
    assert rows(raw.ask(parse(r"SELECT 'C:\\a\' AS a"), bind(), execute(), SYNC)) == [[r"C:\\a" + "\\"]]
    raw.ask(
        query(r"""INSERT INTO project_logs('slashes') (id, input) VALUES ('a\', '{"p": "C:\\x", "q": "\""}'::jsonb)""")
    )
    found = raw.ask(query("SELECT id, input->>'p' AS p, input->>'q' AS q FROM slashes"))
    assert rows(found) == [["a\\", "C:\\x", '"']]
    # Where a mistake is, is told in terms of what was sent.
    assert error(raw.ask(query(r"SELECT 'a\b\\', lowr('\')")))["P"] == "17"
    # BTQL is read as everywhere.
    assert rows(raw.ask(query(r"select: 'it\'s' as a | from: project_logs('slashes')"))) == [["it's"]]
    assert "it''s" in str(rows(raw.ask(query(r"EXPLAIN select: 'it\'s' as a | from: project_logs('slashes')"))))


def test_what_the_session_knows_stands_beside_rows(raw):
    asked = "current_user, current_database() AS d, current_setting('application_name') AS s"
    (found,) = rows(raw.ask(query(f"SELECT id, {asked} FROM demo WHERE id = 'r1' AND current_user IS NOT NULL")))
    ((user, database, _),) = rows(raw.ask(query(f"SELECT {asked}")))
    assert found == ["r1", user, database, ""]
    assert user
    raw.ask(query("SET application_name = 'me'"))
    # The plan of the same statement is not that of the other setting.
    (changed,) = rows(raw.ask(query(f"SELECT id, {asked} FROM demo WHERE id = 'r1' AND current_user IS NOT NULL")))
    assert changed == ["r1", user, database, "me"]
    raw.ask(query("RESET application_name"))
    assert rows(raw.ask(query("SELECT count(*) AS n FROM demo WHERE starts_with(version(), 'PostgreSQL')"))) == [["10"]]
    assert error(raw.ask(query("SELECT current_setting('nothing'), id FROM demo")))["C"] == "42704"
    assert error(raw.ask(query("SELECT current_setting(id) FROM demo")))["P"] == "24"
    asked = parse("SELECT id, current_setting($1) AS s FROM demo LIMIT 1"), bind(values=[b"datestyle"]), execute(), SYNC
    assert rows(raw.ask(*asked)) == [["r9", "ISO, MDY"]]


def test_a_parameter_is_an_array_that_tags_are_compared_with(raw):
    raw.ask(query("INSERT INTO project_logs('tagged') (id, tags) VALUES ('a', ARRAY['x', 'y']), ('b', ARRAY['z'])"))
    asked = parse("SELECT id FROM tagged WHERE tags && $1::text[]"), bind(values=[b"{y,w}"]), execute(), SYNC
    assert rows(raw.ask(*asked)) == [["a"]]
    meant_and = parse("SELECT id FROM tagged WHERE is_root && $1", types=[16]), bind(values=[b"t"]), execute(), SYNC
    assert error(raw.ask(*meant_and))["H"] == "write `tags ?| ['a', 'b']`; conditions are joined by AND"


def test_texts_and_comments_are_read_as_postgres_reads_them(raw):
    texts = r"$$it's$$ AS a, $t$\;$$$t$ AS b, N'n' AS c, U&'d\0061t' AS d, U&'!0061' UESCAPE '!' AS e"
    answer = raw.ask(query(f"/* a /* b */; SELECT 0; */ SELECT {texts}; SELECT 2 --;\r AS n"))
    assert rows(answer) == [["it's", r"\;$$", "n", "dat", "a"], ["2"]]
    assert rows(raw.ask(query("SELECT id FROM demo WHERE id = $$r1$$"))) == [["r1"]]
    # Where a mistake is, is told in terms of what was sent, of which a comment may hide the end.
    assert error(raw.ask(query("SELECT $$a$$, N'b', lowr('x')")))["P"] == "21"
    refused = error(raw.ask(query("DELETE FROM demo /* /* */ WHERE id = 'r1'")))
    assert (refused["M"], refused["P"]) == ("the comment is never closed", "18")
    assert error(raw.ask(query(r"SELECT U&'\00'")))["C"] == "22021"


def test_a_backslash_in_a_name_is_itself_as_clients_of_postgres_write_it(raw):
    described = raw.ask(query(r'''SELECT 1 AS "a\", 2 AS "b\n"; SELECT 3 AS "c"'''))
    assert next(each.body[2:] for each in described if each.kind == "T").startswith(b"a\\\0")
    assert rows(described) == [["1", "2"], ["3"]]
    raw.ask(query(r"""INSERT INTO project_logs('named') (id, metadata."x\y\") VALUES ('a', 1)"""))
    assert rows(raw.ask(query(r"""SELECT metadata."x\y\" AS v FROM named"""))) == [["1"]]
    (data,) = [each.body for each in raw.ask(query(r"""COPY named (metadata."x\y\") TO STDOUT""")) if each.kind == "d"]
    assert data == b"1\n"


def test_a_table_of_a_copy_may_have_a_backslash(raw):
    asked = r"COPY project_logs('copied\') (id, metadata.a) FROM STDIN"
    assert tags(raw.ask(query(asked), framed("d", b"r1\tx\n"), framed("c"))) == ["COPY 1"]
    assert rows(raw.ask(query(r"SELECT id FROM project_logs('copied\')"))) == [["r1"]]


def test_a_text_with_escapes_that_is_never_closed_is_no_statement_and_another_one(raw):
    answer = raw.ask(query(r"INSERT INTO project_logs('unclosed') (id) VALUES (E'a\'); SELECT 2"))
    assert error(answer)["C"] == "42601"
    assert "D" not in kinds(answer)


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("SELECT -- advisory", "42601"),
        ("SELECT pg_advisory_unlock_all AS x", "42601"),
        pytest.param(f"FETCH {'1' * 5_000} FROM c", "42601", id="fetch"),
        (r"SET application_name = E'a\000b'", "22021"),
        ("SET client_min_messages = 'no-tice'", "22023"),
        pytest.param(f"SET a.{'b' * 2_000} = 1", "42602", id="name"),
    ],
)
def test_odd_statements_of_the_session_are_refused(raw, sql, state):
    assert error(raw.ask(query(sql)))["C"] == state


def test_a_transaction_has_so_many_settings_of_its_own_at_most(raw):
    found = raw.ask(query("BEGIN;" + "".join(f"SET LOCAL a.b{number} = 1;" for number in range(101))))
    assert tags(found) == ["BEGIN", *["SET"] * 100]
    assert error(found)["C"] == "53400"


def test_the_answer_of_a_copy_is_closed_without_holding_up_others(raw, other, monkeypatch):
    closed_by: list[bool] = []
    close = Opened.close

    def noted(opened):
        # Sessions of other tests may still be ending, and close what they had open.
        if opened.names == ["closed_here"]:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                closed_by.append(False)
            else:
                closed_by.append(True)
        close(opened)

    other.ask(query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM project_logs('long')"))
    monkeypatch.setattr(Opened, "close", noted)
    monkeypatch.setattr(Opened, "is_small", False)
    other.socket.close()

    assert tags(raw.ask(query("COPY (SELECT id AS closed_here FROM demo) TO STDOUT"))) == ["COPY 10"]

    # Not by the thread of the event loop: the engine may have to be waited for.
    assert closed_by == [False]
