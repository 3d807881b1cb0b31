"""Values on the wire: what PostgreSQL 15 prints and sends for them, and what its client makes of ours."""

# ruff: noqa: DTZ001  some types have no zone

from __future__ import annotations

import math
import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format
from server_support.postgres_values import GOLDEN

from btql_planner.engine_plan import OutputColumn
from btql_planner.types import Kind
from btql_server.pgwire.bad_value import BadValue
from btql_server.pgwire.binary_values import binary_values
from btql_server.pgwire.decoder import converter
from btql_server.pgwire.encoder import RowEncoder
from btql_server.pgwire.text_values import text_values
from btql_server.pgwire.types import NAMED, PgType, column_type, pg_type

ARROW: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float8": pa.float64(),
    "float4": pa.float32(),
    "text": pa.string(),
    "timestamptz": pa.timestamp("us", "UTC"),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "interval": pa.month_day_nano_interval(),
    "numeric": pa.string(),
    "bytea": pa.binary(),
    "uuid": pa.uuid(),
    "jsonb": pa.json_(pa.string()),
}


def arrow_of(name: str) -> pa.DataType:
    return pa.list_(arrow_of(name[1:])) if name.startswith("_") else ARROW[name]


def array_of(name: str, values: list[object]) -> pa.Array:
    if name in ("float8", "float4"):
        values = [float(each) if isinstance(each, str) else each for each in values]
    if name == "_float8":
        lists = cast("list[list[object] | None]", values)
        values = [each and [float(x) if isinstance(x, str) else x for x in each] for each in lists]
    if name == "interval":
        values = [
            None if each is None else pa.MonthDayNano(each)
            for each in cast("list[tuple[int, int, int] | None]", values)
        ]
    if name == "_jsonb":
        return pa.array(values, pa.list_(pa.string())).cast(arrow_of(name))
    return pa.array(values, arrow_of(name))


@pytest.mark.parametrize("name", GOLDEN)
def test_values_are_as_postgres_has_them(name: str) -> None:
    values, texts, binaries = (list(each) for each in zip(*GOLDEN[name], strict=True))
    type_ = NAMED[name]
    whole = array_of(name, values)
    assert text_values(whole, type_).array().to_pylist() == [each.encode() for each in texts]
    assert binary_values(whole, type_).array().to_pylist() == [bytes.fromhex(each) for each in binaries]
    # With nulls between them, and as a part of a longer array.
    gaps = array_of(name, [None, *(each for value in values for each in (value, None))]).slice(1)
    assert text_values(gaps, type_).array().to_pylist()[::2] == [each.encode() for each in texts]
    assert text_values(gaps, type_).array().to_pylist()[1::2] == [None] * len(texts)
    assert binary_values(gaps, type_).array().to_pylist()[::2] == [bytes.fromhex(each) for each in binaries]
    assert text_values(gaps.slice(0, 0), type_).array().to_pylist() == []


@pytest.mark.parametrize("name", [each for each in GOLDEN if each not in ("timestamptz", "timestamp", "date")])
def test_what_clients_send_is_read_in_both_forms(name: str) -> None:
    type_ = NAMED[name]
    for value, text, binary in GOLDEN[name]:
        from_text = converter(type_.oid, 0)(text.encode())
        from_binary = converter(type_.oid, 1)(bytes.fromhex(binary))
        if name == "float4":
            assert struct.pack("!f", from_text) == struct.pack("!f", from_binary)  # type: ignore[arg-type]
            continue
        assert repr(from_text) == repr(from_binary)
        if name in ("bool", "int2", "int4", "int8", "text", "_text", "_int8", "_bool"):
            assert from_text == value
        elif name == "float8":
            assert repr(from_text) == repr(float(value))  # type: ignore[arg-type]
        elif name == "numeric":
            assert str(from_text) == str(Decimal(str(value))) or from_text == Decimal(str(value))
        elif name == "uuid":
            assert isinstance(from_text, UUID)
            assert from_text.bytes == value


