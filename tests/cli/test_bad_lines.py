"""Lines that cannot be stored: stop, skip, reject."""

import base64
import json

import pytest

from btql.cli import inputs

GOOD = [b'{"id":"%d"}' % number for number in range(10)]
BAD = {3: b"{broken", 5: b"[1]", 7: b'{"id":7}', 8: b'{"input":"\xff"}'}


@pytest.fixture
def file(tmp_path):
    lines = [BAD.get(number, line) for number, line in enumerate(GOOD, start=1)]
    path = tmp_path / "in.ndjson"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return str(path)


def _ids(btql) -> list[str]:
    _, out, _ = btql("query", "db", "select: id | from: project_logs('x') | sort: id", "-f", "jsonl")
    return [json.loads(line)["id"] for line in out.splitlines()]


def test_stop_names_the_first_bad_line_and_keeps_nothing_of_its_batch(btql, file, monkeypatch):
    monkeypatch.setattr(inputs, "LINES_MAX", 2)
    code, out, err = btql("ingest", "db", "project_logs:x", file)

    assert (code, out) == (1, "")
    assert err.startswith(f"error: {file}:3: not JSON: ")
    assert "2 events before line 3 stored, nothing of lines 3 to 4" in err
    assert len(err.splitlines()) == 1
    assert _ids(btql) == ["0", "1"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'[{"id":"a"},{"id":"b"}]', "a file has one object a line: `jq -c .`"),
        (b'{\n "id": "a"\n}', "a file has one object a line: `jq -c .`"),
        (b"PAR1....", "is Parquet or Arrow, and no NDJSON: `btql import` reads it"),
    ],
)
def test_a_file_of_another_form_is_told_how_to_come(btql, tmp_path, content, reason):
    (tmp_path / "spans").write_bytes(content)
    code, _, err = btql("ingest", "db", "project_logs:x", "spans")

    assert code == 1
    assert reason in err


def test_skip_leaves_them_out_and_names_them(btql, file):
    code, _, err = btql("ingest", "db", "project_logs:x", file, "--on-error", "skip")

    assert code == 0
    assert [line.split(": ")[0] for line in err.splitlines()[:-1]] == [f"left out {file}:{number}" for number in BAD]
    assert "ingested 6 events" in err
    assert "left out 4 lines" in err
    assert _ids(btql) == ["0", "1", "3", "5", "8", "9"]


def test_a_line_whose_parent_is_not_there_is_bad_too(btql, tmp_path):
    path = tmp_path / "in.ndjson"
    lines = [b'{"id":"1"}', b'{"id":"2","_parent_id":"no"}', b"{", b'{"id":"3","_parent_id":"2"}']
    path.write_bytes(b"\n".join([*lines, b'{"id":"4","_parent_id":"1"}\n']))
    code, _, err = btql("ingest", "db", "project_logs:x", str(path), "--on-error", "skip")

    assert code == 0
    assert f"left out {path}:2: `_parent_id`: there is no row `no` before this one" in err
    assert f"left out {path}:4: `_parent_id`: there is no row `2` before this one" in err
    assert _ids(btql) == ["1", "4"]


def test_reject_writes_them_with_their_reasons(btql, file, tmp_path):
    code, _, err = btql("ingest", "db", "project_logs:x", file, "--on-error", "reject", "bad.ndjson")

    records = [json.loads(line) for line in (tmp_path / "bad.ndjson").read_bytes().splitlines()]
    assert code == 0
    assert "left out 4 lines (see bad.ndjson)" in err
    assert [record["line"] for record in records] == list(BAD)
    assert all(record["file"] == file and record["reason"] for record in records)
    assert [record["text"].encode() for record in records[:3]] == [BAD[3], BAD[5], BAD[7]]
    assert base64.b64decode(records[3]["base64"]) == BAD[8]


def test_a_line_that_is_too_long_is_only_counted(btql, tmp_path, monkeypatch):
    monkeypatch.setenv("BTQL_DOCUMENT_BYTES_MAX", "100")
    monkeypatch.setattr(inputs, "CHUNK_BYTES", 16)
    (tmp_path / "in.ndjson").write_bytes(b'{"id":"a"}\n{"id":"' + b"x" * 200 + b'"}\n')
    code, _, err = btql("ingest", "db", "project_logs:x", "in.ndjson", "--on-error", "skip")

    assert code == 0
    assert "left out in.ndjson:2: longer than 100 bytes, the limit `document_bytes_max`" in err
    assert _ids(btql) == ["a"]


def test_only_the_first_twenty_are_named(btql, tmp_path):
    (tmp_path / "in.ndjson").write_bytes(b"{\n" * 500 + b'{"id":"a"}\n')
    _, _, err = btql("ingest", "db", "project_logs:x", "in.ndjson", "--on-error", "skip")

    assert err.count("left out in.ndjson:") == 20
    assert "and 480 more lines were left out" in err
    assert _ids(btql) == ["a"]
