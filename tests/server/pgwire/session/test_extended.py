"""The extended protocol: statements, portals, row limits, errors up to the Sync."""

from __future__ import annotations

import struct

import pytest
from server_support.pg_raw import (
    FLUSH,
    SYNC,
    bind,
    close,
    describe,
    error,
    execute,
    framed,
    kinds,
    parse,
    query,
    rows,
    tags,
    text,
)

from btql_server.pgwire.copy_binary import END, HEADER

DEMO = "SELECT id FROM demo ORDER BY id"


def types_of(message) -> list[int]:
    return list(struct.unpack(f"!{(len(message.body) - 2) // 4}I", message.body[2:]))


def test_a_statement_from_parse_to_sync(raw):
    found = raw.ask(
        parse("SELECT id, metrics.n AS n FROM demo WHERE id = $1 AND metrics.n > $2", "s"),
        describe("S", "s"),
        bind("p", "s", [b"r3", b"1"]),
        describe("P", "p"),
        execute("p"),
        close("P", "p"),
        close("S", "s"),
        SYNC,
    )
    assert kinds(found) == "1tT2TDC33Z"
    assert types_of(found[1]) == [25, 20]
    assert rows(found) == [["r3", "3"]]
    assert error(raw.ask(bind("", "s"), SYNC))["C"] == "26000"


def test_binary_parameters_and_rows(raw):
    found = raw.ask(
        parse("SELECT $1 AS x, id FROM demo WHERE id = $2", types=[20, 0]),
        framed("B", text("", "") + struct.pack("!hhh", 2, 1, 0) + struct.pack("!hiqi", 2, 8, 42, 2) + b"r1"
               + struct.pack("!hhh", 2, 1, 0)),
        execute(),
        SYNC,
    )  # fmt: skip
    assert kinds(found) == "12DCZ"
    (row,) = [each.body for each in found if each.kind == "D"]
    assert row == struct.pack("!hiq", 2, 8, 42) + struct.pack("!i", 2) + b"r1"


def test_rows_come_in_portions(raw):
    found = raw.ask(parse(DEMO), bind("p"), execute("p", 4), execute("p", 4), execute("p", 4), execute("p", 4), SYNC)
    assert kinds(found) == "12DDDDsDDDDsDDCCZ"
    assert tags(found) == ["SELECT 2", "SELECT 0"]
    # Outside of a transaction a portal ends with the Sync.
    assert error(raw.ask(execute("p"), SYNC))["C"] == "34000"
    raw.ask(query("BEGIN"))
    assert kinds(raw.ask(parse(DEMO), bind("p"), execute("p", 9), SYNC)) == "12DDDDDDDDDsZ"
    assert rows(raw.ask(execute("p", 9), SYNC)) == [["r9"]]
    raw.ask(query("COMMIT"))
    assert error(raw.ask(execute("p"), SYNC))["C"] == "34000"


def test_an_error_skips_to_the_sync(raw):
    found = raw.ask(parse(DEMO, "good"), parse("SELECT nothing(1)"), bind(), execute(), bind("", "good"), SYNC)
    assert kinds(found) == "112EZ"
    assert kinds(raw.ask(bind("", "good"), execute("", 1), SYNC)) == "2DsZ"
    # What went wrong is told at once, for clients that send their Sync only then.
    raw.send(parse("SELECT nothing(1)"), describe("S"), FLUSH)
    assert kinds(raw.until("E")) == "1E"
    assert kinds(raw.ask(SYNC)) == "Z"