def test_times_are_read_in_both_forms() -> None:
    for name, read in (("timestamptz", datetime.fromisoformat), ("timestamp", datetime.fromisoformat)):
        type_ = NAMED[name]
        for _, text, binary in GOLDEN[name]:
            if text.endswith("BC") or text.startswith("10000"):
                for form, data in ((0, text.encode()), (1, bytes.fromhex(binary))):
                    with pytest.raises(BadValue, match="out of range") as caught:
                        converter(type_.oid, form)(data)
                    assert caught.value.sqlstate == "22008"
                continue
            assert converter(type_.oid, 0)(text.encode()) == read(text)
            aware = converter(type_.oid, 1)(bytes.fromhex(binary))
            assert aware == read(text).replace(tzinfo=UTC)
    for _, text, binary in GOLDEN["date"]:
        if not text.endswith("BC") and len(text) == 10:
            assert converter(1082, 0)(text.encode()) == date.fromisoformat(text)
            assert converter(1082, 1)(bytes.fromhex(binary)) == date.fromisoformat(text)


READ = [
    ("int8", " 42 ", 42),
    ("bool", "YES", True),
    ("bool", "off", False),
    ("float8", "-inf", -math.inf),
    ("numeric", "1e3", Decimal(1000)),
    ("timestamptz", "2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
    ("timestamptz", "2024-02-29 12:00:00.5+05:30", datetime(2024, 2, 29, 6, 30, 0, 500_000, tzinfo=UTC)),
    ("timestamptz", "2024-02-29 24:00", datetime(2024, 3, 1)),
    ("timestamp", "2024-02-29 12:00:00+05", datetime(2024, 2, 29, 12)),
    ("date", "2024-02-29 12:00:00", date(2024, 2, 29)),
    ("time", "04:05:06.789", "04:05:06.789"),
    ("interval", "1 day 02:03:04.5", timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=500_000)),
    ("interval", "P1DT2H", timedelta(days=1, hours=2)),
    ("interval", "@ 90 minutes ago", timedelta(minutes=-90)),
    ("json", '{"a": [1, null]}', {"a": [1, None]}),
    ("jsonb", "12345678901234567890123", 12345678901234567890123),
    ("bytea", "\\\\\\001a", "\\x5c0161"),
    ("_text", '{a,"b,\\"c",NULL,"NULL", d }', ["a", 'b,"c', None, "NULL", "d"]),
    ("_int4", "[0:1]={{1,2},{3,NULL}}", [[1, 2], [3, None]]),
    ("_text", "{}", []),
    ("int2vector", "1 2", [1, 2]),
    ("unknown", "x", "x"),
]


@pytest.mark.parametrize(("name", "text", "value"), READ)
def test_texts_of_parameters_are_read_as_postgres_does(name: str, text: str, value: object) -> None:
    assert converter(NAMED[name].oid, 0)(text.encode()) == value


WRONG = [
    ("int8", b"4.5", "22P02", 'invalid input syntax for type bigint: "4.5"'),
    ("int8", b"1_000", "22P02", 'invalid input syntax for type bigint: "1_000"'),
    ("int4", b"2147483648", "22003", 'value "2147483648" is out of range for type integer'),
    ("bool", b"maybe", "22P02", 'invalid input syntax for type boolean: "maybe"'),
    ("float8", b"1e999", "22003", 'value "1e999" is out of range for type double precision'),
    ("timestamptz", b"yesterday", "22007", 'invalid input syntax for type timestamp: "yesterday"'),
    ("timestamptz", b"2024-02-30", "22008", 'date/time field value out of range: "2024-02-30"'),
    ("timestamptz", b"infinity", "22008", 'value "infinity" is out of range for type timestamp with time zone'),
    ("uuid", b"a0ee", "22P02", 'invalid input syntax for type uuid: "a0ee"'),
    ("jsonb", b'{"a":', "22P02", 'invalid input syntax for type json: "{"a":"'),
    ("interval", b"1 fortnight", "22P02", 'invalid input syntax for type interval: "1 fortnight"'),
    ("_int4", b"{1,x}", "22P02", 'invalid input syntax for type integer: "x"'),
    ("_int4", b"{1,{2}}", "22P02", 'malformed array literal: "{1,{2}}"'),
    ("_int4", b"{1", "22P02", 'malformed array literal: "{1"'),
    ("int2vector", b"1 x", "22P02", 'invalid input syntax for type smallint: "x"'),
    ("int2vector", b"1 40000", "22003", 'value "40000" is out of range for type smallint'),
    ("oidvector", b"1 -x", "22P02", 'invalid input syntax for type oid: "-x"'),
    ("text", b"a\xff", "22021", 'invalid byte sequence for encoding "UTF8": 0xff'),
    ("text", b"a\x00", "22021", 'invalid byte sequence for encoding "UTF8": 0x00'),
]


