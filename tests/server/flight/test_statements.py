"""Statements by ADBC and by plain Flight: rows, parameters, schemas, writes, errors."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pytest
from adbc_driver_flightsql import StatementOptions
from pyarrow import flight

from btql_server.flight import envelopes, messages
from btql_server.flight.protobuf import decode, encode

DEMO = "project_logs.demo"


def asked(cursor, text, values=None):
    cursor.execute(text, values)
    return cursor.fetchall()


def info_of(client, door, command, **more):
    return client.get_flight_info(flight.FlightDescriptor.for_command(command), door.options(**more))


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT id, input.n AS n FROM {DEMO} WHERE input.n < 3 ORDER BY n",
        "select: id, input.n as n | from: project_logs('demo') | filter: input.n < 3 | sort: n",
    ],
)
def test_both_languages_give_the_same_rows(cursor, text):
    cursor.execute(text)
    table = cursor.fetch_arrow_table()

    assert table.to_pylist() == [{"id": f"r{n:03}", "n": n} for n in range(3)]
    assert table.schema == pa.schema({"id": pa.string(), "n": pa.int64()})


def test_values_have_the_types_that_the_database_gives_in_the_process(cursor):
    cursor.execute(f"SELECT id, created, tags, metadata, input.n / 2 AS half, null AS nothing FROM {DEMO} LIMIT 1")
    table = cursor.fetch_arrow_table()

    types = [pa.string(), pa.timestamp("us", "UTC"), pa.list_(pa.string()), pa.json_(), pa.float64(), pa.null()]
    assert table.schema.types == types


def test_a_text_that_is_given_as_json_is_not_read_as_json_once_more(cursor):
    texts = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"a text"']))
    cursor.execute("SELECT ?::jsonb AS a", pa.record_batch([texts], ["1"]))

    assert cursor.fetchall() == [("a text",)]


def test_an_answer_without_rows_has_its_columns(cursor):
    cursor.execute(f"SELECT id, input.n AS n FROM {DEMO} WHERE id = 'nobody'")
    table = cursor.fetch_arrow_table()

    assert table.num_rows == 0
    assert table.column_names == ["id", "n"]


@pytest.mark.parametrize(
    ("text", "values", "rows"),
    [
        (f"SELECT id FROM {DEMO} WHERE id = ?", ("r001",), [("r001",)]),
        (f"SELECT id FROM {DEMO} WHERE input.n = $1 AND id = $2", (2, "r002"), [("r002",)]),
        (f"SELECT id FROM {DEMO} WHERE input.n = $1 OR input.n = $1 + 1 ORDER BY id", (7,), [("r007",), ("r008",)]),
        ("SELECT ? AS a, ? AS b, ? AS c", ("x'; --", 1.5, None), [("x'; --", 1.5, None)]),
        ("SELECT ? AS a", (True,), [(True,)]),
        ("SELECT ? + ? AS a, -? AS b, ? % ? AS c", (1, 2, 3, 7, 4), [(3, -3, 3)]),
        (f"SELECT sum(?) AS n FROM {DEMO}", (2,), [(1_000,)]),
        (
            f"SELECT date_trunc(?, created) AS d, count(*) FROM {DEMO} GROUP BY date_trunc(?, created)",
            ("year", "year"),
            [(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 500)],
        ),
        (
            f"SELECT count(*) AS n FROM {DEMO} WHERE created < ? - ?",
            (dt.datetime(2026, 11, 1, 1, 10, tzinfo=dt.UTC), dt.timedelta(hours=1)),
            [(10,)],
        ),
        ("SELECT ? AS a", (Decimal("2.00"),), [(2,)]),
        ("SELECT ? AS a", (["x", "☂"],), [(["x", "☂"],)]),
        (
            f"SELECT count(*) AS n FROM {DEMO} WHERE created < ?",
            (dt.datetime(2026, 11, 1, 0, 10, tzinfo=dt.UTC),),
            [(10,)],
        ),
        (f"SELECT count(*) AS n FROM {DEMO} WHERE created < ?", (dt.date(2026, 11, 1),), [(0,)]),
        (f"SELECT id FROM {DEMO} ORDER BY id LIMIT ?", (1,), [("r000",)]),
        ("select: id | from: project_logs('demo') | filter: id = ?", ("r001",), [("r001",)]),
    ],
)
def test_values_are_bound(cursor, text, values, rows):
    assert asked(cursor, text, values) == rows


def test_what_only_values_can_tell_is_told_with_them(door, cursor):
    text = "SELECT ? + ? AS a"

    assert cursor.adbc_prepare(text).types == [pa.string(), pa.string()]
    with pytest.raises(flightsql.ProgrammingError, match="B0301"):
        cursor.execute(text, ("x", "y"))
    cursor.execute(text, pa.record_batch({"1": [1, 2], "2": [10, 20]}))
    assert cursor.fetchall() == [(11,), (22,)]
    # By its ticket alone, as after a restart.
    partitions, schema = cursor.adbc_execute_partitions(text, (1, 2))
    for _ in range(2):
        with door.adbc() as connection, connection.cursor() as other:
            other.adbc_read_partition(partitions[0])
            assert other.fetchall() == [(3,)]
    assert schema == pa.schema({"a": pa.int64()})


def test_values_have_names_where_the_statement_names_them(door):
    text = f"SELECT id FROM {DEMO} WHERE input.n = :low OR input.n = :high ORDER BY id"
    with door.adbc() as connection, connection.cursor() as cursor:
        cursor.adbc_prepare(text)
        cursor.execute(text, pa.record_batch({"high": [9], "low": [4]}))

        assert cursor.fetchall() == [("r004",), ("r009",)]


def test_a_query_with_several_rows_of_values_gives_the_rows_of_each(door):
    text = f"SELECT id FROM {DEMO} WHERE input.n = ?"
    with door.adbc() as connection, connection.cursor() as cursor:
        cursor.execute(text, pa.record_batch({"1": [4, 6]}))

        assert cursor.fetchall() == [("r004",), ("r006",)]


def test_a_time_that_no_calendar_has_is_refused(cursor):
    far = pa.array([2**40], pa.timestamp("s"))
    for values in (far, pa.array([[2**40]], pa.list_(far.type))):
        with pytest.raises(flightsql.ProgrammingError, match="years go from 1 to 9999"):
            cursor.execute("SELECT ? AS a", pa.record_batch({"1": values}))


def test_values_have_numbers_where_their_columns_are_called_so(door):
    text = "SELECT $1 AS a, $2 AS b"
    with door.adbc() as connection, connection.cursor() as cursor:
        cursor.adbc_prepare(text)
        cursor.execute(text, pa.record_batch({"$2": ["second"], "$1": ["first"]}))

        assert cursor.fetchall() == [("first", "second")]


def test_a_prepared_statement_tells_its_parameters_and_its_columns_without_values(cursor):
    text = f"SELECT id, created FROM {DEMO} WHERE input.n < ? AND created > ? AND metadata.user = ? LIMIT ?"

    assert cursor.adbc_prepare(text).types == [pa.int64(), pa.timestamp("us", "UTC"), pa.string(), pa.int64()]
    assert cursor.adbc_execute_schema(text).types == [pa.string(), pa.timestamp("us", "UTC")]


def test_the_schema_is_told_without_running(door, client):
    # It would run for years.
    text = f"SELECT count(*) AS n, a.id FROM {', '.join(f'{DEMO} {name}' for name in 'abcdefgh')} GROUP BY a.id"
    schema = client.get_schema(flight.FlightDescriptor.for_command(text.encode()), door.options()).schema

    assert schema == pa.schema({"n": pa.int64(), "id": pa.string()})


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT * FROM {DEMO} LIMIT 2",
        f"SELECT id FROM {DEMO} WHERE id = 'x' UNION ALL SELECT 'a'",
        "from: project_logs('demo') | dimensions: id, metadata.model | pivot: n | measures: count(1) as n",
        "select: * | from: project_logs('demo') spans | limit: 1",
        f"SELECT date_trunc('day', created) AS day, avg(metrics.tokens) AS t FROM {DEMO} GROUP BY 1",
        f"EXPLAIN SELECT id FROM {DEMO}",
    ],
)
def test_the_schema_that_is_promised_is_that_of_the_rows(door, client, text):
    info = info_of(client, door, text.encode())
    reader = client.do_get(info.endpoints[0].ticket, door.options())

    assert reader.schema.equals(info.schema, check_metadata=True)
    assert all(chunk.data.schema == info.schema for chunk in reader)


def test_statements_that_write_tell_how_many_rows_and_are_run_once(cursor):
    cursor.execute("INSERT INTO project_logs.written (id, input) VALUES ('a', 1), ('b', 2)")
    assert (cursor.rowcount, cursor.fetchall()) == (2, [(2,)])
    cursor.execute("UPDATE project_logs.written SET metrics.times = coalesce(metrics.times, 0) + 1")
    assert cursor.rowcount == 2
    cursor.execute("DELETE FROM project_logs.written WHERE id = ?", ("b",))
    assert cursor.rowcount == 1

    assert asked(cursor, "SELECT id, metrics.times FROM project_logs.written") == [("a", 1)]


def test_a_schema_or_a_preparation_writes_nothing(door, client, cursor):
    text = "INSERT INTO project_logs.unwritten (id) VALUES ('a')"
    cursor.adbc_prepare(text)
    schema = client.get_schema(flight.FlightDescriptor.for_command(text.encode()), door.options()).schema

    assert schema == pa.schema({"count": pa.int64()})
    with pytest.raises(flightsql.ProgrammingError, match="B0402"):
        asked(cursor, "SELECT id FROM project_logs.unwritten")


def test_a_connection_without_autocommit_is_warned_and_works(door):
    options = {"username": "ann@example.com", "password": door.key}
    with (
        pytest.warns(Warning, match="autocommit"),
        flightsql.connect(door.address, db_kwargs=options) as connection,
        connection.cursor() as cursor,
    ):
        assert asked(cursor, f"SELECT count(*) AS n FROM {DEMO}") == [(500,)]


def test_executemany_is_one_transaction(cursor):
    rows = [(f"m{n}", n, None if n % 2 else "x") for n in range(50)]
    cursor.executemany("INSERT INTO project_logs.many (id, input, output) VALUES (?, ?, ?)", rows)

    assert cursor.rowcount == 50
    counted = asked(cursor, "SELECT count(*), count(output), count(DISTINCT _xact_id) FROM project_logs.many")
    assert counted == [(50, 25, 1)]


def test_plain_flight_takes_texts_and_paths(door, client):
    by_text = info_of(client, door, f"SELECT id FROM {DEMO} ORDER BY id LIMIT 1".encode())
    by_path = client.get_flight_info(flight.FlightDescriptor.for_path("project_logs", "demo"), door.options())
    by_ticket = client.do_get(flight.Ticket(b"SELECT 1 AS one"), door.options())

    assert client.do_get(by_text.endpoints[0].ticket, door.options()).read_all().to_pylist() == [{"id": "r000"}]
    assert client.do_get(by_path.endpoints[0].ticket, door.options()).read_all().num_rows == 500
    assert by_ticket.read_all().to_pylist() == [{"one": 1}]
    listed = [each.descriptor.path for each in client.list_flights(options=door.options())]
    assert [b"project_logs", b"demo"] in listed


def test_a_path_names_a_table_to_the_letter(door, client, cursor):
    cursor.execute(r'INSERT INTO project_logs."C:\\new ""one""" (id) VALUES (?)', ["a"])
    descriptor = flight.FlightDescriptor.for_path("project_logs", r'C:\new "one"')
    ticket = client.get_flight_info(descriptor, door.options()).endpoints[0].ticket

    assert client.do_get(ticket, door.options()).read_all()["id"].to_pylist() == ["a"]


