"""Rows that are uploaded: as events, in all modes, checked as those of HTTP are."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from decimal import Decimal

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pytest
from pyarrow import flight

from btql_server.access.model import Level
from btql_server.flight import envelopes, ingesting, messages

ROWS = pa.table({"id": ["a", "b"], "input": ["x", "y"], "metrics.tokens": [1, 2]})


def asked(cursor, text):
    cursor.execute(text)
    return cursor.fetchall()


def test_modes_do_what_they_say(cursor):
    def store(mode, table=ROWS):
        count = cursor.adbc_ingest("modes", table, mode=mode, db_schema_name="dataset")
        return count, asked(cursor, "SELECT id FROM dataset.modes ORDER BY id")

    with pytest.raises(flightsql.ProgrammingError, match="there is no table"):
        store("append")
    assert store("create") == (2, [("a",), ("b",)])
    with pytest.raises(flightsql.ProgrammingError, match="is a table"):
        store("create")
    assert store("append", pa.table({"id": ["c", "d", "e"]})) == (3, [("a",), ("b",), ("c",), ("d",), ("e",)])
    assert store("create_append", pa.table({"id": ["e", "f"]}))[1][-2:] == [("e",), ("f",)]
    assert store("replace", pa.table({"id": ["f", "g"]})) == (2, [("f",), ("g",)])


def test_every_type_has_its_json(cursor):
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678_901, dt.UTC)
    columns = {
        "id": pa.array(["a"]),
        "created": pa.array([moment], pa.timestamp("ns", "Europe/Berlin")),
        "tags": pa.array([["x", "y"]]),
        "metadata.naive": pa.array([moment.replace(tzinfo=None)], pa.timestamp("ms")),
        "metadata.day": pa.array([moment.date()]),
        "metadata.decimals": pa.array([Decimal("2.50")]),
        "metadata.whole": pa.array([Decimal("3.00")]),
        "metadata.large": pa.array([2**64 - 1], pa.uint64()),
        "metadata.flag": pa.array([True]),
        "metadata.word": pa.array(["w"]).dictionary_encode(),
        "metadata.view": pa.array(["v"], pa.string_view()),
        "metadata.category": pa.array(["c"], pa.string_view()).dictionary_encode(),
        "metadata.null": pa.array([None], pa.string()),
        "metrics.not_a_number": pa.array([float("nan")]),
        "input": pa.array([{"a": [1, None], "b": {"c": "☂"}}]),
        "output": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        "expected": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"big": 123456789012345678901234567890}'])),
        "_xact_id": pa.array(["1"]),
    }
    cursor.adbc_ingest("types", pa.table(columns), mode="create", db_schema_name="project_logs")
    cursor.execute("SELECT created, tags, metadata, metrics, input, output, expected FROM project_logs.types")
    (row,) = cursor.fetch_arrow_table().to_pylist()

    assert row["created"] == moment
    assert row["tags"] == ["x", "y"]
    assert row["metadata"] == (
        '{"naive":"2026-01-02T03:04:05.678000Z","day":"2026-01-02","decimals":2.5,"whole":3,'
        '"large":18446744073709551615,"flag":true,"word":"w","view":"v","category":"c"}'
    )
    assert row["metrics"] == '{"not_a_number":"NaN"}'
    assert row["input"] == '{"a":[1,null],"b":{"c":"☂"}}'
    assert row["output"] == '{"k":1}'
    assert row["expected"] == '{"big": 123456789012345678901234567890}'


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        (
            pa.StructArray.from_arrays(
                [pa.array([dt.date(2026, 1, 2)]), pa.array(["c"], pa.string_view()).dictionary_encode()], ["d", "c"]
            ),
            '{"d":"2026-01-02","c":"c"}',
        ),
        (pa.array([[1.5, float("nan"), None]]), '[1.5,"NaN",null]'),
        (pa.array([{"a": float("inf")}]), '{"a":"Infinity"}'),
        (pa.array([[("k", [float("-inf")])]], pa.map_(pa.string(), pa.list_(pa.float32(), 1))), '{"k":["-Infinity"]}'),
        (pa.array([float("nan")]).dictionary_encode(), "NaN"),
        (pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array([float("nan")])), "NaN"),
        (pa.array([[1_234_567_891]], pa.list_(pa.timestamp("ns"))), '["1970-01-01T00:00:01.234567Z"]'),
        (pa.array([{"t": 0}], pa.struct([("t", pa.timestamp("s", "Asia/Tokyo"))])), '{"t":"1970-01-01T00:00:00Z"}'),
        (pa.array([1_234_567_891], pa.time64("ns")), "00:00:01.234567"),
    ],
)
def test_values_in_others_have_the_json_that_they_have_by_themselves(cursor, values, stored):
    name = f"deep {values.type}"
    cursor.adbc_ingest(name, pa.table({"id": ["a"], "input": values}), mode="create", db_schema_name="project_logs")
    assert asked(cursor, f'SELECT input FROM project_logs."{name}"') == [(stored,)]


def test_half_of_an_emoji_in_json_is_the_character_for_none(cursor):
    texts = pa.array([r'{"\ud83d": "\ude00"}', r'["\ud83d\ude00", 123456789012345678901234567890]'])
    columns = {"id": ["a", "b"], "input": pa.ExtensionArray.from_storage(pa.json_(), texts)}
    cursor.adbc_ingest("halves", pa.table(columns), mode="create", db_schema_name="project_logs")

    found = asked(cursor, "SELECT input FROM project_logs.halves ORDER BY id")
    assert found == [(r'{"\ufffd": "\ufffd"}',), (r'["\ud83d\ude00", 123456789012345678901234567890]',)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"scores.a": [0.5, 7.0]}, r"from 0 to 1, got 7.0 at `row\[1\].scores.a`"),
        ({"id": [1, 2]}, "`id`"),
        ({"input": [b"x", b"y"]}, "`input` has the type binary"),
        ({"input": [[{"deep": b"x"}], None]}, "has no JSON"),
        ({"input": pa.array([1, 2], pa.duration("s"))}, "has no JSON"),
        ({"a..b": ["x", "y"]}, "is no path"),
        ({"metadata": ["x", "y"], "metadata.a": [1, 2]}, "and so is something in it"),
        ({"tags": ["x", "y"]}, "tags"),
        ({"metadata": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", "{"]))}, "no JSON: `{`"),
        ({"created": pa.array([2**62, 0], pa.timestamp("us"))}, "years go from 1 to 9999"),
    ],
)
def test_a_row_that_is_wrong_is_named_and_nothing_is_stored(cursor, columns, message):
    with pytest.raises(flightsql.ProgrammingError, match=message):
        cursor.adbc_ingest("wrong", pa.table(columns), mode="create", db_schema_name="project_logs")
    with pytest.raises(flightsql.ProgrammingError, match="B0402"):
        asked(cursor, "SELECT id FROM project_logs.wrong")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"db_schema_name": "nowhere"}, "is no schema"),
        ({"catalog_name": "other"}, "one catalog only"),
        ({"temporary": True}, "no temporary tables"),
    ],
)
def test_a_place_that_there_is_not_is_refused(cursor, options, message):
    with pytest.raises(flightsql.Error, match=message):
        cursor.adbc_ingest("place", ROWS, mode="create", **options)


def test_a_long_upload_is_several_transactions_and_tells_how_far_it_came(cursor, monkeypatch):
    monkeypatch.setattr(ingesting, "EVENTS_MAX", 10)
    rows = pa.table({"id": [f"r{n:02}" for n in range(25)], "scores.a": [0.5] * 22 + [9.0] * 3})
    with pytest.raises(flightsql.ProgrammingError, match="20 rows before are stored"):
        cursor.adbc_ingest("long", rows, mode="create", db_schema_name="project_logs")
    assert asked(cursor, "SELECT count(*), count(DISTINCT _xact_id) FROM project_logs.long") == [(20, 2)]

    cursor.adbc_ingest("long", rows.slice(0, 12), mode="replace", db_schema_name="project_logs")
    assert asked(cursor, "SELECT count(*) AS n FROM project_logs.long") == [(12,)]


def test_an_upload_that_breaks_off_is_not_taken_for_whole(door, client, cursor):
    options = messages.TableDefinitionOptions(1, 2)
    command = envelopes.wrap(messages.CommandStatementIngest(options, "broken", "project_logs"))
    short = flight.FlightCallOptions(timeout=1.0, headers=[(b"authorization", f"Bearer {door.key}".encode())])
    writer, answers = client.do_put(flight.FlightDescriptor.for_command(command), ROWS.schema, short)
    writer.write_table(ROWS)
    # Waits for the server, which waits for the end of the rows.
    with suppress(pa.ArrowException):
        answers.read()
    with suppress(pa.ArrowException):
        writer.close()

    with pytest.raises(flightsql.ProgrammingError, match="B0402"):
        asked(cursor, "SELECT id FROM project_logs.broken")


def test_plain_flight_appends_to_a_path(door, client, cursor):
    for _ in range(2):
        writer, _answers = client.do_put(
            flight.FlightDescriptor.for_path("project_logs", "by path"), ROWS.schema, door.options()
        )
        writer.write_table(ROWS)
        writer.close()

    assert asked(cursor, 'SELECT id FROM project_logs."by path" ORDER BY id') == [("a",), ("b",)]


def test_whoever_may_not_write_writes_nothing_and_is_noted(door):
    reader = door.party.key("reader@example.com", Level.READ).text
    with door.adbc(reader) as connection, connection.cursor() as cursor:
        for statement in (
            lambda: cursor.adbc_ingest("demo", ROWS, mode="append", db_schema_name="project_logs"),
            lambda: cursor.adbc_ingest("new", ROWS, mode="create", db_schema_name="project_logs"),
            lambda: cursor.execute("DELETE FROM demo"),
            lambda: cursor.executemany("DELETE FROM demo WHERE id = ?", [("r001",), ("r002",)]),
        ):
            with pytest.raises(flightsql.ProgrammingError, match="Missing write access"):
                statement()
    rows = audited(door, "action = 'refused' AND actor.email = 'reader@example.com'")

    assert len(rows) >= 3


def test_what_was_written_is_in_the_audit_log(door):
    with door.adbc() as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("noted", ROWS, mode="create", db_schema_name="dataset")
    (row,) = audited(door, "object_id = 'noted'")

    assert (row["email"], row["route"]) == ("ann@example.com", "flight CommandStatementIngest")


def audited(door, condition):
    """Return rows of the audit log."""
    admin = door.party.join("boss@example.com", Level.ADMIN)
    org_id = admin.get("/v1/organization").json()["objects"][0]["id"]
    query = f"SELECT object_id, actor.email, route FROM audit_log('{org_id}') WHERE {condition}"
    return admin.post("/btql", json={"query": query}).json()["data"]
