"""The commands end to end, in this process: output, notes, exit codes."""

import csv
import gzip
import io
import json
import re

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from btql import connect

SPANS = [
    {"id": f"s{number}", "input": f"question {number}", "metadata": {"n": number, "odd key": None}, "tags": ["a"]}
    for number in range(50)
]
COUNT = "select: id, metadata.n | from: project_logs('demo') | sort: metadata.n | limit: 3"


@pytest.fixture(scope="session")
def spans_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "spans.ndjson"
    path.write_text("".join(json.dumps(span) + "\n" for span in SPANS))
    return path


@pytest.fixture
def database(btql, spans_file):
    assert btql("ingest", "db", "project_logs:demo", str(spans_file))[0] == 0
    return "db"


def test_ingest_says_what_it_did(btql, spans_file):
    code, out, err = btql("ingest", "db", "project_logs:demo", str(spans_file))

    assert (code, out) == (0, "")
    assert err.startswith("ingested 50 events, ")
    assert "from 1 file into project_logs:demo in " in err


def test_generated_spans_go_in_and_are_counted(btql):
    assert btql("generate", "--spans", "300", "--seed", "3", "-o", "spans.ndjson.gz")[0] == 0
    assert btql("ingest", "db", "project_logs:demo", "spans.ndjson.gz")[0] == 0
    before = btql("query", "db", "SELECT count(1) AS n FROM project_logs('demo')", "-f", "json")
    assert btql("compact", "db")[0] == 0
    after = btql("query", "db", "SELECT count(1) AS n FROM project_logs('demo')", "-f", "json")

    assert before[0] == 0
    assert before[1] == after[1]
    assert 290 <= json.loads(after[1])[0]["n"] <= 300


def test_a_dash_is_standard_output(btql, tmp_path):
    code, out, _ = btql("generate", "--spans", "3", "-o", "-")

    assert code == 0
    assert all(json.loads(line)["id"] for line in out.splitlines())
    assert len(out.splitlines()) >= 3


def test_a_table(btql, database):
    code, out, err = btql("query", database, COUNT)

    assert code == 0
    assert out.splitlines() == ["id   n", "──   ─", "s0   0", "s1   1", "s2   2"]
    assert err.startswith("3 rows in ")


def test_a_name_that_would_move_the_cursor_is_shown_in_a_table(btql, database):
    code, out, _ = btql("query", database, r"""select: id as "a\u001b[2J" | from: project_logs('demo') | limit: 1""")

    assert code == 0
    assert out.splitlines()[0] == "a�[2J"


def test_a_file_that_is_replaced_keeps_its_mode(btql, database, tmp_path):
    """Rows that only their owner may read are not for everybody once they are asked for again."""
    answer = tmp_path / "answer.json"
    answer.touch(mode=0o600)
    (tmp_path / "link.json").symlink_to(answer)
    assert btql("query", database, COUNT, "-o", "link.json")[0] == 0
    assert answer.read_text()
    assert answer.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "arrow", "parquet"])
def test_formats_on_standard_output_and_in_files(btql, database, form, tmp_path):
    expected = [{"id": f"s{number}", "n": number} for number in range(3)]
    code, out, _ = btql("query", database, COUNT, "--format", form)
    written = out.encode(errors="surrogateescape")
    assert code == 0
    code, out, err = btql("query", database, COUNT, "-o", f"answer.{form}")
    assert (code, out) == (0, "")
    assert err.startswith("wrote 3 rows, ")
    in_file = (tmp_path / f"answer.{form}").read_bytes()

    assert _parsed(form, written) == expected
    assert _parsed(form, in_file) == expected
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def _parsed(form: str, data: bytes) -> list[dict[str, object]]:
    match form:
        case "json":
            return json.loads(data)
        case "jsonl":
            return [json.loads(line) for line in data.splitlines()]
        case "csv":
            return [{**row, "n": int(row["n"])} for row in csv.DictReader(io.StringIO(data.decode()))]
        case "arrow":
            opened = ipc.open_file if data.startswith(b"ARROW1") else ipc.open_stream
            return opened(data).read_all().to_pylist()
        case _:
            return parquet.read_table(pa.BufferReader(data)).to_pylist()


@pytest.mark.parametrize(("form", "expected"), [("json", "[]\n"), ("jsonl", ""), ("csv", "id,n\n")])
def test_no_rows(btql, database, form, expected):
    code, out, _ = btql("query", database, COUNT.replace("| sort", "| filter: id = 'none' | sort"), "-f", form)

    assert (code, out) == (0, expected)


def test_documents_are_written_as_json(btql, database):
    query = "select: input, metadata, tags | from: project_logs('demo') | filter: id = 's7'"
    _, out, _ = btql("query", database, query, "--format", "jsonl")

    row = json.loads(out)
    assert row["metadata"]["n"] == 7
    assert row["tags"] == ["a"]


def test_a_wrong_query_is_drawn_and_leaves_no_file(btql, database, tmp_path):
    code, out, err = btql("query", database, "select: nosuch(id) | from: project_logs('demo')", "-o", "x.json")

    assert (code, out) == (1, "")
    assert err.startswith("error[B0201]: ")
    assert "^^^" in err
    assert not (tmp_path / "x.json").exists()