def test_a_ticket_can_be_used_again_and_by_others(door, client):
    info = info_of(client, door, f"SELECT id FROM {DEMO} WHERE id = 'r001'".encode())
    other = door.party.key("guest@example.com").text
    options = [door.options(), door.options(other), door.options()]
    tables = [client.do_get(info.endpoints[0].ticket, each).read_all() for each in options]

    assert [table.to_pylist() for table in tables] == [[{"id": "r001"}]] * 3


def test_a_ticket_whose_rows_have_other_types_by_now_is_refused(door, client, cursor):
    cursor.execute("INSERT INTO project_logs.changing (id, metadata.v) VALUES ('a', 1)")
    info = info_of(client, door, b"SELECT metadata.v FROM project_logs.changing")
    first = client.do_get(info.endpoints[0].ticket, door.options())
    cursor.execute("INSERT INTO project_logs.changing (id, metadata.v) VALUES ('b', 'text')")

    assert first.read_all().to_pylist() == [{"v": 1}]
    with pytest.raises(pa.ArrowInvalid, match="ask for the flight info again"):
        client.do_get(info.endpoints[0].ticket, door.options()).read_all()


def test_a_ticket_of_a_statement_that_writes_does_not_write_again(door, client, cursor):
    info = info_of(client, door, b"INSERT INTO project_logs.once (input) VALUES (1)")
    counts = [client.do_get(info.endpoints[0].ticket, door.options()).read_all().to_pylist() for _ in range(2)]

    assert counts == [[{"count": 1}]] * 2
    assert info.total_records == 1
    assert asked(cursor, "SELECT count(*) AS n FROM project_logs.once") == [(1,)]


