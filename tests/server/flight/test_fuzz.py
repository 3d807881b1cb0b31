"""Calls that nobody would make: changed, cut, random. Each gets an error or an answer, and the server goes on."""

from __future__ import annotations

import random
import string

import pyarrow as pa
from pyarrow import flight

from btql_server.flight import envelopes, messages
from btql_server.flight.protobuf import encode
from btql_server.flight.tickets import Handle

ROUNDS = 250
SEED = 20_261_126
FORESEEN = (pa.ArrowException, flight.FlightError, NotImplementedError, KeyError, ValueError)
COMMANDS = [
    messages.CommandStatementQuery("SELECT id FROM demo WHERE id = 'r001'"),
    messages.CommandStatementUpdate("DELETE FROM project_logs.nothing WHERE id = 'x'"),
    messages.CommandPreparedStatementQuery(b"0123456789abcdef"),
    messages.CommandPreparedStatementUpdate(b"0123456789abcdef"),
    messages.CommandStatementIngest(messages.TableDefinitionOptions(2, 2), "fuzzed", "project_logs"),
    messages.CommandGetTables("btql", "project%", "%", ("TABLE",), include_schema=True),
    messages.CommandGetSqlInfo((0, 1, 508)),
    messages.CommandGetXdbcTypeInfo(93),
    messages.TicketStatementQuery(encode(Handle(b"123456789012", "SELECT 1 AS one", b"", b"123456789012"))),
    messages.TicketStatementQuery(encode(Handle(b"", "SELECT ? AS one", b"\xff\xff\xff\xff\x10\x00\x00\x00"))),
    messages.TicketStatementQuery(encode(Handle(is_write=True, count=2**62))),
]
ACTIONS = {
    "CreatePreparedStatement": envelopes.wrap(messages.ActionCreatePreparedStatementRequest("SELECT ? AS one")),
    "ClosePreparedStatement": envelopes.wrap(messages.ActionClosePreparedStatementRequest(b"0123456789abcdef")),
    "CancelQuery": envelopes.wrap(messages.ActionCancelQueryRequest(b"\x1a\x04\x0a\x02\x0a\x00")),
    "CancelFlightInfo": b"\x0a\x06\x1a\x04\x0a\x02\x0a\x00",
    "CloseSession": b"",
}


def changed(data: bytes, chance: random.Random) -> bytes:
    """Return bytes with a few changes: other bytes, fewer of them, more of them."""
    found = bytearray(data)
    for _ in range(chance.randint(0, 4)):
        place = chance.randrange(len(found) + 1)
        match chance.randrange(4):
            case 0 if found:
                found[place % len(found)] = chance.randrange(256)
            case 1:
                del found[place : place + chance.randint(1, 8)]
            case 2:
                found[place:place] = chance.randbytes(chance.randint(1, 8))
            case _:
                found[place:place] = chance.choice(string.printable).encode()
    return bytes(found)


def test_changed_calls_get_errors_without_tracebacks(door, client, caplog):
    chance = random.Random(SEED)
    options = flight.FlightCallOptions(timeout=20, headers=[(b"authorization", f"Bearer {door.key}".encode())])
    rows = pa.table({"id": ["a"], "b": [1]})

    def put(data: bytes) -> None:
        descriptor = flight.FlightDescriptor.for_command(data)
        writer, answers = client.do_put(descriptor, rows.schema, options)
        with writer:
            writer.write_table(rows)
            writer.done_writing()
            answers.read()

    def act(_data: bytes) -> None:
        name = chance.choice(list(ACTIONS))
        list(client.do_action((name, changed(ACTIONS[name], chance)), options))

    def path(data: bytes) -> None:
        pieces = [data[: chance.randrange(20)] for _ in range(chance.randrange(4))]
        client.get_flight_info(flight.FlightDescriptor.for_path(*pieces), options)

    def read(data: bytes) -> None:
        info = client.get_flight_info(flight.FlightDescriptor.for_command(data), options)
        client.do_get(info.endpoints[0].ticket, options).read_all()

    calls = [
        read,
        put,
        act,
        path,
        lambda data: client.do_get(flight.Ticket(data), options).read_all(),
        lambda data: client.get_schema(flight.FlightDescriptor.for_command(data), options),
    ]
    refused: list[str] = []
    for _ in range(ROUNDS):
        call, command = chance.choice(calls), envelopes.wrap(chance.choice(COMMANDS))
        try:
            call(changed(command, chance))
        except FORESEEN as error:
            refused.append(str(error))

    assert len(refused) > ROUNDS // 4
    assert not [each for each in refused if "Traceback" in each or "internal error" in each], f"seed {SEED}"
    assert not [each for each in caplog.records if each.levelname == "ERROR"]
    assert client.do_get(flight.Ticket(b"SELECT 1 AS one"), options).read_all().num_rows == 1
