"""Messages that nobody should send, clients that vanish or never read: nobody else notices."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time

import pytest
from server_support.endless import LONG
from server_support.pg_raw import (
    SYNC,
    Raw,
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
    startup,
    text,
)
from server_support.waiting import eventually

from btql.execution.admission import Admission
from btql_server.pgwire import answering, requests, wire
from btql_server.pgwire.bad_value import BadValue
from btql_server.pgwire.requests import Violation

READERS = {
    "startup": requests.read_first,
    "Q": requests.read_text,
    "P": requests.read_parse,
    "B": requests.read_bind,
    "D": requests.read_named,
    "C": requests.read_named,
    "E": requests.read_execute,
    "p": requests.read_sasl_initial,
    "S": requests.read_empty,
}
RECORDED = [
    query("SELECT 1; SELECT 'a'"),
    parse("SELECT id FROM demo WHERE id = $1 AND metrics.n < $2", "s", [25, 0]),
    bind("p", "s", [b"r1", None]),
    describe("S", "s"),
    describe("P", "p"),
    execute("p", 3),
    close("P", "p"),
    SYNC,
    framed("p", text("SCRAM-SHA-256") + struct.pack("!i", 5) + b"n,,n="),
]


def test_no_bytes_do_more_than_be_refused():
    chance = random.Random(7)
    bodies = [(each[:1].decode(), each[5:]) for each in RECORDED] + [("startup", startup(database="x")[4:])]
    refused = 0
    for _ in range(6_000):
        kind, body = chance.choice(bodies)
        data = bytearray(body)
        for _ in range(chance.randint(1, 3)):
            match chance.randrange(4):
                case 0 if data:
                    data[chance.randrange(len(data))] = chance.randrange(256)
                case 1 if data:
                    del data[chance.randrange(len(data)) :]
                case 2:
                    data[chance.randint(0, len(data)) : 0] = chance.randbytes(chance.randint(1, 6))
                case _:
                    data += struct.pack("!i", chance.choice([-1, -2, 0, 1 << 30, 0x7FFF_FFFF]))
        try:
            READERS[kind](bytes(data))
        except (Violation, BadValue):
            refused += 1
    assert refused > 2_000


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\0\4",
        b"Z\0\0\0\5I",
        b"Q\0\0\0\0",
        b"Q\xff\xff\xff\xff",
        b"Q\x7f\xff\xff\xff",
        b"S\0\0\x40\0",
        framed("Q", b"SELECT 1"),
        framed("S", b"x"),
        framed("B", text("", "") + struct.pack("!h", -1)),
        framed("B", text("", "") + struct.pack("!hhhi", 0, 1, 0, -7)),
        framed("D", text("Xs")),
        framed("P", text("", "SELECT 1") + struct.pack("!h", 30_000)),
        framed("p", text("a password")),
    ],
)
def test_what_is_no_message_ends_the_session(raw, sent):
    raw.send(sent)
    told = error(raw.rest())
    assert (told["S"], told["C"]) == ("FATAL", "08P01")


def test_a_mutated_session_ends_or_goes_on(place, other):
    """Recorded messages, changed at random; whatever comes back is in the protocol, and nothing is a bug of ours."""
    chance = random.Random(11)
    for _ in range(40):
        with Raw(*place) as raw:
            raw.ask(startup())
            sent = bytearray(b"".join(chance.choices(RECORDED[:-1], k=6)))
            for _ in range(chance.randint(1, 4)):
                sent[chance.randrange(len(sent))] = chance.randrange(256)
            raw.send(bytes(sent), SYNC, framed("X"))
            raw.socket.shutdown(1)
            found = raw.rest()
            assert all(each.fields["C"] != "XX000" for each in found if each.kind in "EN"), bytes(sent)
    assert rows(other.ask(query("SELECT 1"))) == [["1"]]


def test_text_that_is_not_utf8(raw):
    assert error(raw.ask(framed("Q", b"SELECT '\xff'\0")))["C"] == "22021"
    assert error(raw.ask(query("SELECT '" + "x" * (1 << 20) + "'")))["C"] == "54001"
    assert rows(raw.ask(query("SELECT 1"))) == [["1"]]


def test_a_client_that_never_reads_costs_nothing_and_holds_nobody_up(raw, other):
    raw.send(query("SELECT a.id, b.input FROM long a, long b"))
    began = time.monotonic()
    for _ in range(5):
        assert rows(other.ask(query("SELECT 1"))) == [["1"]]
    assert time.monotonic() - began < 20


def test_a_client_that_vanishes_ends_its_query(place, other, monkeypatch):
    ledger = Admission()
    monkeypatch.setattr("btql.execution.run.admission", ledger)
    gone = Raw(*place)
    gone.ask(startup())
    gone.send(query(LONG))
    eventually(lambda: ledger.grants == 1)
    gone.socket.close()
    assert rows(other.ask(query("SELECT 1"))) == [["1"]]
    eventually(lambda: ledger.grants == 0)


def test_a_client_that_reads_nothing_for_a_while_is_not_taken_for_gone():
    # The system ends a connection whose client takes nothing for this long, though it answers; 0 is never.
    with socket.socket() as connection:
        wire.keep_alive(connection)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert not connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def test_a_client_that_sends_no_more_is_still_answered(bare, monkeypatch):
    monkeypatch.setattr(wire, "_PROBE_S", 0.01)
    bare.ask(startup())
    series = "SELECT sum(n) AS n FROM generate_series(1, 300000000) AS s (n)"
    bare.send(query(series), query("SELECT id, input FROM long"), framed("X"))
    bare.socket.shutdown(socket.SHUT_WR)
    found = bare.rest()
    assert len(rows(found)) == 2_001
    # What it is told meanwhile is nothing new.
    assert {each.body for each in found if each.kind == "S"} == {text("integer_datetimes", "on")}


def test_a_long_text_is_not_looked_at_by_the_thread_of_the_event_loop(raw, monkeypatch):
    looked_by_loop: list[bool] = []

    def noted(sql):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            looked_by_loop.append(False)
        else:
            looked_by_loop.append(True)
        return sql

    monkeypatch.setattr(answering, "conforming", noted)
    assert rows(raw.ask(query("SELECT 1 AS a /*" + " " * 40_000 + "*/"))) == [["1"]]
    assert looked_by_loop == [False]


@pytest.mark.parametrize("sql", ["SET a.b = 1{}", "SELECT relname FROM pg_class{}"])
def test_what_is_too_long_for_a_statement_is_not_looked_at_in_detail(raw, sql):
    found = error(raw.ask(query(sql.format(",1" * (1 << 20)))))
    assert found["C"] == "54001"
    assert "1,048,576 characters" in found["M"]


def test_a_session_keeps_so_many_portals_at_most(raw):
    many = b"".join(bind(f"p{n}") for n in range(1_001))
    found = raw.ask(parse("SELECT 1"), many, SYNC)
    assert error(found)["C"] == "53400"
    assert kinds(found).count("2") == 1_000


def test_the_portals_of_a_session_keep_so_many_bytes_of_values_at_most(raw, monkeypatch):
    monkeypatch.setattr("btql_server.pgwire.portals.VALUE_BYTES_MAX", 1_000)
    binds = [bind(f"p{n}", "", [b"x" * 400]) for n in range(3)]
    found = raw.ask(parse("SELECT $1::text"), *binds, SYNC)
    assert error(found)["C"] == "53400"
    assert "MiB of values for parameters" in error(found)["M"]
    assert kinds(found).count("2") == 2
    # What is closed makes room, and so does the end of the transaction.
    found = raw.ask(parse("SELECT $1::text"), *binds[:2], close("P", "p0"), binds[2], execute("p2"), SYNC)
    assert rows(found) == [["x" * 400]]