def test_what_is_out_of_order(raw):
    for sent, sqlstate in [
        ([describe("P", "none")], "34000"),
        ([describe("S", "none")], "26000"),
        ([execute("none")], "34000"),
        ([parse("SELECT 1; SELECT 2")], "42601"),
        ([parse("SELECT 1", "twice"), parse("SELECT 1", "twice")], "42P05"),
        ([parse("SELECT 1"), bind("same"), bind("same")], "42P03"),
        ([parse("SELECT id FROM demo WHERE id = $1"), describe("S"), bind()], "08P01"),
        ([parse("SELECT 1 AS a, 2 AS b"), bind(formats=struct.pack("!hhhh", 3, 0, 0, 0)), describe("P")], "08P01"),
        ([parse("SELECT $1 + 1", types=[20]), bind(values=[b"one"])], "22P02"),
        ([parse("BEGIN"), bind("p"), execute("p"), execute("p")], "55000"),
    ]:
        found = raw.ask(*sent, SYNC)
        assert error(found)["C"] == sqlstate, sent
        raw.ask(query("ROLLBACK"))
    assert error(raw.ask(framed("F", b"\0\0\0\1")))["C"] == "0A000"
    # Closing what is not there is no error.
    assert kinds(raw.ask(close("S", "none"), close("P", "none"), SYNC)) == "33Z"


def test_statements_about_the_session_and_empty_ones(raw):
    for sql, shape, tag in [
        ("", "12nIZ", []),
        ("BEGIN", "12nCZ", ["BEGIN"]),
        ("SHOW timezone", "12TDCZ", ["SHOW"]),
        ("DECLARE c CURSOR FOR SELECT id FROM demo ORDER BY id", "12nCZ", ["DECLARE CURSOR"]),
        ("FETCH 2 FROM c", "12TDDCZ", ["FETCH 2"]),
        ("COMMIT", "12nCZ", ["COMMIT"]),
        ("INSERT INTO project_logs('x') (id) VALUES ('a')", "12nCZ", ["INSERT 0 1"]),
        ("WITH q AS (SELECT 'a' AS i) INSERT INTO project_logs('x') (id) SELECT i FROM q", "12nCZ", ["INSERT 0 1"]),
        ("from: project_logs('demo') | select: id | sort: id | limit: 1", "12TDCZ", ["SELECT 1"]),
        ("SELECT relname FROM pg_catalog.pg_class WHERE relname = 'demo'", "12TDCZ", ["SELECT 1"]),
    ]:
        found = raw.ask(parse(sql), bind(), describe("P"), execute(), SYNC)
        assert (kinds(found), tags(found)) == (shape, tag), sql


def test_a_cursor_is_described_as_a_portal(raw):
    raw.ask(query("BEGIN"))
    raw.ask(parse("DECLARE c CURSOR FOR SELECT id FROM demo WHERE id = $1"), bind(values=[b"r7"]), execute(), SYNC)
    assert kinds(raw.ask(describe("P", "c"), execute("c"), SYNC)) == "TDCZ"


def test_a_portal_keeps_its_statement(raw):
    found = raw.ask(parse(DEMO, "s"), bind("", "s"), close("S", "s"), execute("", 1), SYNC)
    assert kinds(found) == "123DsZ"


@pytest.mark.parametrize("form", [b"\0\0", b"\0\1\0\1"])
def test_what_was_promised_holds(raw, form):
    """A statement that was described gives what it said, also when what is stored has changed meanwhile."""
    raw.ask(query("INSERT INTO project_logs('kinds') (id, metrics.v) VALUES ('a', 1)"))
    found = raw.ask(parse("SELECT metrics.v AS v FROM kinds", "kept"), describe("S", "kept"), SYNC)
    promised = found[2].body
    raw.ask(query("INSERT INTO project_logs('kinds') (id, metrics.v) VALUES ('b', 2.5)"))
    found = raw.ask(bind("", "kept", formats=form), describe("P"), execute(), SYNC)
    if kinds(found)[-2] == "E":
        assert error(found)["C"] == "0A000"
    else:
        assert found[1].body[:-2] == promised[:-2]


def test_copy_out_and_in(raw):
    found = raw.ask(query("COPY (SELECT id FROM demo ORDER BY id LIMIT 2) TO STDOUT (FORMAT csv, HEADER)"))
    assert kinds(found) == "HdddcCZ"
    assert [each.body for each in found if each.kind == "d"] == [b"id\n", b"r0\n", b"r1\n"]
    empty = raw.ask(query("COPY (SELECT id FROM demo WHERE id = 'none') TO STDOUT WITH BINARY"))
    # tokio-postgres takes what follows the header for a row, unless it is there with it.
    assert kinds(empty) == "HdcCZ"
    assert empty[1].body == HEADER + END
    raw.send(query("COPY project_logs('came') (id, metrics.n, input) FROM STDIN"))
    assert raw.message().kind == "G"
    found = raw.ask(framed("d", b'a\t1\t{"x": 1}\nb\t\\N'), framed("d", b"\t\\N\n"), framed("c"))
    assert tags(found) == ["COPY 2"]
    assert rows(raw.ask(query("SELECT id, metrics.n, input.x FROM came ORDER BY id"))) == [
        ["a", "1", "1"],
        ["b", None, None],
    ]


