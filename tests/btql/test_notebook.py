"""``%btql`` and ``%%btql`` in a real IPython shell: connections, variables, answers, mistakes."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from guides.running import IPython
from IPython.utils.capture import capture_output

import btql
from btql.notebook.options import read_options
from btql_server.running import running
from btql_server.settings import Settings

EVENTS = [
    {
        "id": f"r{number}",
        "input": {"q": f"<b>{number}</b>"},
        "scores": {"s": number / 4},
        "created": "2026-01-01T00:00:00Z",
    }
    for number in range(4)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("notebook") / "db"
    with btql.connect(made) as connection:
        connection.ingest("project_logs:demo", EVENTS)
    return made


@pytest.fixture(scope="module")
def shell(folder):
    made = IPython()
    made("%load_ext btql")
    made(f"%btql {folder}")
    yield made
    made("%unload_ext btql")


def failing(shell, cell):
    """Run a cell that fails; return what the shell shows."""
    with capture_output() as shown:
        result = shell.shell.run_cell(cell)
    assert result.error_in_exec is not None
    return shown.stdout


def test_a_line_is_a_query_and_shows_a_table(shell):
    shown = shell("%btql SELECT id, scores.s FROM project_logs.demo ORDER BY id LIMIT 2").splitlines()

    assert [line.split() for line in shown] == [["id", "s"], ["──", "────"], ["r0", "0"], ["r1", "0.25"], ["2", "rows"]]


def test_a_cell_takes_values_of_variables_in_both_languages(shell):
    shell("least = 0.5\nids = ['r1', 'r3']\nhostile = \"r1' OR '1'='1\"")

    assert "r2" in shell("%%btql\nselect: id\n| from: project_logs('demo')\n| filter: scores.s = :least\n")
    assert "2 rows" in shell("%%btql\nSELECT id FROM project_logs.demo\nWHERE id IN :ids")
    assert "0 rows" in shell("%btql SELECT id FROM project_logs.demo WHERE id = :hostile")
    # What IPython would put in place of braces and dollars is a text of the query.
    assert '{"a":"{least}"}' in shell("%btql SELECT {'a': '{least}'} AS x FROM project_logs.demo LIMIT 1")


def test_values_come_from_series_and_from_functions(shell):
    shell("import pandas as pd\nseries = pd.Series(['r0', 'r2'])")
    assert "2 rows" in shell("%btql SELECT id FROM project_logs.demo WHERE id IN :series")
    shell("def of(name):\n    return get_ipython().run_line_magic('btql', 'SELECT :name AS it')")
    assert "inner" in shell("of('inner')")


def test_answers_are_kept(shell):
    shell("%btql kept << SELECT id, input, created FROM project_logs.demo ORDER BY id")
    kept = shell.shell.user_ns["kept"]

    assert len(kept) == 4
    assert kept[-1]["input"] == {"q": "<b>3</b>"}
    assert [row["id"] for row in kept] == ["r0", "r1", "r2", "r3"]
    assert pa.table(kept).num_rows == pa.table(kept).num_rows == 4
    assert isinstance(kept.to_pandas(), pd.DataFrame)
    assert kept.to_polars().height == 4
    with pytest.raises(IndexError, match="no row 4"):
        kept[4]
    assert shell("%btql -o silent --polars SELECT id FROM project_logs.demo") == ""
    assert isinstance(shell.shell.user_ns["silent"], pl.DataFrame)
    assert shell("%btql --limit 1 SELECT id FROM project_logs.demo").endswith("1 row\n")


def test_html_is_escaped_and_bounded(shell):
    shell(
        "%btql long << SELECT input, repeat('x', 1000) AS x, null AS n FROM project_logs.demo, generate_series(1, 20)"
    )
    html = shell.shell.user_ns["long"]._repr_html_()

    assert "&lt;b&gt;0&lt;/b&gt;" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 51
    assert "80 rows, the first 50 are shown" in html
    assert "x" * 501 not in html
    assert "80 rows, the first 50 are shown" in repr(shell.shell.user_ns["long"])


MISTAKES = {
    "a query": (
        "%%btql\nSELECT id,\n  lenght(input)\nFROM project_logs.demo",
        [
            "error[B0201]: unknown function `lenght`",
            " --> <query>:2:3",
            "2 |   lenght(input)",
            "  |   ^^^^^^ no such function",
        ],
    ),
    "a value that is missing": ("%btql SELECT :nowhere", ["`:nowhere` has no value", "variable `nowhere`"]),
    "a value without a name": ("%btql SELECT ?", ["write `:name`"]),
    "an option": ("%btql --wrong SELECT 1", ["there is no option `wrong`"]),
    "an option without a value": ("%btql --out", ["`--out` takes a value"]),
    "a number": ("%btql --limit many SELECT 1", ["takes a number, not `many`"]),
    "a name": ("%btql -o 1x SELECT 1", ["`1x` is not the name of a variable"]),
    "a folder": ("%btql -c /nowhere/at/all SELECT 1", ["error: ", "/nowhere/at/all"]),
    "time": (
        "%btql -t 0.05 SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b",
        ["error[B0501]", "time limit of 0.05 s"],
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_drawn_without_a_traceback(shell, case):
    cell, lines = MISTAKES[case]
    shown = failing(shell, cell)

    assert all(line in shown for line in lines), shown
    assert "Traceback" not in shown
    assert "magic.py" not in shown


def test_statements_write_and_warnings_are_told(shell):
    shell("least = 0.5")
    assert shell("%btql INSERT INTO dataset.made (id, input) VALUES ('a', :least)") == "1 row written\n"
    assert "warning: no row has a field `nothing`" in shell("%btql SELECT nothing FROM dataset.made")


def test_connections(shell, folder):
    with running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        place = url.replace("http://", "http://secret-key@")
        shown = shell(f"%btql {place}")
        assert f"connected to {url}" in shown
        assert "project_logs('demo')" in shown
        assert "secret" not in shown
        assert "4" in shell("%btql SELECT count(*) FROM project_logs.demo")
        assert "r3" in shell("%%btql\nselect: id | from: project_logs('demo') | filter: id = 'r3'")
    shell.shell.user_ns["mine"] = btql.connect(folder)
    assert "connected to variable `mine`" in shell("%btql mine")
    assert "4" in shell(f"%btql -c '{folder}' SELECT count(*) FROM project_logs.demo")
    shell.shell.user_ns["mine"].close()
    assert "USAGE" not in shell("%btql --help")


def test_a_database_over_services_is_shown_without_its_password(shell, folder, tmp_path):
    catalog = f"sqlite:{tmp_path}/catalog.sqlite"
    shell(f"import btql; btql.connect('file://{tmp_path}/db?catalog={catalog}').close()")

    shown = shell(f"%btql file://{tmp_path}/db?catalog={catalog}")
    assert shown.startswith(f"connected to file://{tmp_path}/db?catalog={catalog}: 0 tables")
    refused = failing(shell, "%btql s3://bucket?catalog=postgresql://user:secret@host/name&redis=none")
    assert "`none` is no address for `redis`" in refused
    assert "secret" not in refused
    shell(f"%btql {folder}")


def test_a_shell_without_a_connection_says_what_to_do():
    shell = IPython()
    shell("%load_ext btql")

    assert "say which database first" in failing(shell, "%btql SELECT 1")
    shell("%unload_ext btql")
    with capture_output() as shown:
        shell.shell.run_cell("%btql SELECT 1")
    assert "not found" in shown.stderr + shown.stdout


def test_options():
    options = read_options(' -c "a folder" --limit=5 -t 1.5 --arrow name << SELECT \'a  b\', "x" -- c')

    assert (options.connect, options.limit, options.timeout, options.form) == ("a folder", 5, 1.5, "arrow")
    assert (options.name, options.silent, options.rest) == ("name", False, "SELECT 'a  b', \"x\" -- c")
    assert read_options("-- a comment\nSELECT 1").rest == "-- a comment\nSELECT 1"
