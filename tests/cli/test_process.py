"""The command line as a process: signals, pipes, and a terminal."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from btql.cli.console import guarded
from btql_storage.stores.local import UNFINISHED

COMMAND = [sys.executable, "-m", "btql.cli"]
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("process")
    lines = "".join(json.dumps({"id": f"s{i:05}", "input": "x" * 500}) + "\n" for i in range(3000))
    subprocess.run([*COMMAND, "ingest", "db", "project_logs:demo", "-"], cwd=folder, input=lines, text=True, check=True)
    return folder / "db"


def test_a_reader_that_goes_away_is_no_error(database):
    query = "select: id, input | from: project_logs('demo')"
    process = subprocess.Popen(
        [*COMMAND, "query", database, query, "-f", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(TIMEOUT_S) == 0


# To a shell, a process that says 130 and one that ended by the signal are the same; once in hundreds of runs it is
# the latter. What it printed says that it was handled.
@pytest.mark.parametrize(("how", "codes"), [(signal.SIGINT, (130, -signal.SIGINT)), (signal.SIGTERM, (143,))])
def test_an_interrupted_ingest_keeps_what_it_acknowledged(tmp_path, how, codes):
    process = subprocess.Popen(
        [*COMMAND, "ingest", "db", "project_logs:demo", "-"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    # One full batch, and the beginning of another that never ends.
    process.stdin.write(b"".join(b'{"id":"%d"}\n' % i for i in range(10_500)))
    process.stdin.flush()
    wal = tmp_path / "db" / "wal"
    _wait_for(lambda: any(not file.name.startswith(UNFINISHED) for file in wal.glob("*")))
    process.send_signal(how)
    errors = process.stderr.read().decode()
    process.stdin.close()
    process.stderr.close()

    assert process.wait(TIMEOUT_S) in codes, errors
    assert "Traceback" not in errors
    if how is signal.SIGINT:
        assert re.match(r"interrupted: (10,000|0) events are stored", errors)
    count = subprocess.run(
        [*COMMAND, "query", "db", "SELECT count(1) AS n FROM project_logs('demo')", "-f", "csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert count.stdout == "n\n10000\n"


def test_an_interrupted_generate_leaves_no_file(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "generate", "--spans", "10000000", "-o", "big.ndjson"], cwd=tmp_path, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    # Not before something is written: NumPy's extension modules swallow what interrupts their import.
    _wait_for(lambda: any(each.stat().st_size for each in tmp_path.iterdir()))
    process.send_signal(signal.SIGINT)
    errors = process.stderr.read().decode()
    process.stderr.close()

    assert process.wait(TIMEOUT_S) == 130
    assert errors == "interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_a_table_fits_the_terminal(database):
    text = _in_terminal(["query", database, "select: id, input | from: project_logs('demo') | limit: 2"], "")
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.replace("\r", "").splitlines()]

    assert any(line.startswith("s0") and line.endswith("x…") for line in lines)
    assert all(len(line) <= 80 for line in lines)
    assert "values that end in … are cut; --format jsonl has all" in " ".join(lines)


def test_binary_formats_refuse_the_terminal(database):
    text = _in_terminal(["query", database, "select: id | from: project_logs('demo')", "-f", "arrow"], "")

    assert "arrow is not for a terminal" in text


def test_the_prompt(database, tmp_path):
    keys = "\\d\rselect: id | from: project_logs('demo') | sort: id\r| limit: 1;\r\x04"
    text = _in_terminal(["shell", database], keys)

    assert "project_logs:demo" in text
    assert "s00000" in text
    assert "1 row in " in text


def _wait_for(condition) -> None:
    limit = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.02)


def _in_terminal(words, keys: str) -> str:
    """Run a command in a terminal of 80 cells, type, and return what the screen was sent."""
    main, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "PROMPT_TOOLKIT_NO_CPR": "1"}
    process = subprocess.Popen(
        [*COMMAND, *words], stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    text = b""
    limit = time.monotonic() + TIMEOUT_S
    typed = not keys
    while time.monotonic() < limit:
        ready, _, _ = select.select([main], [], [], 0.2)
        if ready:
            try:
                data = os.read(main, 65536)
            except OSError:
                break
            if not data:
                break
            text += data
        elif not typed and b"btql>" in text:
            typed = True
            os.write(main, keys.encode())
    os.close(main)
    assert process.wait(TIMEOUT_S) is not None
    return text.decode(errors="replace")


class _Field:
    """Something of a class that is told its name, while which a signal comes."""

    def __init__(self, raised: BaseException) -> None:
        self._raised = raised

    def __set_name__(self, owner: type, name: str) -> None:
        raise self._raised


@pytest.mark.parametrize(("raised", "code"), [(SystemExit(143), 143), (KeyboardInterrupt(), 130)])
def test_a_signal_while_a_class_is_defined_ends_the_command_as_any_does(raised, code):
    def define_a_class() -> None:
        type("Policy", (), {"budget": _Field(raised)})

    with pytest.raises(SystemExit) as ended:
        guarded(define_a_class)()

    assert ended.value.code == code