def test_an_existing_file_survives_a_failure(btql, database, tmp_path):
    (tmp_path / "x.json").write_text("mine")
    btql("query", database, "select: nosuch(id) | from: project_logs('demo')", "-o", "x.json")

    assert (tmp_path / "x.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["query", "nothing", "select: 1"], "nothing"),
        (["status", "nothing"], "nothing"),
        (["compact", "nothing"], "nothing"),
        (["explain", "nothing", "select: 1"], "nothing"),
        (["ingest", "db", "project_logs:demo", "missing.ndjson"], "cannot read missing.ndjson: no such file"),
        (["ingest", "db", "nonsense", "/dev/null"], "nonsense"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_1(btql, words, message, tmp_path):
    code, out, err = btql(*words)

    assert (code, out) == (1, "")
    assert message in err
    assert err.startswith("error")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["query"],
        ["nonsense"],
        ["query", "db", "x", "--format", "xml"],
        ["query", "db", "x", "-o", "file.unknown"],
        ["query", "db", "x", "-o", "file.json", "-f", "table"],
        ["ingest", "db", "project_logs:demo", "x", "--on-error", "reject"],
        ["ingest", "db", "project_logs:demo", "x", "--on-error", "reject", "x"],
        ["generate", "--spans", "0"],
    ],
)
def test_wrong_usage_is_exit_code_2(btql, words):
    code, out, err = btql(*words)

    assert (code, out) == (2, "")
    assert err


def test_a_query_from_standard_input(btql, database, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(COUNT.encode())))
    code, out, _ = btql("query", database, "-", "-f", "csv")

    assert (code, out) == (0, "id,n\ns0,0\ns1,1\ns2,2\n")


def test_spans_from_standard_input(btql, spans_file, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(spans_file.read_bytes()))))
    code, _, err = btql("ingest", "db", "project_logs:demo", "-")

    assert code == 0
    assert err.startswith("ingested 50 events")


def test_explain_status_and_shell(btql, database, monkeypatch):
    code, out, _ = btql("explain", database, COUNT, "--analyze")
    assert code == 0
    assert "metadata.n" in out
    code, out, _ = btql("explain", database, COUNT, "--format", "json")
    assert code == 0
    assert json.loads(out)["version"] == 1
    assert "└── " in btql("explain", database, COUNT, "--format", "tree")[1]
    code, _, err = btql("explain", database, COUNT, "--format", "xml")
    assert code == 2
    assert "tree" in err

    code, out, _ = btql("status", database)
    assert code == 0
    assert "project_logs:demo" in out

    script = f"\\d\n{COUNT}\n\n\\help len\nselect: nosuch(1) from: project_logs('demo');\n\\q\n{COUNT};\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(script.encode())))
    code, out, err = btql("shell", database)
    assert code == 1
    assert out.count("s0   0") == 1
    assert "project_logs:demo" in out
    assert "len(" in out
    assert "error[B0201]" in err


def test_pause_and_resume(btql, database):
    assert "background work is paused since 20" in btql("pause", database)[2]
    assert "since 20" in btql("status", database)[1].partition("background work")[2]
    assert "background work goes on" in btql("resume", database)[2]
    assert "background work" not in btql("status", database)[1]


def test_status_tells_what_merges_have_replaced(btql, database):
    assert "replaced" not in btql("status", database)[1]
    with connect(database, background=False) as connection:
        for number in range(12):
            connection.ingest("project_logs:demo", [{"id": f"late {number}"}])
            connection.compact()
    (line,) = [line.strip() for line in btql("status", database)[1].splitlines() if "replaced" in line]
    assert re.fullmatch(
        r"replaced +[\d.]+ [KM]iB in \d+ parts that queries may still read: btql compact removes them .*", line
    )


def test_status_says_how_files_compare_with_json(btql, database):
    assert "on disk" in btql("status", database)[1]
    btql("compact", database)
    assert re.search(r"on disk +[\d.]+ KiB, [\d.]+ times larger\n", btql("status", database)[1])
    with connect(database, background=False) as connection:
        connection.ingest("project_logs:demo", [{"id": "long", "input": "the same again " * 100_000}])
        connection.compact()
    assert re.search(r"on disk +[\d.]+ KiB, \d\d[\d.]* times smaller\n", btql("status", database)[1])


def test_pages_of_an_answer(btql, database):
    text = "select: id | from: project_logs('demo') | limit: 20"
    code, first, err = btql("query", database, text, "-f", "jsonl")
    token = err.split("--cursor ")[1].strip()
    second = btql("query", database, text, "-f", "jsonl", "--cursor", token)[1]

    assert code == 0
    rows = [json.loads(line)["id"] for line in (first + second).splitlines()]
    assert rows == [f"s{number}" for number in range(49, 9, -1)]


def test_the_options_of_a_query(btql, database):
    text = "select: input | from: project_logs('demo')"
    assert btql("query", database, text, "-f", "jsonl", "--limit", "2")[1].count("\n") == 2
    assert "missingSegmentEliminationSpecs" in btql("query", database, text, "-f", "jsonl", "--lint", "default")[2]
    assert "B0412" in btql("query", database, text, "--lint", "strict")[2]
    assert "B0417" in btql("query", database, text, "--version", "1")[2]
    assert "B0410" in btql("query", database, text, "--tz-offset", "9999")[2]


def test_a_query_is_stopped_at_its_time_limit(btql, database):
    text = (
        "SELECT count(*) AS n FROM generate_series(1, 90000) a (x), generate_series(1, 90000) b (y) WHERE x * y % 7 = 8"
    )
    code, out, err = btql("query", database, text, "--timeout", "0.2")

    assert (code, out) == (1, "")
    assert err.startswith("error[B0501]: the query was stopped at its time limit of 0.2 s")
    assert btql("query", database, text, "--timeout", "0")[0] == 2


def test_inference_writes_a_schema(btql, database):
    code, out, _ = btql("query", database, "infer: tags, metadata.n | from: project_logs('demo')")

    assert code == 0
    assert json.loads(out)["items"]["properties"] == {
        "tags": {"type": "array", "items": {"type": "string"}},
        "metadata.n": {"type": "integer"},
    }
