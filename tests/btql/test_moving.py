"""What is exported comes back: every field as it was spelled, in the same order, from parts and from the tail."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import btql
from btql.errors import ProgrammingError, StorageError
from btql.moving.documents import Documents, NoDocuments
from btql.moving.files import read_arrow, read_parquet, write
from btql.moving.formats import Format
from btql.moving.lines import EXPORT_SCHEMA

ROWS = [
    b'{"id":"a","input":{"x": 1.50,  "big":123456789012345678901234567890,\n"e":1e999},"tags":["t","\xc3\xbc\\n"]}',
    b'{"id":"b","span_id":"s","root_span_id":"a","span_parents":["a"],"created":"2024-01-02T03:04:05.123456Z"}',
    b'{"id":"c \\" \\\\ \\u0001","created":"2023-01-01T00:00:00Z","metadata":{"model":"m","n":{}},"scores":{"s":0.5}}',
    b'{"id":"d","odd":[1,{"\\u00e4":2}],"_other":5,"z":{},"":"","tags":[],"span_parents":[]}',
    b'{"id":"e","error":false,"output":"x\\ty","metrics":{"start":1700000000.25},"origin":{"id":"a"}}',
    # Not a comment, as the two came one after the other.
    b'{"id":"e","_is_merge":true,"comment":"a field"}',
    b'{"id":"f"}',
    b'{"id":"f","_object_delete":true}',
    b'{"id":"k","comment":{"text":"well"},"origin":{"id":"a"},"_audit_source":"app","user":{"id":"u"}}',
]
OURS = {"_xact_id", "_pagination_key"}


def exported(conn: btql.Connection, target: str, form: Format, version: int | None = None) -> bytes:
    stream = io.BytesIO()
    with conn.export(target, version) as export:
        write(export, form, stream, seekable=False)
    return stream.getvalue()


def documents(form: Format, data: bytes) -> Iterator[bytes]:
    if form is Format.PARQUET:
        return read_parquet(io.BytesIO(data))
    return read_arrow(io.BytesIO(data)) if form is Format.ARROW else iter(data.splitlines())


def lines(conn: btql.Connection, target: str) -> list[dict[str, str]]:
    """Return the exported rows with the texts of their fields, but for what the database itself gives a row."""
    import msgspec

    split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    rows = [split(line) for line in exported(conn, target, Format.NDJSON).splitlines()]
    return [{key: bytes(text).decode() for key, text in row.items() if key not in OURS} for row in rows]


@pytest.fixture(params=["tail", "parts"])
def conn(tmp_path, request) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path / "db") as connection:
        for row in ROWS:
            connection.ingest("project_logs:x", [row])
        if request.param == "parts":
            connection.compact()
        yield connection


@pytest.mark.parametrize("form", list(Format))
def test_a_round_trip_is_exact(conn, form):
    data = exported(conn, "project_logs:x", form)
    conn.import_rows("project_logs:copy", list(documents(form, data)))

    rows = lines(conn, "project_logs:x")
    assert [json.loads(row["id"]) for row in rows] == ["a", "b", 'c " \\ \x01', "d", "e"]
    assert lines(conn, "project_logs:copy") == rows


def test_what_a_row_has(conn):
    first, second, _, fourth, fifth = lines(conn, "project_logs:x")

    assert first["input"] == '{"x": 1.50,  "big":123456789012345678901234567890, "e":1e999}'
    assert json.loads(first["comments"])[0]["comment"] == {"text": "well"}
    assert json.loads(first["audit_data"])[0]["source"] == "app"
    assert second == {
        "id": '"b"',
        "span_id": '"s"',
        "root_span_id": '"a"',
        "created": '"2024-01-02T03:04:05.123456Z"',
        "span_parents": '["a"]',
    }
    assert (fourth["_other"], fourth["z"], fourth[""], fourth["tags"]) == ("5", "{}", '""', "[]")
    assert (fifth["comment"], fifth["origin"], fifth["error"]) == ('"a field"', '{"id":"a"}', "false")


def test_rows_come_in_the_order_in_which_they_were_written(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        for number in range(0, 60, 3):
            # Times run backwards, so that parts have another order.
            rows = [{"id": f"{n}", "created": f"2024-01-01T00:00:{59 - n:02}Z"} for n in range(number, number + 3)]
            conn.ingest("project_logs:x", rows)
            if number % 4 == 0:
                conn.compact()
        conn.ingest("project_logs:x", [{"id": "7", "input": "changed"}])
        ids = [json.loads(row["id"]) for row in lines(conn, "project_logs:x")]
        listed = [row["id"] for row in conn.query("select: id | from: project_logs('x')")]

    assert ids == [str(number) for number in range(60)]
    assert ids == listed[::-1]


def test_versions_of_a_dataset(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        before = conn.ingest("dataset:d", [{"id": "a", "input": 1}, {"id": "b"}]).xact_id
        conn.ingest("dataset:d", [{"id": "a", "input": 2}, {"id": "b", "_object_delete": True}, {"id": "c"}])
        conn.compact()
        then = [json.loads(line) for line in exported(conn, "dataset:d", Format.NDJSON, before).splitlines()]
        now = [json.loads(line) for line in exported(conn, "dataset:d", Format.NDJSON).splitlines()]

    assert [(row["id"], row.get("input")) for row in then] == [("a", 1), ("b", None)]
    assert [(row["id"], row.get("input")) for row in now] == [("a", 2), ("c", None)]


@pytest.mark.parametrize("version", ["abc", "", 1.5, 10**30])
def test_what_is_no_version_is_told(tmp_path, version):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("dataset:d", [{"id": "a"}])
        with pytest.raises(btql.QueryError, match="it takes a transaction number"):
            conn.export("dataset:d", version)


def test_logs_have_no_versions_to_export(conn):
    # What was not compacted yet would seem to have been nothing.
    with pytest.raises(btql.NotSupportedError, match="project_logs has no versions"):
        conn.export("project_logs:x", 5)


def test_files_are_those_of_other_tools_too(conn):
    table = pq.read_table(io.BytesIO(exported(conn, "project_logs:x", Format.PARQUET)))

    assert table.schema.equals(EXPORT_SCHEMA)
    assert table.column("metadata")[2].as_py() == '{"model":"m","n":{}}'
    assert table.column("tags").to_pylist()[0] == ["t", "ü\n"]


def test_an_empty_object(conn):
    conn.ingest("project_logs:none", [{"id": "a"}])
    conn.ingest("project_logs:none", [{"id": "a", "_object_delete": True}])
    for form in Format:
        assert list(documents(form, exported(conn, "project_logs:none", form))) == []


def test_windows_of_a_few_bytes(conn, monkeypatch):
    rows = lines(conn, "project_logs:x")
    monkeypatch.setattr("btql_storage.ordered._BYTES_AIM", 10)
    monkeypatch.setattr("btql_storage.ordered.ROWS_MAX", 3)
    monkeypatch.setattr("btql.moving.files.GROUP_BYTES", 500)
    monkeypatch.setattr("btql.moving.files._PIECE_BYTES", 100)

    assert lines(conn, "project_logs:x") == rows
    for form in (Format.PARQUET, Format.ARROW):
        conn.import_rows("project_logs:few", list(documents(form, exported(conn, "project_logs:x", form))))
        assert lines(conn, "project_logs:few") == rows


def test_rows_of_another_table_become_documents():
    schema = pa.schema({"id": pa.utf8(), "metadata.model": pa.dictionary(pa.int8(), pa.utf8()), "n": pa.int64()})
    table = pa.table(
        [pa.array(["a", "b"]), pa.array(["m", None]).dictionary_encode(), pa.array([None, 2])], schema.names
    )
    stream = io.BytesIO()
    pq.write_table(table, stream)

    assert [json.loads(row) for row in read_parquet(stream)] == [
        {"id": "a", "metadata": {"model": "m"}},
        {"id": "b", "n": 2},
    ]


def test_json_of_another_table_is_copied():
    column = pa.array(["1e999", None, '{"b" : 1}'], pa.json_(pa.utf8()))
    big = pa.array([None, None, pa.scalar(10**30, pa.decimal128(31)).as_py()], pa.decimal128(31))
    batch = pa.record_batch([column, big], ["input", "n"])
    rows = list(Documents(batch.schema).of(batch))

    assert rows[:2] == [b'{"input":1e999}', b"{}"]
    assert json.loads(rows[2]) == {"input": {"b": 1}, "n": 10**30}
    bad = pa.record_batch([pa.array(["{"], pa.json_(pa.utf8()))], ["input"])
    with pytest.raises(NoDocuments, match=r"`input` holds text that is no JSON: `\{`"):
        list(Documents(bad.schema).of(bad))


def test_what_cannot_be_exported(conn):
    with pytest.raises(StorageError, match="no object"):
        conn.export("project_logs:unknown")
    with pytest.raises(ProgrammingError, match="write kind and name"):
        conn.export("x")
