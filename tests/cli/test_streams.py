"""Standard streams that are closed, full, or that nobody reads; and Ctrl-C before a command has begun."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

QUERY = "select: id | from: project_logs('demo') | sort: id | limit: 2"
TIMEOUT_S = 60
COMMANDS = {
    "query": ["query", "db", QUERY],
    "query -f jsonl": ["query", "db", QUERY, "-f", "jsonl"],
    "explain": ["explain", "db", QUERY],
    "export": ["export", "db", "project_logs:demo"],
    "fmt": ["fmt", "-"],
    "shell": ["shell", "db"],
    "generate": ["generate", "--spans", "5"],
    "help": ["--help"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("streams")
    lines = "".join(json.dumps({"id": f"s{i}", "input": "x" * 500}) + "\n" for i in range(200))
    subprocess.run(
        [sys.executable, "-m", "btql", "ingest", "db", "project_logs:demo", "-"],
        cwd=found,
        input=lines,
        text=True,
        check=True,
    )
    _run(["keys", "create", "--data", "db", "--user", "me@example.com"], found)
    return found


def _run(words, folder, redirected="", given=QUERY):
    """Run a command in a shell that gives it some streams."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirected}', "sh", sys.executable, "-m", "btql", *words],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "redirected", "reason"),
    [
        *((command, ">&-", "it is closed") for command in COMMANDS),
        *((command, ">/dev/full", "no space left on device") for command in ("query", "query -f jsonl", "help")),
    ],
)
def test_what_cannot_be_printed_is_an_error(folder, command, redirected, reason):
    done = _run(COMMANDS[command], folder, redirected)

    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last in (f"error: standard output: {reason}", f"error: cannot write <stdout>: {reason}")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [["query", "db", "-"], ["fmt", "-"], ["shell", "db"], ["ingest", "db", "dataset:d", "-"]]
)
def test_standard_input_that_is_closed_is_an_error(folder, words):
    done = _run(words, folder, "<&-")

    assert (done.returncode, done.stderr) == (1, "error: standard input: it is closed\n")


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full"])
def test_an_answer_does_not_depend_on_whether_notes_are_heard(folder, redirected):
    done = _run(COMMANDS["query"], folder, redirected)

    assert done.returncode == 0
    assert done.stdout.split()[-2:] == ["s0", "s1"]


def test_what_writes_into_a_database_prints_nothing_into_it(folder):
    """The first file that is opened would be standard output, were its place left empty."""
    for words in (["ingest", "db", "project_logs:more", "-"], ["compact", "db"], ["check", "db"]):
        done = _run(words, folder, ">&- 2>&-", '{"id": "a"}')
        assert done.returncode == 0, words
    assert "all is sound" in _run(["check", "db"], folder).stderr


def test_a_key_that_nobody_has_seen_works_for_nobody(folder):
    listing = ["keys", "list", "--data", "db", "-f", "jsonl"]
    before = _run(listing, folder).stdout
    assert _run(["keys", "create", "--data", "db", "--user", "me@example.com"], folder, ">/dev/full").returncode == 1

    assert _run(listing, folder).stdout == before


def test_a_server_whose_ready_nobody_reads_serves(tmp_path):
    command = [sys.executable, "-m", "btql", "serve", "--data", "db", "--insecure-no-auth", "--http", "127.0.0.1:0"]
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        process = subprocess.Popen(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = next(line for line in process.stderr if not line.startswith("{"))
    process.send_signal(signal.SIGTERM)
    rest = process.stderr.read()
    process.stderr.close()

    assert first == "warning: `ready` is not printed: standard output: no space left on device\n"
    assert process.wait(TIMEOUT_S) == 0, rest
    assert "Traceback" not in rest


@pytest.mark.parametrize("words", [COMMANDS["query -f jsonl"], COMMANDS["explain"], COMMANDS["help"]])
def test_an_interrupt_while_modules_are_imported_leaves_no_traceback(folder, words):
    # From the first line of the program on: what Python does before is Python's.
    started = "import btql.cli, sys; sys.stdout.write('.'); sys.stdout.flush(); btql.cli.main()"
    for delay_ms in range(0, 400, 80):
        process = subprocess.Popen(
            [sys.executable, "-c", started, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        os.read(process.stdout.fileno(), 1)
        time.sleep(delay_ms / 1000 + 0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode in (0, 130, -signal.SIGINT), errors
        assert b"Traceback" not in errors
        assert b"panicked" not in errors


def test_ctrl_c_ends_a_script_and_not_one_statement_of_it(folder):
    slow = (
        "SELECT count(*) FROM demo a, demo b, demo c, demo d WHERE a.input || b.input || c.input || d.input LIKE '%y%';"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "btql", "shell", "db"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"SELECT 1 AS first;\n\n{slow}\n\nSELECT 2 AS second;\n\n")
    process.stdin.close()
    process.stdin = None
    while "first" not in process.stdout.readline():
        pass
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 130, errors
    assert "second" not in out
    assert "interrupted" in errors
