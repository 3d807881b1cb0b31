"""COPY: what PostgreSQL 15 writes for the same rows, and what it reads and refuses."""

from __future__ import annotations

import struct
import time
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from btql_server.pgwire.bad_value import BadValue
from btql_server.pgwire.copy_in import CopyDecoder
from btql_server.pgwire.copy_options import CopyFormat, copy_options
from btql_server.pgwire.copy_out import CopyEncoder
from btql_server.pgwire.types import NAMED, pg_type

AT = datetime(2024, 2, 29, 12, 0, 0, 500_000, tzinfo=UTC)
ROWS: list[list[object]] = [
    ["x", 1, 1.5, AT, True, ["a", "b c"]],
    ["tab\tnew\nline\\", None, 1e300, None, False, None],
    ['"q",x', -7, 1e20, datetime(2024, 1, 1, tzinfo=UTC), None, []],
    ["", 0, 0.0, datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), True, [None]],
    [None, None, None, None, None, None],
    ["N|é", 5, float("inf"), None, None, None],
]
NAMES = ["a", "n", "f", "at", "ok", "l"]
ARROW = [pa.string(), pa.int64(), pa.float64(), pa.timestamp("us", "UTC"), pa.bool_(), pa.list_(pa.string())]
TYPES = [pg_type(each) for each in ARROW]
WRITTEN: list[tuple[CopyFormat, dict[str, object], str]] = [
    (
        "text",
        {},
        (
            'x\t1\t1.5\t2024-02-29 12:00:00.5+00\tt\t{a,"b c"}\n'
            "tab\\tnew\\nline\\\\\t\\N\t1e+300\t\\N\tf\t\\N\n"
            '"q",x\t-7\t1e+20\t2024-01-01 00:00:00+00\t\\N\t{}\n'
            "\t0\t0\t1999-12-31 23:59:59.999999+00\tt\t{NULL}\n"
            "\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n"
            "N|é\t5\tInfinity\t\\N\t\\N\t\\N\n"
        ),
    ),
    (
        "text",
        {"header": True, "delimiter": "|", "null": "N"},
        (
            'a|n|f|at|ok|l\nx|1|1.5|2024-02-29 12:00:00.5+00|t|{a,"b c"}\n'
            "tab\\tnew\\nline\\\\|N|1e+300|N|f|N\n"
            '"q",x|-7|1e+20|2024-01-01 00:00:00+00|N|{}\n'
            "|0|0|1999-12-31 23:59:59.999999+00|t|{NULL}\n"
            "N|N|N|N|N|N\n"
            "N\\|é|5|Infinity|N|N|N\n"
        ),
    ),
    (
        "csv",
        {},
        (
            'x,1,1.5,2024-02-29 12:00:00.5+00,t,"{a,""b c""}"\n'
            '"tab\tnew\nline\\",,1e+300,,f,\n'
            '"""q"",x",-7,1e+20,2024-01-01 00:00:00+00,,{}\n'
            '"",0,0,1999-12-31 23:59:59.999999+00,t,{NULL}\n'
            ",,,,,\n"
            "N|é,5,Infinity,,,\n"
        ),
    ),
    (
        "csv",
        {"header": True, "delimiter": ";", "quote": "'", "escape": "\\", "null": "N"},
        (
            'a;n;f;at;ok;l\nx;1;1.5;2024-02-29 12:00:00.5+00;t;{a,"b c"}\n'
            "'tab\tnew\nline\\\\';N;1e+300;N;f;N\n"
            '"q",x;-7;1e+20;2024-01-01 00:00:00+00;N;{}\n'
            ";0;0;1999-12-31 23:59:59.999999+00;t;{NULL}\n"
            "N;N;N;N;N;N\n"
            "N|é;5;Infinity;N;N;N\n"
        ),
    ),
    (
        "csv",
        {"force_quote": ["a", "n"], "null": "x"},
        (
            '"x","1",1.5,2024-02-29 12:00:00.5+00,t,"{a,""b c""}"\n'
            '"tab\tnew\nline\\",x,1e+300,x,f,x\n'
            '"""q"",x","-7",1e+20,2024-01-01 00:00:00+00,x,{}\n'
            '"","0",0,1999-12-31 23:59:59.999999+00,t,{NULL}\n'
            "x,x,x,x,x,x\n"
            '"N|é","5",Infinity,x,x,x\n'
        ),
    ),
]


