"""How connections begin, and which of them do not."""

from __future__ import annotations

import struct

import pytest
from server_support.endless import LONG
from server_support.pg_raw import Raw, error, kinds, query, rows, startup

SSL, GSS, CANCEL = 80877103, 80877104, 80877102


def test_encryption_is_declined_and_the_session_begins_in_the_clear(bare):
    bare.send(startup(GSS))
    assert bare.take(1) == b"N"
    bare.send(startup(SSL))
    assert bare.take(1) == b"N"
    found = bare.ask(startup(database="shop", application_name="a test"))
    assert kinds(found) == "RKZ"
    told = dict(each.body[:-1].split(b"\0") for each in found if each.kind == "S")
    assert told[b"server_version"] == b"15.0"
    assert told[b"client_encoding"] == b"UTF8"
    assert told[b"application_name"] == b"a test"
    assert rows(bare.ask(query("SELECT current_database(), current_user"))) == [["shop", "me"]]


@pytest.mark.parametrize(
    ("minor", "more", "negotiated", "key_bytes"),
    [
        (0, {}, None, 4),
        (2, {}, None, 32),
        (9, {}, struct.pack("!ii", 2, 0), 32),
        (0, {"_pq_.x": "1"}, struct.pack("!ii", 0, 1) + b"_pq_.x\0", 4),
    ],
)
def test_versions_and_options_are_negotiated(bare, minor, more, negotiated, key_bytes):
    found = bare.ask(startup((3 << 16) + minor, **more))
    assert [each.body for each in found if each.kind == "v"] == ([] if negotiated is None else [negotiated])
    (key,) = [each.body for each in found if each.kind == "K"]
    assert len(key) == 4 + key_bytes


@pytest.mark.parametrize(
    ("first", "sqlstate"),
    [
        (startup(2 << 16), "0A000"),
        (startup(4 << 16), "0A000"),
        (startup(user=""), "28000"),
        (startup(replication="database"), "0A000"),
        (startup(client_encoding="LATIN1"), "22023"),
        (startup(no_such_setting="1"), "42704"),
        (startup(options="-c statement_timeout=x"), "22023"),
        (struct.pack("!i", 1 << 30), "08P01"),
        (struct.pack("!i", 7), "08P01"),
        (struct.pack("!i", -1), "08P01"),
        (b"GET / HTTP/1.1\r\n\r\n", "08P01"),
        (struct.pack("!ii", 12, 3 << 16) + b"user", "08P01"),
        (struct.pack("!ii", 14, 3 << 16) + b"\xff\xfe\0\0\0\0", "22021"),
        (startup(SSL)[:4] + startup(SSL)[4:] + startup(SSL), "08P01"),
    ],
)
def test_what_is_no_beginning_gets_an_error_and_the_end(bare, first, sqlstate, caplog):
    bare.send(first)
    if first.startswith(startup(SSL)):
        assert bare.take(1) == b"N"
    found = error(bare.rest())
    assert (found["S"], found["C"]) == ("FATAL", sqlstate)
    # Nothing of ours has failed.
    assert [each for each in caplog.records if each.exc_info] == []


def test_settings_come_with_the_beginning(bare):
    bare.ask(startup(options="-c statement_timeout=5s --search-path=a,b\\ c"))
    assert rows(bare.ask(query("SHOW statement_timeout; SHOW search_path"))) == [["5s"], ["a,b c"]]


def test_a_cancel_request_stops_what_another_session_does(place, bare):
    found = bare.ask(startup())
    (key,) = [each.body for each in found if each.kind == "K"]
    bare.send(query(LONG))
    wrong = key[:4] + bytes(4)
    for secret in (wrong, key):
        with Raw(*place) as other:
            other.send(struct.pack("!ii", 8 + len(secret), CANCEL) + secret)
            assert other.rest() == []
    assert error(bare.until())["C"] == "57014"
    assert rows(bare.ask(query("SELECT 1"))) == [["1"]]