def test_as_many_types_of_parameters_as_a_message_may_have(raw):
    types = struct.pack("!H60000i", 60_000, *[23] * 60_000)
    found = raw.ask(framed("P", text("", "SHOW ALL") + types), describe("S"), SYNC)
    (told,) = [each.body for each in found if each.kind == "t"]
    assert told == types


def test_a_copy_that_fails_leaves_nothing(raw):
    copy = query("COPY project_logs('fails') (id, input) FROM STDIN")
    for sent, sqlstate in [
        ([framed("d", b"a\t1\n"), framed("f", text("no more"))], "57014"),
        ([framed("d", b"a\t1\nb\tnot json\n"), framed("c")], "22P02"),
        ([framed("d", b"a\t1\t2\n"), framed("c")], "22P04"),
    ]:
        raw.send(copy)
        assert raw.message().kind == "G"
        found = raw.ask(*sent, *[framed("d", b"z\t1\n")] * 3)
        assert error(found)["C"] == sqlstate, sent
        assert error(raw.ask(query("SELECT count(*) FROM project_logs('fails')")))["C"] == "42P01"
    raw.send(query("COPY project_logs('fails') (_xact_id) FROM STDIN"))
    assert error(raw.until())["C"] == "42601"


def test_a_field_without_values_is_described_as_json(raw):
    raw.ask(query("INSERT INTO project_logs('bare') (id, input) VALUES ('a', 'x')"))

    found = raw.ask(parse("SELECT metadata, input, metadata.k, NULL AS n FROM bare", "s"), describe("S", "s"), SYNC)

    (fields,) = [each.body for each in found if each.kind == "T"]
    names = [b"metadata", b"input", b"k", b"n"]
    oids = [struct.unpack_from("!I", fields, fields.index(name + b"\0") + len(name) + 7)[0] for name in names]
    assert oids == [3802, 25, 25, 25]


def test_a_cursor_over_the_catalog_takes_parameters(raw):
    raw.ask(query("BEGIN"))
    declare = "DECLARE c CURSOR FOR SELECT relname FROM pg_catalog.pg_class WHERE relname = $1"
    found = raw.ask(parse(declare, "s"), describe("S", "s"), bind("", "s", [b"demo"]), execute(), SYNC)
    assert (kinds(found), types_of(found[1])) == ("1tn2CZ", [19])
    assert rows(raw.ask(query("FETCH ALL c"))) == [["demo"]]


def test_a_portal_that_was_only_bound_can_be_moved_and_fetched_from(raw):
    raw.ask(query("BEGIN"))
    raw.ask(parse(DEMO, "s"), bind("p", "s"), SYNC)
    assert tags(raw.ask(query("MOVE FORWARD 3 p"))) == ["MOVE 3"]
    assert rows(raw.ask(execute("p", 1), SYNC)) == [["r3"]]
    raw.ask(bind("q", "s"), SYNC)
    assert rows(raw.ask(query("FETCH 2 FROM q"))) == [["r0"], ["r1"]]


def test_a_plan_as_json_has_the_type_of_postgres(raw):
    found = raw.ask(parse("EXPLAIN (FORMAT JSON) SELECT id FROM demo", "s"), describe("S", "s"), SYNC)
    assert struct.unpack("!IhIhih", found[2].body[-18:])[2] == 114
    found = raw.ask(framed("B", text("", "s") + struct.pack("!hhhh", 0, 0, 1, 1)), execute(), SYNC)
    (row,) = [each.body for each in found if each.kind == "D"]
    assert row[6:7] == b"{"
