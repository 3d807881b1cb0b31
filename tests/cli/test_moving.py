"""``btql export`` and ``btql import``: an object from one database to another."""

import io
import json
import sys

import pyarrow as pa
import pytest

LINES = b"".join(
    b'{"id":"%d","input":{"n":%d,"big":123456789012345678901234567890},"odd":[1.50]}\n' % (n, n) for n in range(30)
)


@pytest.fixture
def filled(btql, tmp_path):
    """Return the command with a database that has an object, half of it compacted."""
    half = len(LINES) // 2
    cut = LINES.index(b"\n", half) + 1
    (tmp_path / "1.ndjson").write_bytes(LINES[:cut])
    (tmp_path / "2.ndjson").write_bytes(LINES[cut:])
    assert btql("ingest", "db", "project_logs:x", "1.ndjson")[0] == 0
    assert btql("compact", "db")[0] == 0
    assert btql("ingest", "db", "project_logs:x", "2.ndjson")[0] == 0
    return btql


def _rows(text: str) -> list[str]:
    """Return exported lines without what the database gives."""
    rows = [json.loads(line) for line in text.splitlines()]
    return [json.dumps({k: v for k, v in row.items() if k not in ("_xact_id", "_pagination_key")}) for row in rows]


@pytest.mark.parametrize("name", ["x.ndjson", "x.jsonl", "x.ndjson.gz", "x.jsonl.zst", "x.parquet", "x.arrow"])
def test_an_object_goes_to_another_database(filled, name):
    code, out, err = filled("export", "db", "project_logs:x", "-o", name)
    assert (code, out) == (0, "")
    assert "exported 30 rows of project_logs:x" in err

    code, _, err = filled("import", "other", "project_logs:y", name)
    assert code == 0, err
    assert "imported 30 events" in err
    _, before, _ = filled("export", "db", "project_logs:x")
    _, after, _ = filled("export", "other", "project_logs:y")
    assert _rows(after) == _rows(before)
    assert '"odd":[1.50]' in after


@pytest.mark.parametrize(("suffix", "magic"), [(".gz", b"\x1f\x8b"), (".zst", b"\x28\xb5\x2f\xfd")])
def test_a_name_says_how_lines_are_compressed(filled, tmp_path, suffix, magic):
    for name in (f"x.ndjson{suffix}", f"x{suffix}"):
        assert filled("export", "db", "project_logs:x", "-o", name, "-f", "ndjson")[0] == 0
        assert (tmp_path / name).read_bytes().startswith(magic)


@pytest.mark.parametrize("form", ["ndjson", "arrow"])
def test_through_a_pipe(filled, monkeypatch, form):
    _, out, _ = filled("export", "db", "project_logs:x", "--format", form)

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(out.encode(errors="surrogateescape"))))
    code, _, err = filled("import", "other", "project_logs:y", "-")
    assert code == 0, err
    assert len(filled("export", "other", "project_logs:y")[1].splitlines()) == 30


def test_parquet_does_not_come_through_a_pipe(filled, monkeypatch):
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(b"PAR1....")))
    code, _, err = filled("import", "db", "project_logs:y", "-")

    assert code == 1
    assert "<stdin>: Parquet is read from its end: give a file instead of a pipe" in err


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["-o", "x.csv"], 2, "the name x.csv does not say how to write: add --format ndjson, parquet or arrow"),
        (["-o", "x.parquet.zst"], 2, "parquet is compressed by itself: take .zst off the name x.parquet.zst"),
        (["-o", "x.zst"], 2, "the name x.zst does not say how to write"),
        (["--version", "5"], 1, "error: project_logs has no versions: leave `version` out"),
        (["-o", "missing/x.arrow"], 1, "cannot write missing/x.arrow"),
        (["-o", "/dev/full", "-f", "ndjson"], 1, "cannot write /dev/full: no space left on device"),
    ],
)
def test_calls_that_cannot_work(filled, words, code, reason):
    found, _, err = filled("export", "db", "project_logs:x", *words)

    assert found == code
    assert reason in err


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PAR1 and no more", "x: cannot be read after row 0: "),
        (b"ARROW1\0\0 and no more", "x: cannot be read after row 0: "),
        (b'{"id":"a"}\n{', "x:2: not JSON"),
    ],
)
def test_a_damaged_file_is_named(btql, tmp_path, data, reason):
    (tmp_path / "x").write_bytes(data)
    code, _, err = btql("import", "db", "project_logs:y", "x")

    assert code == 1
    assert reason in err


def test_a_row_that_cannot_be_stored_is_named_or_rejected(btql, tmp_path):
    table = pa.table({"id": ["a", "b", "c"], "metadata": ["x", None, None]})
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    code, _, err = btql("import", "db", "project_logs:y", "t.arrow")
    assert code == 1
    assert "t.arrow:1: `metadata` is not an object" in err

    code, _, err = btql("import", "db", "project_logs:y", "t.arrow", "--on-error", "reject", "bad.ndjson")
    assert code == 0, err
    assert json.loads((tmp_path / "bad.ndjson").read_text())["line"] == 1


def test_half_of_an_emoji_is_the_character_for_none(btql, tmp_path):
    json_column = pa.ExtensionArray.from_storage(pa.json_(), pa.array([r'["\ud83d"]']))
    table = pa.table({"id": ["a"], "input": json_column})
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    (tmp_path / "t.ndjson").write_text('{"id":"b"}\n' + r'{"id":"\ud83d","input":["\uDE00"]}' + "\n")
    for command, name in (("import", "t.arrow"), ("ingest", "t.ndjson")):
        code, _, err = btql(command, "db", "project_logs:halves", name)
        assert code == 0, err
    _, out, _ = btql("query", "db", "SELECT id, input FROM project_logs('halves') ORDER BY id", "--format", "jsonl")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"id": "a", "input": ["\ufffd"]}, {"id": "b", "input": None}, {"id": "\ufffd", "input": ["\ufffd"]},
    ]  # fmt: skip


def test_a_column_without_json_is_named(btql, tmp_path):
    table = pa.table({"id": pa.array([b"a"], pa.binary())})
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    code, _, err = btql("import", "db", "project_logs:y", "t.arrow")

    assert code == 1
    assert "t.arrow: `id` has the type binary, which has no JSON; send it as text" in err


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (
            "document_bytes_max=many",
            "--limit document_bytes_max is `many`; give a whole number from 1 to 1,073,741,824",
        ),
        ("rows=1", "--limit rows is no limit; the limits are request_bytes_max, "),
    ],
)
def test_a_server_is_not_started_with_a_wrong_limit(btql, limit, reason):
    code, _, err = btql("serve", "--data", "db", "--insecure-no-auth", "--limit", limit)

    assert code == 1
    assert f"error[S0207]: {reason}" in err
