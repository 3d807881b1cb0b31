"""psql: what people type at its prompt, and what scripts have it do."""

from __future__ import annotations

import csv
import io
import os
import pty
import select
import signal
import subprocess
import time

import pytest
from server_support.endless import ENDLESS, LONG
from server_support.pg import ROWS
from server_support.waiting import eventually

WAIT_S = 60


@pytest.fixture
def psql(door):
    """A function that gives psql a script, and returns its exit status and what it prints."""

    def psql(script, *options, **environment):
        command = ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", *options]
        return subprocess.run(
            command,
            input=script,
            env=door.environment(**environment),
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )

    return psql


def lines(done):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_script(psql):
    found = psql(
        r"""
        SELECT 1; SELECT 'a;b', NULL, '', 'naïve ☂'; SELECT 1 \; SELECT 2 ;
        \pset null ∅
        SELECT id, input->>'text', scores ->> 'Factuality', tags FROM demo ORDER BY id LIMIT 2;
        \set model gpt-5
        \set n 3
        SELECT count(*) FROM demo WHERE metadata.model = :'model' AND input.n < :n;
        SELECT id AS first FROM demo ORDER BY id LIMIT 1 \gset
        \echo :first
        SELECT 1 AS a, true AS b \gdesc
        """
    )

    assert lines(found) == [
        "1",
        "a;b|||naïve ☂",
        "1",
        "2",
        r"""r000||∅|{even,"with \"quotes\", {braces}"}""",
        "r001|naïve ☂ 天気|0.1|∅",
        "1",
        "r000",
        "a|bigint",
        "b|boolean",
    ]


def test_btql(psql):
    found = psql(
        """from: project_logs('demo')
        | select: id, (input.n > 0 ? 'a;b' : 'c%d') as kind, {"n": input.n, text: input.text} as both, 7 % 4 as rest
        | sort: id
        | limit: 2;
        """
    )

    assert lines(found) == [
        'r000|c%d|{"n":0,"text":""}|3',
        'r001|a;b|{"n":1,"text":"naïve ☂ 天気"}|3',
    ]


def test_a_variable_of_psql_is_put_into_braces_unless_there_is_a_space(psql):
    found = psql(
        """\\set id 'put in'
        from: project_logs('demo') | select: {"n": id} as x | sort: id | limit: 1;
        from: project_logs('demo') | select: {"n":input.n} as x | sort: id | limit: 1;
        from: project_logs('demo') | select: {"n":id} as x | sort: id | limit: 1;
        """
    )

    assert found.stdout.splitlines() == ['{"n":"r000"}', '{"n":0}']
    # psql itself has put its variable in before the text was sent.
    assert "LINE 1: from: project_logs('demo') | select: {\"n\"put in}" in found.stderr


def test_a_mistake_is_marked_with_a_caret(psql):
    sql = psql("SELECT id,\n  lenght(id) FROM demo;", "--set", "VERBOSITY=verbose")
    wide = psql("SELECT '天☂', lenght(id) FROM demo;")
    btql = psql("from: project_logs('demo') | select: lenght(id);")
    scripted = psql("SELECT 1; SELECT 1 +; SELECT 2;", "--set", "ON_ERROR_STOP=1", "--file", "-")

    assert "ERROR:  42883: " in sql.stderr
    assert "LINE 2:   lenght(id) FROM demo;\n          ^" in sql.stderr
    assert "HINT:  did you mean `length`?" in sql.stderr
    caret = wide.stderr.split("LINE 1: ")[1].splitlines()[1]
    # Each wide character takes two cells, and psql knows it.
    assert caret.index("^") == len("LINE 1: SELECT '天☂', ") + 1
    assert "LINE 1: from: project_logs('demo') | select: lenght(id)" in btql.stderr
    assert scripted.returncode == 3
    assert scripted.stdout == "1\n"


def test_a_failed_transaction_takes_nothing_until_it_is_rolled_back(psql):
    found = psql("BEGIN; SELECT 1; SELECT nothing(1); SELECT 2; ROLLBACK; SELECT 3;", "--set", "VERBOSITY=sqlstate")

    assert [line for line in found.stdout.splitlines() if line.isdecimal()] == ["1", "3"]
    assert found.stderr.splitlines() == ["ERROR:  42883", "ERROR:  25P02"]


