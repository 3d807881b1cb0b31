"""Start-up: what must not be imported before it is needed, and what the process is set up for."""

import subprocess
import sys
from pathlib import Path

import pytest

import btql

HEAVY = (
    "datafusion",
    "lark",
    "numpy",
    "pandas",
    "prompt_toolkit",
    "pyarrow",
    "pydantic",
    "pygments",
    "rich",
    "sqlglot",
    "tantivy",
    "typer",
)


def _loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted(set(name.partition('.')[0] for name in sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split()) & set(HEAVY)


def _asked(database: Path, text: str, form: str) -> str:
    """Return code that does what the command line does for a plain query, and goes on."""
    return f"""
import os
os._exit = lambda code: None
sys.argv = ["btql", "query", {str(database)!r}, {text!r}, "--format", {form!r}]
from btql.cli import main
main()
print()
"""


def test_import_btql_is_light():
    assert _loaded("import btql") == set()


def test_every_public_name_is_there_when_it_is_asked_for():
    assert set(btql.__all__) <= set(dir(btql))
    assert all(getattr(btql, name) is not None for name in dir(btql))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = btql.nothing  # type: ignore[attr-defined]


def test_a_module_that_is_needed_late_is_imported_when_something_of_it_is_asked_for():
    code = """
from btql.cli.start import NEEDED_LATE, prepare_for_a_query
prepare_for_a_query()
import dataclasses, inspect, socket
assert "ast" not in sys.modules and "selectors" not in sys.modules
assert inspect.signature(dataclasses.dataclass).parameters["slots"].default is False
assert socket.gethostname()
assert {"ast", "selectors"} <= set(sys.modules)
from inspect import ismodule
assert all(ismodule(sys.modules[name]) and sys.modules[name].__spec__ for name in ("inspect", "socket"))
import ipaddress, pickle, textwrap
assert (textwrap.dedent(" a"), pickle.loads(pickle.dumps(1)), str(ipaddress.ip_address("::1"))) == ("a", 1, "::1")
assert all(sys.modules[name].__spec__ for name in NEEDED_LATE)
"""
    _loaded(code)


def test_the_command_line_is_light_until_a_command_runs():
    assert _loaded("import btql.cli.app") == {"typer"}


def test_the_command_line_does_without_pandas():
    code = """
from btql.cli.start import prepare
prepare()
import pyarrow as pa
pa.array([1, None])
pa.scalar(1)
"""
    assert "pandas" not in _loaded(code)


A_QUERY = "select: id, created | from: project_logs('demo') | filter: metadata.user = 'nobody'"


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_query_of_compacted_spans_loads_the_engines_and_nothing_else_that_is_heavy(tmp_path, form):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:demo", [{"id": str(n), "metadata": {"user": "me"}} for n in range(10)])
        conn.compact()
        conn.ingest("project_logs:demo", [{"id": "3", "metadata": {"user": "you"}}])
        conn.compact()
    code = f"""
{_asked(tmp_path / "db", A_QUERY, form)}
# From Python 3.12 on, every dataclass asks `inspect` for its annotations, and that imports `ast`.
assert "selectors" not in sys.modules and ("ast" not in sys.modules or sys.version_info >= (3, 12))
# Nor what takes less long, but is for writers, or for other queries.
assert not set(sys.modules) & {{
    "btql.fixed_answer", "btql.write_statements", "btql_grammar.sql", "btql_planner.binding.recursive",
    "btql_planner.lowering.apart", "btql_planner.lowering.unnest", "btql_storage.ingest",
    "btql_storage.opening.configuration", "btql_storage.surrogates", "btql_storage.wal.reader",
    "msgspec", "pyarrow.compute", "pyarrow.dataset", "shutil", "tempfile",
}}
"""

    assert _loaded(code) == {"datafusion", "pyarrow"}


def test_a_query_for_what_the_text_index_does_not_have_calculates_with_no_row_numbers(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        users = [f"{'z' if n % 2 else 'a'} user {n}" for n in range(30)]
        conn.ingest("project_logs:demo", [{"id": user, "metadata": {"user": user}} for user in users])
        conn.compact()
    code = f"""
import os, sys
os._exit = lambda code: None
sys.argv = ["btql", "query", {str(tmp_path / "db")!r}, {A_QUERY + " | limit: 5"!r}, "--format", "json"]
from btql.cli import main
from btql.cli.start import import_arrow
import_arrow()
import btql.execution.candidates
# Asked of so few rows, the index would save nothing.
btql.execution.candidates.GAIN_MIN = 0
main()
print()
assert "pyarrow.compute" not in sys.modules
assert "pyarrow.parquet" not in sys.modules
"""

    assert _loaded(code) == {"datafusion", "pyarrow", "tantivy"}


@pytest.mark.parametrize("indexed_from", [0, 1 << 40])
def test_arrow_and_numpy_need_not_know_each_other(tmp_path, indexed_from):
    code = f"""
from btql.cli.start import import_arrow, prepare
prepare()
import_arrow()
import btql
from btql.execution import fetch
from btql_storage.part import writer
import pyarrow as pa
fetch.LOOKED_UP_MIN = 0
writer.INDEXED_FROM_BYTES = {indexed_from}
try:
    pa.array([1]).to_numpy()
    raise AssertionError("Arrow knows NumPy")
except ImportError:
    pass

def spans(answer):
    texts = [f"over the {{n}} rainbow" for n in range(50)]
    kinds = [1, "one", None, [1], 2.5]
    return [
        {{
            "id": str(n), "input": text, "answer": answer, "output": {{"rare": [n]}} if n % 10 == 0 else None,
            "metadata": {{"n": n, "next": str(n + 1), "mixed": kind}},
        }}
        for n, (text, kind) in enumerate(zip(texts, kinds * 10))
    ]

def check(conn):
    def ids(text):
        return sorted(row["id"] for row in conn.query(text + " | from: project_logs('demo')"))
    assert len(ids("select: id")) == 50
    assert ids("select: * | filter: id in ['7', '8', 'x']") == ["7", "8"]
    assert ids("select: id, input | filter: input MATCH '9 rainbow'") == ["9"]
    assert ids("select: id | filter: input MATCH '9 rainbow' or metadata.n = 3") == ["3", "9"]
    assert ids("select: id | filter: root_span_id = '11'") == ["11"]
    rare = [row["rare"] for row in conn.query("select: output.rare as rare | from: project_logs('demo')")]
    assert sorted(each for each in rare if each is not None) == [[0], [10], [20], [30], [40]]
    assert len(conn.query("select: * | from: project_logs('demo') summary | limit: 3").rows()) == 3
    demo = "project_logs('demo')"
    pairs = f"SELECT a.id, b.input FROM {{demo}} a LEFT JOIN {{demo}} b ON b.id = a.metadata.next"
    joined = {{row["id"]: row["input"] for row in conn.query(pairs)}}
    assert (joined["7"], joined["49"]) == ("over the 8 rainbow", None)

with btql.connect({str(tmp_path / "db")!r}) as conn:
    for answer in ("first", "second", "third"):
        conn.ingest("project_logs:demo", spans(answer))
        check(conn)
        conn.ingest("project_logs:demo", [{{"id": "7", "_is_merge": True, "metadata": {{"late": True}}}}])
        check(conn)
        conn.compact()
        check(conn)
    conn.ingest("project_logs:demo", [{{"id": "7", "_object_delete": True}}])
    assert len(conn.query("select: id | from: project_logs('demo')").rows()) == 49
"""

    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_expression_is_compiled_when_it_is_first_used():
    code = """
import re
from btql.cli.late_patterns import compile_patterns_late
compile_patterns_late()
assert isinstance(re.compile("a"), re.Pattern)
made = {"__name__": "btql_storage.kinds", "re": re}
exec("pattern = re.compile('(A)', re.IGNORECASE)", made)
pattern = made["pattern"]
assert not isinstance(pattern, re.Pattern) and pattern.pattern == "(A)"
assert (pattern.sub("b", "xaA"), pattern.groups, bool(pattern.flags & re.IGNORECASE)) == ("xbb", 1, True)
exec("pattern = re.compile(')')", made)
try:
    made["pattern"].match("a")
except re.error as error:
    assert "unbalanced" in str(error)
else:
    raise AssertionError
"""
    _loaded(code)


A_QUERY_WITH_ROWS = "select: id, created | from: project_logs('demo') | filter: error is not null | limit: 2"


def test_a_query_that_finds_rows_does_without_numpy_and_what_arrow_has_in_python(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        spans = [
            {"id": str(n), "created": f"2026-11-27T00:00:{n:02}Z", "error": "no" if n % 2 else None} for n in range(60)
        ]
        conn.ingest("project_logs:demo", spans)
        conn.compact()
    code = f"""
{_asked(tmp_path / "db", A_QUERY_WITH_ROWS, "jsonl")}
assert "pyarrow.compute" not in sys.modules and "pyarrow.dataset" not in sys.modules
"""

    assert _loaded(code) == {"datafusion", "pyarrow"}