def written(form: CopyFormat, options: dict[str, object]) -> bytes:
    columns = [pa.array([row[place] for row in ROWS], kind) for place, kind in enumerate(ARROW)]
    batch = pa.RecordBatch.from_arrays(columns, NAMES)
    encoder = CopyEncoder(batch.schema, TYPES, form, copy_options(form, options))
    return bytes(encoder.header()) + bytes(encoder.encode(batch)) + encoder.end()


def read(
    data: bytes,
    form: CopyFormat = "text",
    options: dict[str, object] | None = None,
    columns: tuple[tuple[str, str], ...] = (("a", "text"), ("n", "int8")),
    step: int = 3,
) -> list[list[object]]:
    types = [NAMED[name] for _, name in columns]
    decoder = CopyDecoder([name for name, _ in columns], types, form, copy_options(form, options or {}))
    pieces = [decoder.feed(data[start : start + step]) for start in range(0, len(data), step)]
    return [row for piece in [*pieces, decoder.end()] for row in piece]


@pytest.mark.parametrize(("form", "options", "text"), WRITTEN)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_what_is_written_is_what_postgres_writes_and_is_read_again(
    form: CopyFormat, options: dict[str, object], text: str, step: int
) -> None:
    assert written(form, options).decode() == text
    columns = tuple((name, type_.name) for name, type_ in zip(NAMES, TYPES, strict=True))
    reading = {name: value for name, value in options.items() if name != "force_quote"}
    assert read(text.encode(), form, reading, columns, step) == ROWS


def test_the_binary_format_is_read_again() -> None:
    data = written("binary", {})
    assert data.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\x06\0\0\0\x01x\0\0\0\x08")
    assert data.endswith(b"\xff\xff")
    columns = tuple((name, type_.name) for name, type_ in zip(NAMES, TYPES, strict=True))
    for step in (1, 10, 10_000):
        assert read(data, "binary", {}, columns, step) == ROWS


READ: list[tuple[CopyFormat, dict[str, object], bytes, list[list[object]]]] = [
    ("text", {}, b"a\t1\r\nb\t2\r\n", [["a", 1], ["b", 2]]),
    ("text", {}, b"a\t1\rb\t2\r", [["a", 1], ["b", 2]]),
    ("text", {}, b"a\t1\nb\t2", [["a", 1], ["b", 2]]),
    ("text", {}, b"a\t1\n\\.\nnot\tread\n", [["a", 1]]),
    ("text", {}, b"\\x41\\102\\t\\\t\\q\\\n\\\\\t\\N\n", [["AB\t\tq\n\\", None]]),
    ("text", {"delimiter": "|"}, b"a\\|b|1\n", [["a|b", 1]]),
    ("text", {"header": "match"}, b"a\tn\nx\t1\n", [["x", 1]]),
    ("text", {}, b"", []),
    ("csv", {}, b'"a\r\n""b""",1\n,2\n"",3\nx"y,"z,4\n', [['a\r\n"b"', 1], [None, 2], ["", 3], ["xy,z", 4]]),
    ("csv", {"escape": "\\"}, b'"a\\"b\\\\c\\d\n",1\n', [['a"b\\c\\d\n', 1]]),
    ("csv", {"force_null": ["n"], "force_not_null": ["a"]}, b',""\n', [["", None]]),
    ("csv", {"header": True}, b"x,y,z\na,1\n\\.\nb,2\n", [["a", 1]]),
]


@pytest.mark.parametrize(("form", "options", "data", "rows"), READ)
def test_lines_are_read_as_postgres_reads_them(
    form: CopyFormat, options: dict[str, object], data: bytes, rows: list[list[object]]
) -> None:
    for step in (1, 2, 1_000):
        assert read(data, form, options, step=step) == rows