def test_partitions_are_read_by_other_connections(door, cursor):
    partitions, schema = cursor.adbc_execute_partitions(f"SELECT id FROM {DEMO}")
    with door.adbc() as connection, connection.cursor() as other:
        other.adbc_read_partition(partitions[0])

        assert other.fetch_arrow_table().num_rows == 500
    assert schema == pa.schema({"id": pa.string()})


@pytest.mark.parametrize(
    ("text", "kind", "code", "state", "place"),
    [
        ("SELECT nope(id) FROM demo", "INVALID_ARGUMENT", "B0201", "42883", 8),
        ("SELECT id FROM project_logs.nowhere", "INVALID_ARGUMENT", "B0402", "42P01", 16),
        ("select: id | form: demo", "INVALID_ARGUMENT", "B0103", "42601", 14),
        ("SELECT ? AS a", "INVALID_ARGUMENT", "B0115", "42P02", 8),
        (" ", "INVALID_ARGUMENT", None, None, None),
        ("SELECT ☂ FROM demo WHERE nope(1)", "INVALID_ARGUMENT", None, None, None),
        ("CREATE TABLE t (a int)", "INVALID_ARGUMENT", None, None, None),
    ],
)
def test_errors_have_a_kind_a_code_a_place_and_a_way_out(door, text, kind, code, state, place):
    with door.adbc() as connection, connection.cursor() as cursor, pytest.raises(flightsql.Error) as raised:
        asked(cursor, text)
    message = str(raised.value)
    details = {bytes(name).decode() if isinstance(name, bytes) else name: each for name, each in raised.value.details}

    assert message.startswith(f"{kind}: ")
    assert "Traceback" not in message
    assert not any(b"Traceback" in each for each in details.values())
    assert (code or "B0") in message
    if code is not None:
        assert details["x-btql-code"] == code.encode()
        assert details["x-btql-sqlstate"] == state.encode()
        assert details["x-btql-position"] == str(place).encode()
        assert f"SQLSTATE {state}, position {place}" in message