_MANY = 100_000
LONG = [
    ("float8", "1" * _MANY + "!"),
    ("numeric", "1" * _MANY + "!"),
    ("timestamptz", "2026-01-01" + " " * _MANY + "!"),
    ("timestamp", "2026-01-01 10:00" + " " * _MANY + "!"),
    ("time", "10:00" + " " * _MANY + "!"),
    ("interval", "P" + "1" * _MANY),
    ("_text", "{" + " " * _MANY + '"'),
]


@pytest.mark.parametrize(("name", "text"), LONG)
def test_long_texts_are_refused_at_once(name: str, text: str) -> None:
    """They were tried in more ways than there is time for, while nothing else of the process ran."""
    with pytest.raises(BadValue):
        converter(NAMED[name].oid, 0)(text.encode())


def test_spaces_around_a_time_are_no_part_of_it() -> None:
    text = b" " * 1_000 + b"2026-01-01 10:00+00" + b" " * 1_000
    assert converter(NAMED["timestamptz"].oid, 0)(text) == datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("west", "written"), [(0, "+00:00"), (-19_800, "+05:30"), (3_600, "-01:00"), (-1_172, "+00:19:32")]
)
def test_a_time_with_its_zone_in_binary_is_the_text_of_it(west: int, written: str) -> None:
    data = struct.pack("!qi", 3_723_000_004, west)
    assert converter(NAMED["timetz"].oid, 1)(data) == f"01:02:03.000004{written}"


@pytest.mark.parametrize(("name", "data", "sqlstate", "message"), WRONG)
def test_wrong_texts_are_refused_by_name(name: str, data: bytes, sqlstate: str, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        converter(NAMED[name].oid, 0)(data)
    assert (caught.value.sqlstate, str(caught.value)) == (sqlstate, message)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("int8", b"\0\0"),
        ("bool", b""),
        ("numeric", b"\0\x01"),
        ("numeric", b"\0\x01\0\0\0\0\0\0\xff\xff"),
        ("uuid", b"12"),
        ("jsonb", b""),
        ("jsonb", b"\x02{}"),
        ("time", b"\xff" * 8),
        ("timetz", b"\0" * 8),
        ("timetz", b"\xff" * 12),
        ("_int4", b"\0\0\0\x01\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\x01"),
        ("_int4", b"\0\0\0\x07\0\0\0\0\0\0\0\x17"),
        ("_int4", b"\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\x01\0\0\0\x01\0\0\0\x09\0"),
        ("_text", b"\0\0\0\x06\0\0\0\0\0\0\0\x19" + b"\x7f\xff\xff\xff\0\0\0\0" * 6),
    ],
)
def test_binary_that_is_none_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(BadValue) as caught:
        converter(NAMED[name].oid, 1)(data)
    assert caught.value.sqlstate == "22P03"


def rows_of(messages: bytes) -> list[list[bytes | None]]:
    """Return the fields of DataRow messages."""
    found: list[list[bytes | None]] = []
    place = 0
    while place < len(messages):
        assert messages[place : place + 1] == b"D"
        length, count = struct.unpack_from("!iH", messages, place + 1)
        end = place + 1 + length
        place += 7
        row: list[bytes | None] = []
        for _ in range(count):
            (size,) = struct.unpack_from("!i", messages, place)
            place += 4
            row.append(None if size < 0 else messages[place : place + size])
            place += max(size, 0)
        assert place == end
        found.append(row)
    return found


_INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
_COLUMNS: dict[str, st.SearchStrategy[object]] = {
    "bool": st.booleans(),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "float8": st.floats(allow_nan=False),
    "text": _TEXTS,
    "timestamptz": _INSTANTS,
    "timestamp": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
    "date": st.dates(),
    "bytea": st.binary(max_size=9),
    "_text": st.lists(st.none() | _TEXTS, max_size=4),
    "_int8": st.lists(st.none() | st.integers(-9, 9), max_size=4),
    "_float8": st.lists(st.none() | st.floats(allow_nan=False), max_size=4),
    "_timestamptz": st.lists(st.none() | _INSTANTS, max_size=3),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_psycopg_reads_what_was_written(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(_COLUMNS)), min_size=1, max_size=6))
    formats = [data.draw(st.sampled_from([0, 1])) for _ in names]
    rows = data.draw(st.lists(st.tuples(*(st.none() | _COLUMNS[name] for name in names)), max_size=12))
    columns = [pa.array([row[place] for row in rows], arrow_of(name)) for place, name in enumerate(names)]
    batch = pa.RecordBatch.from_arrays(columns, [str(place) for place in range(len(names))])
    types = [NAMED[name] for name in names]
    encoder = RowEncoder(batch.schema, types, formats)
    loaders = [_loader(type_, form) for type_, form in zip(types, formats, strict=True)]
    read = [
        tuple(None if field is None else load(field) for load, field in zip(loaders, row, strict=True))
        for row in rows_of(bytes(encoder.encode(batch)))
    ]
    assert read == [tuple(row) for row in rows]


def _loader(type_: PgType, form: int):
    transformer = Transformer(None)
    return transformer.get_loader(type_.oid, Format(form)).load


def test_every_arrow_type_has_a_form_in_text_and_in_binary() -> None:
    columns = {
        "null": pa.nulls(2),
        "small": pa.array([1, None], pa.int8()),
        "unsigned": pa.array([2**64 - 1, None], pa.uint64()),
        "half": pa.array([1.5, None], pa.float16()),
        "large": pa.array(["x", None], pa.large_string()),
        "view": pa.array(["x", None], pa.string_view()),
        "dictionary": pa.array(["x", None]).dictionary_encode(),
        "seconds": pa.array([1, None], pa.timestamp("s", "UTC")),
        "nanoseconds": pa.array([1_500, None], pa.timestamp("ns")),
        "milliseconds": pa.array([1_500, None], pa.time32("ms")),
        "duration": pa.array([90_061_500, None], pa.duration("ms")),
        "decimal": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
        "tiny": pa.array([Decimal("0.00000001"), None], pa.decimal128(10, 8)),
        "struct": pa.array([{"a": 1, "b": [True, None], "t": datetime(2024, 1, 1)}, None]),
        "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "lists": pa.array([[[1], []], None], pa.list_(pa.list_(pa.int64()))),
        "days": pa.array([0, None], pa.date64()),
        "bytes": pa.array([b"ab", None], pa.binary(2)),
    }
    batch = pa.record_batch(columns)
    types = [pg_type(each.type) for each in batch.schema]
    text, nulls = rows_of(bytes(RowEncoder(batch.schema, types, [0] * len(types)).encode(batch)))
    assert nulls == [None] * len(types)
    assert dict(zip(columns, text, strict=True)) == {
        "null": None,
        "small": b"1",
        "unsigned": b"18446744073709551615",
        "half": b"1.5",
        "large": b"x",
        "view": b"x",
        "dictionary": b"x",
        "seconds": b"1970-01-01 00:00:01+00",
        "nanoseconds": b"1970-01-01 00:00:00.000001",
        "milliseconds": b"00:00:01.5",
        "duration": b"1 day 01:01:01.5",
        "decimal": b"1.50",
        "tiny": b"0.00000001",
        "struct": b'{"a": 1, "b": [true, null], "t": "2024-01-01T00:00:00"}',
        "map": b'{"k": 1}',
        "lists": b"[[1], []]",
        "days": b"1970-01-01",
        "bytes": b"\\x6162",
    }
    binary, nulls = rows_of(bytes(RowEncoder(batch.schema, types, [1] * len(types)).encode(batch)))
    assert nulls == [None] * len(types)
    assert binary[1] == b"\0\x01"
    assert binary[-1] == b"ab"


