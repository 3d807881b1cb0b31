"""What a statement about the catalog cannot do."""

from __future__ import annotations

import threading
import time

import pytest

from btql.errors import Cancelled, TimeLimit
from btql.execution.stop import Stop
from btql_server.pgwire.catalog.refused import Refused

DOUBLED = "SELECT x || x AS x FROM (" * 12 + "SELECT amname || amname AS x FROM pg_am" + ") AS y" * 12
REFUSED = {
    "SELECT relname, input FROM project_logs.demo, pg_class": "0A000",
    "SELECT * FROM pg_class WHERE relname IN (SELECT id FROM demo)": "0A000",
    "SELECT * FROM pg_class, main.seen_1": "0A000",
    "SELECT * FROM pg_class, b_tables": "0A000",
    "SELECT * FROM pg_class, pgc.pg_class AS x": "0A000",
    "SELECT * FROM pg_class, 'file.csv'": "0A000",
    'SELECT * FROM pg_class, "/etc/passwd"': "0A000",
    "SELECT * FROM pg_class, read_csv('/etc/passwd')": "42883",
    "SELECT * FROM pg_class, read_text('/etc/passwd')": "42883",
    "SELECT * FROM pg_class, glob('/*')": "42601",
    "SELECT * FROM pg_class, duckdb_settings()": "42883",
    "SELECT * FROM pg_class, query('SELECT 1')": "42883",
    "SELECT * FROM pg_class, query_table('seen_1')": "42883",
    "SELECT * FROM pg_class, pragma_table_info('b_tables')": "42883",
    "SELECT pg_read_file('/etc/passwd')": "42883",
    "SELECT pg_ls_dir('/')": "42883",
    "SELECT pg_terminate_backend(1)": "42883",
    "SELECT pg_sleep(1)": "42883",
    "SELECT getvariable('b_tables') FROM pg_class": "42883",
    "SELECT getenv('HOME') FROM pg_class": "42883",
    "SELECT nextval('x') FROM pg_class": "42883",
    "SELECT b_name_of_regclass(1) FROM pg_class": "42883",
    "SELECT error('x') FROM pg_class": "42883",
    "SELECT * FROM pg_nothing, pg_class": "42P01",
    "SELECT * FROM information_schema.nothing": "42P01",
    "SELECT 'nothing'::regclass": "42P01",
    "SELECT 'nothing'::regtype": "42704",
    "SELECT 'x'::nothing FROM pg_class": "42704",
    "SELECT nothing FROM pg_class": "42703",
    "SELECT x.relname FROM pg_class c": "42P01",
    "SELECT relname FROM pg_class WHERE": "42601",
    "SELECT relname FROM pg_class; DROP TABLE x": "42601",
    "SELECT * INTO x FROM pg_class": "42501",
    "WITH x AS (DELETE FROM pg_class RETURNING *) SELECT * FROM x": "42501",
    "UPDATE pg_settings SET setting = 'x'": "42501",
    "INSERT INTO pg_class SELECT * FROM pg_class": "42501",
    "DELETE FROM pg_catalog.pg_class": "42501",
    "SELECT 'a'::int FROM pg_class": "22P02",
    "SELECT '{1,2'::int[] FROM pg_class": "22P02",
    "SELECT a.*, b.* FROM pg_attribute a, pg_attribute b": "54000",
    "SELECT repeat('x', 1000000000) FROM pg_class": "42883",
    "SELECT generate_series(1, 1000000000) FROM pg_am": "0A000",
    "SELECT i FROM generate_series(1, 1000000000) AS i, pg_am": "0A000",
    "WITH RECURSIVE t(x) AS (SELECT amname FROM pg_am UNION ALL SELECT x || x FROM t) SELECT * FROM t": "54001",
    DOUBLED: "54001",
    "SELECT current_user" + " + 1" * 60_000: "54000",
    "SELECT current_user, " + "(" * 2_000 + "1" + ")" * 2_000: "54001",
}  # fmt: skip


@pytest.mark.parametrize("sql", [pytest.param(sql, id=sql[:60]) for sql in REFUSED])
def test_refused(ask, sql):
    with pytest.raises(Refused) as refused:
        ask.rows(sql)

    assert refused.value.sqlstate == REFUSED[sql]
    assert "duckdb" not in refused.value.message.lower() or "duckdb" in sql


def test_an_error_says_where_and_what_to_do(ask):
    with pytest.raises(Refused) as mixed:
        ask.rows("SELECT 1 FROM project_logs.demo, pg_class")
    with pytest.raises(Refused) as wrong:
        ask.rows("SELECT relname FROM pg_class WHERE ORDER BY 1")

    assert '"project_logs.demo"' in mixed.value.message
    assert mixed.value.hint == "ask for rows and for the catalog in statements of their own"
    assert wrong.value.position is not None


ENDLESS = "SELECT count(*) FROM pg_attribute a, pg_attribute b, pg_attribute c WHERE a.attname || b.attname > c.attname"


def test_a_statement_ends_at_its_time_limit(ask):
    began = time.monotonic()
    with pytest.raises(TimeLimit):
        ask.catalog.run(ENDLESS, ask.directory, ask.session, stop=Stop(0.3))

    assert time.monotonic() - began < 10


def test_a_statement_is_cancelled_from_another_thread(ask):
    stop = Stop()
    threading.Timer(0.2, stop.cancel).start()

    with pytest.raises(Cancelled):
        ask.catalog.run(ENDLESS, ask.directory, ask.session, stop=stop)

    assert ask.rows("SELECT count(*) FROM pg_am") == [(2,)]


def test_memory_is_bounded(ask):
    with pytest.raises(Refused) as refused:
        ask.rows("SELECT array_length(array_agg(a.attname), 1) FROM pg_attribute a, pg_attribute b, pg_attribute c")

    assert refused.value.sqlstate == "53200"
    assert ask.rows("SELECT count(*) FROM pg_am") == [(2,)]


def test_several_threads_ask_at_once(ask):
    found: list[int] = []

    def look() -> None:
        found.extend(
            len(ask.rows("SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid"))
            for _ in range(3)
        )

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 12
    assert len(set(found)) == 1