def test_errors_of_schemas_have_no_traceback(door, client):
    with pytest.raises(pa.ArrowInvalid, match="B0201") as raised:
        client.get_schema(flight.FlightDescriptor.for_command(b"SELECT nope(1)"), door.options())

    assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize(
    ("header", "value", "message"),
    [
        ("x-btql-timeout", "soon", "is a number"),
        ("x-btql-timeout", "-1", "above 0"),
        ("x-btql-tz-offset", "nan", "is a number"),
        ("x-btql-version", "x", "no version"),
    ],
)
def test_headers_that_mean_nothing_are_refused(door, client, header, value, message):
    with pytest.raises(pa.ArrowInvalid, match=message):
        info_of(client, door, b"SELECT 1", headers={header: value})


def test_headers_say_what_http_takes_beside_a_text(door):
    offset = {f"{StatementOptions.RPC_CALL_HEADER_PREFIX.value}x-btql-tz-offset": "480"}
    text = f"SELECT min(day(created)) AS d FROM {DEMO}"
    with door.adbc() as connection:
        days = []
        for options in (None, offset):
            with connection.cursor(adbc_stmt_kwargs=options) as cursor:
                days += asked(cursor, text)

    assert days[0] != days[1]


def test_what_has_no_meaning_here_is_refused(door, client):
    call = door.options()
    transaction = envelopes.wrap(messages.CommandStatementQuery("select 1", b"t"))
    refused = [
        lambda: list(client.do_action(("BeginTransaction", b""), call)),
        lambda: list(client.do_action(("Nonsense", b""), call)),
        lambda: info_of(client, door, transaction),
        lambda: info_of(
            client, door, envelopes.wrap_as("CommandStatementSubstraitPlan", messages.CommandGetCatalogs())
        ),
    ]
    for each in refused:
        with pytest.raises(NotImplementedError):
            each()