@pytest.mark.parametrize("form", ["csv", "text", "binary"])
def test_copy_out_and_in_again(psql, tmp_path, form):
    file = tmp_path / "rows"
    there = psql(rf"\copy (SELECT id, input, tags FROM demo ORDER BY id) TO '{file}' WITH (FORMAT {form})")
    back = psql(
        rf"\copy project_logs.psql_{form} (id, input, tags) FROM '{file}' WITH (FORMAT {form})"
        f"\nSELECT count(*) FROM project_logs.psql_{form};"
        f"\nSELECT id, input, tags FROM project_logs.psql_{form} ORDER BY id LIMIT 2;"
    )

    assert lines(there) == []
    assert lines(back) == [
        str(ROWS),
        r"""r000|{"n":0,"text":""}|{even,"with \"quotes\", {braces}"}""",
        'r001|{"n":1,"text":"naïve ☂ 天気"}|',
    ]
    if form == "csv":
        rows = list(csv.reader(io.StringIO(file.read_text())))
        assert rows[:2] == [
            ["r000", '{"n":0,"text":""}', r'{even,"with \"quotes\", {braces}"}'],
            ["r001", '{"n":1,"text":"naïve ☂ 天気"}', ""],
        ]


def test_copy_of_a_wrong_file_says_where_and_writes_nothing(psql, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("id,tags\na,{x}\nb,no array\n")
    found = psql(
        rf"\copy project_logs.psql_wrong (id, tags) FROM '{file}' WITH (FORMAT csv, HEADER)"
        "\nSELECT count(*) FROM project_logs.psql_wrong;"
    )

    assert "line 3" in found.stderr
    assert "tags" in found.stderr
    assert "1" not in found.stdout.splitlines()


def test_ctrl_c_ends_the_query_and_not_the_session(door):
    for mode in ("disable", "require"):
        output = _interrupted(door, mode, f"{LONG};\n", "SELECT 40 + 2;\n\\q\n")

        assert "ERROR:  canceling statement due to user request" in output, output
        assert "42" in output.split("canceling statement")[1]


def _interrupted(door, mode, first, then):
    """Return what psql shows on a terminal where Ctrl-C is typed while the server runs the first statement."""
    leader, follower = pty.openpty()
    command = ["psql", "--no-psqlrc", "--no-align", "--tuples-only", "--no-readline"]
    environment = door.environment(PGSSLMODE=mode)
    begun = door.one_more_runs()
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True
    ) as process:
        os.close(follower)
        try:
            os.write(leader, first.encode())
            eventually(begun, WAIT_S)
            process.send_signal(signal.SIGINT)
            os.write(leader, then.encode())
            output = _all_of(leader)
            process.wait(WAIT_S)
        finally:
            process.kill()
            os.close(leader)
    return output


def _all_of(terminal):
    output = b""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 65_536)
        except OSError:
            break
        if not piece:
            break
        output += piece
    return output.decode()


def test_an_endless_answer_is_read_in_pieces(psql):
    found = psql(f"\\set FETCH_COUNT 100\n{ENDLESS} LIMIT 1000;")

    assert len(lines(found)) == 1000


def test_tls(door, psql):
    def whether(mode, host="localhost", authority=door.authority):
        return psql(r"\conninfo", PGSSLMODE=mode, PGHOST=host, PGSSLROOTCERT=str(authority), PGHOSTADDR=door.host)

    for mode in ("prefer", "require", "verify-ca", "verify-full"):
        assert "SSL connection (protocol: TLSv1.3" in whether(mode).stdout, mode
    assert "SSL connection" not in whether("disable").stdout
    assert 'does not match host name "elsewhere"' in whether("verify-full", "elsewhere").stderr


def test_a_wrong_password_and_an_unknown_user_look_alike(psql):
    wrong = psql("SELECT 1", PGPASSWORD="sk-nonsense")
    unknown = psql("SELECT 1", PGUSER="nobody@example.com", PGPASSWORD="sk-nonsense")

    assert wrong.returncode == unknown.returncode == 2
    said = [done.stderr.split("FATAL:")[1].replace("nobody@", "ann@") for done in (wrong, unknown)]
    assert said[0] == said[1]
    assert 'password authentication failed for user "ann@example.com"' in said[0]


def test_meta_commands(psql):
    found = psql(
        r"""
        \dn
        \dt project_logs.*
        \d project_logs.demo
        \d+ project_logs.demo
        \l
        \df
        \du
        \dT
        \di
        \dv
        \conninfo
        \encoding
        """
    )

    assert {*found.stderr.splitlines()} <= {"Did not find any relations."}
    assert "project_logs" in found.stdout
    assert "demo" in found.stdout
    assert "metadata|jsonb" in found.stdout
    assert "tags|text[]" in found.stdout
    assert "created|timestamp with time zone" in found.stdout


def test_the_list_of_what_can_be_set(psql):
    found = psql(
        """
        SET statement_timeout = '200ms';
        SHOW statement_timeout;
        SET TIME ZONE 'UTC';
        SHOW TimeZone; SHOW server_version; SHOW server_encoding; SHOW transaction_isolation;
        SELECT current_setting('application_name');
        RESET statement_timeout;
        """,
        PGAPPNAME="a test",
    )

    shown = lines(found)
    assert "200ms" in shown
    assert "UTC" in shown
    assert "UTF8" in shown
    assert "a test" in shown