def test_columns_have_the_types_of_their_kinds() -> None:
    def of(*kinds: Kind, **more: object) -> str:
        return column_type(OutputColumn("x", dict.fromkeys(kinds, "x"), **more)).name  # type: ignore[arg-type]

    assert [of(kind) for kind in Kind] == [pg_type(kind).name for kind in Kind]
    assert of() == "text"
    assert of(Kind.INTEGER, Kind.FLOAT) == "float8"
    assert of(Kind.INTEGER, Kind.BIG, wide=True) == "numeric"
    assert of(Kind.TEXT, Kind.JSON) == "jsonb"
    assert of(Kind.TEXT, preview=10) == "jsonb"


def test_values_fit_the_type_that_was_promised() -> None:
    def text(values: pa.Array, name: str) -> list[bytes | None]:
        return text_values(values, NAMED[name]).array().to_pylist()

    assert text(pa.array([1, None]), "float8") == [b"1", None]
    assert text(pa.array([1, None]), "text") == [b"1", None]
    assert text(pa.array([["a b"], None]), "text") == [b'{"a b"}', None]
    assert text(pa.array(["a", None]), "jsonb") == [b'"a"', None]
    assert text(pa.array([True, None]), "jsonb") == [b"true", None]
    assert text(pa.array([datetime(2024, 1, 1)]), "timestamptz") == [b"2024-01-01 00:00:00+00"]
    assert binary_values(pa.array(["1 mon 00:00:01"]), NAMED["interval"]).array().to_pylist() == [
        struct.pack("!qii", 1_000_000, 0, 1)
    ]
    exact = (0, 0, 9_007_199_254_740_993_000)
    assert text(pa.array([pa.MonthDayNano(exact)]), "interval") == [b"2501999:47:34.740993"]
    with pytest.raises(BadValue, match="int8 was promised, text came") as caught:
        text(pa.array(["a"]), "int8")
    assert caught.value.sqlstate == "0A000"
    with pytest.raises(BadValue, match="does not fit into 4 bytes"):
        binary_values(pa.array([2**40]), NAMED["int4"])


@pytest.mark.parametrize("form", [0, 1])
def test_few_rows_are_as_many_are(form: int, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {
        name: array_of(name, [GOLDEN[name][0][0], None, GOLDEN[name][1 % len(GOLDEN[name])][0]]) for name in GOLDEN
    }
    batch = pa.record_batch(columns)
    types = [NAMED[name] for name in columns]
    few = bytes(RowEncoder(batch.schema, types, [form] * len(types)).encode(batch))
    monkeypatch.setattr("btql_server.pgwire.encoder.FEW", 0)
    assert bytes(RowEncoder(batch.schema, types, [form] * len(types)).encode(batch)) == few


def test_large_batches_are_encoded_in_parts() -> None:
    batch = pa.record_batch({"n": pa.array(range(50_000)), "t": pa.array(["x" * 300] * 50_000)})
    types = [pg_type(each.type) for each in batch.schema]
    encoder = RowEncoder(batch.schema, types, [1, 0])
    parts = list(encoder.parts(batch))
    assert len(parts) > 1
    assert max(map(len, parts)) < 16 << 20
    rows = rows_of(bytes(encoder.encode(batch)))
    assert len(rows) == 50_000
    assert rows[49_999] == [struct.pack("!q", 49_999), b"x" * 300]
