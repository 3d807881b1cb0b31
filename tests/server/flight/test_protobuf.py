"""The encoding of messages: against the library, and against any bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from google.protobuf import any_pb2
from hypothesis import given
from hypothesis import strategies as st

from btql.wire import Malformed
from btql_server.flight import envelopes, messages
from btql_server.flight.protobuf import decode, encode

MESSAGES = [
    messages.CommandGetTables("c", None, "%", ("TABLE", "VIEW"), include_schema=True),
    messages.CommandGetSqlInfo((1, 500, 2**31)),
    messages.CommandStatementIngest(messages.TableDefinitionOptions(1, 2), "t", "project_logs", temporary=True),
    messages.DoPutUpdateResult(-1),
    messages.CommandGetXdbcTypeInfo(-7),
    messages.CancelFlightInfoRequest(
        messages.FlightInfoMessage(endpoint=(messages.FlightEndpointMessage(messages.FlightTicket(b"\x00x")),))
    ),
    messages.CommandStatementQuery("select '☂'", b""),
]
KINDS = [*messages.Command.__args__, *(type(each) for each in MESSAGES)]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: type(each).__name__)
def test_a_message_comes_back_as_it_was(message):
    back = decode(type(message), encode(message))

    assert encode(back) == encode(message)
    if getattr(message, "transaction_id", None) != b"":
        # Empty bytes are not told from none.
        assert back == message


def test_wrapped_messages_are_those_of_the_library():
    wrapped = envelopes.wrap(messages.CommandStatementQuery("select 1"))
    read = any_pb2.Any.FromString(wrapped)

    assert read.type_url == "type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
    assert read.value == b"\n\x08select 1"
    assert read.SerializeToString() == wrapped
    assert envelopes.command_of(wrapped) == messages.CommandStatementQuery("select 1")
    assert envelopes.command_of(b"select 1") is None


def test_numbers_that_are_packed_or_not_are_the_same():
    packed, single = b"\x0a\x03\x01\xf4\x03", b"\x08\x01\x08\xf4\x03"

    assert decode(messages.CommandGetSqlInfo, packed) == decode(messages.CommandGetSqlInfo, single)


def test_fields_of_later_versions_are_skipped():
    more = b"\x92\x3f\x02xx" + b"\x9d\x3f1234" + b"\x99\x3f12345678" + b"\x98\x3f\x01"

    assert decode(messages.CommandStatementQuery, b"\n\x01a" + more).query == "a"


@pytest.mark.parametrize(
    "data",
    [
        b"\n\x05a",  # longer than the message
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a length of 63 bits
        b"\x80" * 11,
        b"\x0b",  # a group
        b"\x00\x01",  # field 0
        b"\n\x02\xff\xfe",  # no UTF-8
        b"\x08\x01",  # a number for a text
        b"\n",
    ],
)
def test_what_is_no_message_is_malformed(data):
    with pytest.raises(Malformed):
        decode(messages.CommandStatementQuery, data)


@given(st.sampled_from(KINDS), st.binary(max_size=300))
def test_any_bytes_are_a_message_or_malformed(kind, data):
    with suppress(Malformed):
        assert isinstance(decode(kind, data), kind)


@given(st.sampled_from(MESSAGES), st.data())
def test_a_message_that_was_changed_is_a_message_or_malformed(message, data):
    changed = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Malformed):
        assert isinstance(decode(type(message), bytes(changed)), type(message))