def test_a_prepared_statement_belongs_to_whoever_prepared_it(door, client):
    request = envelopes.wrap(messages.ActionCreatePreparedStatementRequest("SELECT 1 AS one"))
    (result,) = client.do_action(("CreatePreparedStatement", request), door.options())
    made = envelopes.unwrap(result.body.to_pybytes())
    assert made is not None
    handle = decode(messages.ActionCreatePreparedStatementResult, made[1]).prepared_statement_handle
    command = envelopes.wrap(messages.CommandPreparedStatementQuery(handle))
    other = door.party.key("other@example.com").text

    assert info_of(client, door, command).schema.names == ["one"]
    with pytest.raises(KeyError, match="no such prepared statement"):
        info_of(client, door, command, key=other)
    closing = envelopes.wrap(messages.ActionClosePreparedStatementRequest(handle))
    list(client.do_action(("ClosePreparedStatement", closing), door.options(other)))
    assert info_of(client, door, command).schema.names == ["one"]
    list(client.do_action(("ClosePreparedStatement", closing), door.options()))
    with pytest.raises(KeyError, match="prepare it again"):
        info_of(client, door, command)
    assert encode(messages.ActionClosePreparedStatementRequest(handle))


def test_what_statements_write_has_the_types_on_record(cursor):
    logs = "project_logs.typed"
    with pytest.raises(flightsql.Error, match=r"from 0 to 1, got 500 at `row\[2\]\.scores\.s`"):
        cursor.execute(f"INSERT INTO {logs} (id, scores.s) VALUES ('a', 1), ('b', 500)")
    with pytest.raises(flightsql.Error, match=r"from 0 to 1, got 3 at `row\[2\]\.scores\.s`"):
        cursor.executemany(f"INSERT INTO {logs} (id, scores.s) VALUES (?, ?)", [("a", 1), ("b", 3)])
    cursor.executemany(f"INSERT INTO {logs} (id, scores.s) VALUES (?, ?)", [("a", 1), ("b", 0)])
    with pytest.raises(flightsql.Error, match=r"expected a number, got a text at `row\.a\.metrics\.m`"):
        cursor.execute(f"UPDATE {logs} SET metrics.m = 'x' WHERE id = 'a'")
    assert asked(cursor, f"SELECT id, scores.s AS s, metrics.m AS m FROM {logs} ORDER BY id") == [
        ("a", 1, None),
        ("b", 0, None),
    ]
