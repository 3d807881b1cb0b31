"""The cases of the language over HTTP: the rows and the errors are those of the library."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

import btql
from btql_conformance.cases import find_case_files, own_corpus
from btql_conformance.dataset import requests
from btql_conformance.http_door import Http, HttpDoor, HttpSession
from btql_conformance.runner import Databases, run_case, run_files
from btql_server.serve import running
from btql_server.settings import Settings

FILES = find_case_files([own_corpus()])
WRITTEN_OVER_HTTP = [
    file for file in FILES if file.name in ("clauses/limit", "clauses/from", "sql/writes", "sql/joins")
]


class ServedFolder:
    """A door: a database that is written to, half of it compacted, and then served."""

    def open(self, data, state):
        return _Served(data)


class _Served:
    def __init__(self, data) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="btql-served-"))
        middle = len(data.events) // 2
        with btql.connect(self._folder) as conn:
            for target, documents in requests(data.events[:middle]):
                conn.ingest(target, documents)
            conn.compact()
            for target, documents in requests(data.events[middle:]):
                conn.ingest(target, documents)
        self._stack = ExitStack()
        url = self._stack.enter_context(running(Settings(self._folder, ("127.0.0.1", 0), insecure_no_auth=True)))
        self._session = HttpSession(Http(url, None))

    def query(self, language, text, options):
        return self._session.query(language, text, options)

    def close(self):
        self._session.close()
        self._stack.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="module")
def databases():
    """A served database for each set of data."""
    opened: dict[object, Databases] = {}

    def databases(file):
        return opened.setdefault((file.data_names, file.inline), Databases(ServedFolder(), file, "half"))

    yield databases
    for each in opened.values():
        each.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_answers_are_right(databases, file):
    outcomes = [run_case(case, language, databases(file)) for case in file.cases for language in case.queries]

    assert {outcome.id: outcome.difference for outcome in outcomes if not outcome.passed} == {}
    assert len(outcomes) >= len(file.cases)


def test_a_server_is_brought_the_data_it_takes(tmp_path):
    with running(Settings(tmp_path / "db", ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        outcomes = list(run_files(WRITTEN_OVER_HTTP, HttpDoor(url), ["before"]))
        with closing(Http(url, None)) as http:
            left = http.call("GET", "/v1/project")["objects"]

    assert [(outcome.id, outcome.difference) for outcome in outcomes if not outcome.passed] == []
    left_out = {outcome.case.file for outcome in outcomes if outcome.left_out is not None}
    assert left_out == {"clauses/from"}
    assert sum(outcome.left_out is None for outcome in outcomes) >= 50
    assert left == []


def test_an_address_that_is_none():
    with pytest.raises(ValueError, match="is no address"):
        Http("localhost:8000", None)


CASES = """# Two cases over data of their own.
{"project_logs:one": {"id": "a", "input": 1}}

=== the id
--- btql
select: id | from: project_logs('one')
--- rows
{"id": "a"}

=== a mistake
--- sql
SELECT nothing_like_it(1) FROM project_logs('one')
--- error B0201 1:8
"""


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("btql")
    return subprocess.run([program, "conformance", *arguments], capture_output=True, text=True, check=False)


def test_the_command_holds_a_server_to_cases(tmp_path):
    (tmp_path / "own.cases").write_text(CASES)
    with running(Settings(tmp_path / "db", ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        held = _command(str(tmp_path / "own.cases"), "--url", url)

    assert held.stdout.splitlines()[-1] == "2 cases, 2 questions: 2 passed, 0 failed"
    assert held.returncode == 0
    for nowhere in (url, "nonsense"):
        failed = _command(str(tmp_path / "own.cases"), "--url", nowhere)
        assert failed.returncode != 0
        assert "Traceback" not in failed.stderr
        assert failed.stderr