BAD: list[tuple[CopyFormat, dict[str, object], bytes, str, str, str]] = [
    (
        "text",
        {},
        b"a\t1\nb\tx1\n",
        "22P02",
        'invalid input syntax for type bigint: "x1"',
        'COPY, line 2, column n: "x1"',
    ),
    ("text", {}, b"a\t1\nb\n", "22P04", 'missing data for column "n", in line 2', "COPY, line 2"),
    ("text", {}, b"a\t1\t2\n", "22P04", "extra data after last expected column, in line 1", "COPY, line 1"),
    ("text", {}, b"a\t1\nb\rc\t2\n", "22P04", "literal carriage return found in data, in line 2", "COPY, line 2"),
    ("text", {}, b"a\\.\t1\n", "22P04", "end-of-copy marker corrupt, in line 1", "COPY, line 1"),
    (
        "text",
        {},
        b"\xff\t1\n",
        "22021",
        'invalid byte sequence for encoding "UTF8": 0xff',
        'COPY, line 1, column a: "\ufffd"',
    ),
    (
        "text",
        {"header": "match"},
        b"a\tm\n",
        "22P04",
        'column name mismatch in header line field 2: got "m", expected "n"',
        "COPY, line 1",
    ),
    ("csv", {}, b'a,1\n"b\n,2\n', "22P04", "unterminated CSV quoted field, in line 2", "COPY, line 2"),
    (
        "csv",
        {},
        b'"a\nb",1\nc,d\n',
        "22P02",
        'invalid input syntax for type bigint: "d"',
        'COPY, line 3, column n: "d"',
    ),
    ("binary", {}, b"PGCOPX\n\xff\r\n\0", "22P04", "COPY file signature not recognized", "COPY, line 0"),
    (
        "binary",
        {},
        b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0",
        "22P04",
        "invalid COPY file header (WITH OIDS)",
        "COPY, line 0",
    ),
    (
        "binary",
        {},
        b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\x03",
        "22P04",
        "row field count is 3, expected 2",
        "COPY, line 1",
    ),
    (
        "binary",
        {},
        b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\x02\0\0\0\x01a\0\0\0\x02\0\0",
        "22P03",
        "incorrect binary data format for type bigint",
        'COPY, line 1, column n: "\0\0"',
    ),
    (
        "binary",
        {},
        b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\x02\0",
        "22P04",
        "unexpected EOF in COPY data",
        "COPY, line 1",
    ),
]


@pytest.mark.parametrize(("form", "options", "data", "sqlstate", "message", "context"), BAD)
def test_errors_say_in_which_line_and_column(
    form: CopyFormat, options: dict[str, object], data: bytes, sqlstate: str, message: str, context: str
) -> None:
    for step in (1, 1_000):
        with pytest.raises(BadValue) as caught:
            read(data, form, options, step=step)
        assert (caught.value.sqlstate, str(caught.value), caught.value.context) == (sqlstate, message, context)


def test_a_line_without_an_end_is_refused_before_it_fills_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for form in ("text", "csv", "binary"):
        module = "copy_binary.ROW" if form == "binary" else "copy_lines.LINE"
        monkeypatch.setattr(f"btql_server.pgwire.{module}_BYTES_MAX", 1_000)
        decoder = CopyDecoder(["a"], [NAMED["text"]], form, copy_options(form, {}))
        if form == "binary":
            decoder.feed(b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\x01" + struct.pack("!i", 10_000))
        if form == "csv":
            decoder.feed(b'"')
        for _ in range(9):
            decoder.feed(b"x\n" * 50 if form == "csv" else b"x" * 100)
        with pytest.raises(BadValue) as caught:
            decoder.feed(b"x" * 200)
        assert caught.value.sqlstate == "54000"


def test_a_long_binary_row_is_read_in_one_pass() -> None:
    decoder = CopyDecoder(["a", "b"], [NAMED["text"]] * 2, "binary", copy_options("binary", {}))
    decoder.feed(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    size = 12 << 20
    row = b"\0\x02" + 2 * (struct.pack("!i", size) + b"x" * size)
    began = time.process_time()

    found = [each for at in range(0, len(row), 4096) for each in decoder.feed(row[at : at + 4096])]

    # To copy what waits with each of the 6,000 pieces would take ten times as long.
    assert time.process_time() - began < 5
    assert [len(str(value)) for (value, *_) in found] == [size]


@pytest.mark.parametrize(
    ("form", "options", "message"),
    [
        ("text", {"quote": "'"}, "COPY QUOTE is available only in CSV mode"),
        ("text", {"delimiter": "ab"}, "COPY delimiter must be a single one-byte character"),
        ("text", {"delimiter": "a"}, 'COPY delimiter cannot be "a"'),
        ("csv", {"delimiter": '"'}, "COPY delimiter and quote must be different"),
        ("csv", {"null": "a,b"}, "COPY delimiter must not appear in the NULL specification"),
        ("binary", {"delimiter": ","}, "cannot specify DELIMITER in BINARY mode"),
        ("text", {"colour": "red"}, 'option "colour" not recognized'),
        ("text", {"encoding": "latin1"}, 'encoding "latin1" is not supported'),
        ("text", {"header": "perhaps"}, 'header requires a Boolean value or "match"'),
    ],
)
def test_wrong_options_are_refused_as_postgres_refuses_them(
    form: CopyFormat, options: dict[str, object], message: str
) -> None:
    with pytest.raises(BadValue) as caught:
        copy_options(form, options)
    assert str(caught.value) == message
