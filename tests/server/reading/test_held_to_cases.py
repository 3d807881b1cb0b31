"""A server that is held to cases of the language over HTTP, by the library and by ``btql conformance``."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from server_support.one_answer import answering

from btql_conformance.cases import find_case_files, own_corpus
from btql_conformance.http_door import Http, HttpDoor
from btql_conformance.runner import run_files
from btql_server.running import running
from btql_server.settings import Settings

FILES = find_case_files([own_corpus()])
WRITTEN_OVER_HTTP = [
    file for file in FILES if file.name in ("clauses/limit", "clauses/from", "sql/writes", "sql/joins")
]


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
    for nowhere, reason in ((url, f"cannot ask {url}: "), ("nonsense", "`nonsense` is no address")):
        failed = _command(str(tmp_path / "own.cases"), "--url", nowhere)
        assert failed.returncode == 1
        assert failed.stderr.startswith(f"error: {reason}")


def test_the_command_says_what_a_server_with_keys_answers(tmp_path):
    (tmp_path / "own.cases").write_text(CASES)
    with running(Settings(tmp_path / "db", ("127.0.0.1", 0))) as url:
        refused = _command(str(tmp_path / "own.cases"), "--url", url, "--key", "wrong")

    assert refused.returncode == 1
    assert refused.stderr == f"error: {url} answers 401: Invalid API key\n"


def test_the_command_says_what_something_else_answers(tmp_path):
    (tmp_path / "own.cases").write_text(CASES)
    with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello") as url:
        refused = _command(str(tmp_path / "own.cases"), "--url", url)

    assert refused.stderr == f"error: {url} answers 200: hello\n"
