"""Queries that are stopped: by their time limit, and by another thread, wherever they are."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from server_support.endless import LONG
from server_support.waiting import eventually

import btql
from btql.database import Database
from btql.execution import stoppable
from btql.execution.stop import Stop
from btql_storage.collector import collector_paused

PAIRS = """
SELECT count(*) AS n FROM project_logs('p') a JOIN project_logs('p') b ON a.id < b.id || 'x'
JOIN (SELECT id FROM project_logs('p') LIMIT 16) c ON a.id || c.id <> b.id
"""
"""Compares all pairs, several times, for three seconds."""
LONE_PAIRS = "SELECT count(*) AS n FROM project_logs('p') a, project_logs('p') b WHERE repeat(a.id || b.id, 40) = 'x'"
"""Compares all pairs of which none fits: what the engine does not interrupt. It ends after some seconds by itself."""
FOUR_TIMES = """
SELECT count(*) AS n FROM project_logs('p') a, project_logs('p') b, project_logs('p') c, project_logs('p') d
WHERE a.id || b.id || c.id || d.id = 'x'
"""
"""Compares pairs of pairs for days; hardly any fits."""
FEW_KEYS = """
SELECT count(*) AS n FROM generate_series(1, 1000000) a (x) JOIN generate_series(1, 1000000) b (y) ON a.x % 3 = b.y % 3
"""
"""Gives more pairs than could be counted in an hour."""
SORTED = "SELECT input.text FROM project_logs('p') ORDER BY input.text"
LOOK_S = 0.5
"""It is a tenth of a second on a machine that does nothing else."""
PATIENCE_S = 3.0
"""An answer comes within 100 ms on a machine that does nothing else; this one may be busy."""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopping") / "db"
    with btql.connect(folder) as conn:
        conn.ingest("project_logs:p", [{"id": str(n), "input": {"text": "x" * 2_000 + str(n)}} for n in range(3_000)])
        conn.compact()
        conn.ingest("project_logs:p", [{"id": f"late{n}", "input": {"text": "y" * 2_000}} for n in range(200)])
        yield conn._database


@pytest.fixture(scope="module")
def conn(database):
    return btql.Connection(database)


def test_a_query_ends_at_its_time_limit(conn):
    began = time.monotonic()
    with pytest.raises(btql.TimeLimit) as caught:
        conn.query(PAIRS, timeout=0.3).rows()

    assert time.monotonic() - began < 0.3 + PATIENCE_S
    assert caught.value.seconds == 0.3
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("error[B0501]: the query was stopped at its time limit of 0.3 s")
    help_ = "  = help: read less, by a range on `created`, fewer columns or a smaller limit, or allow it more time"
    assert lines[1] == help_


def test_others_are_served_while_a_stopped_join_goes_on(conn):
    with pytest.raises(btql.TimeLimit):
        conn.query(PAIRS, timeout=0.2).rows()

    assert conn.query("SELECT 1 AS one", timeout=60).rows() == [{"one": 1}]
    assert conn.query("SELECT count(*) AS n FROM project_logs('p')", timeout=60).rows() == [{"n": 3_200}]


def test_another_thread_cancels(conn):
    result = conn.query(PAIRS, timeout=60)
    ends = []

    def read():
        with pytest.raises(btql.Cancelled) as caught:
            result.rows()
        ends.append((time.monotonic(), caught.value.code))

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.3)
    cancelled = time.monotonic()
    result.cancel()
    reader.join()

    ((ended, code),) = ends
    assert ended - cancelled < PATIENCE_S
    assert code == "B0502"


def test_only_a_query_with_an_end_can_be_cancelled(conn):
    with pytest.raises(btql.Error, match="only a query that has a timeout"):
        conn.query("SELECT 1").cancel()


@pytest.mark.parametrize(
    "query",
    [
        SORTED,
        "select: input | from: project_logs('p')",
        "infer: input | from: project_logs('p')",
        "measures: count(1) as n | dimensions: id, is_root | pivot: n | from: project_logs('p')",
    ],
)
def test_a_query_stops_between_any_two_steps(database, query):
    """Each check that a whole run makes is where a run may end: stop at the first, the second, the third, …"""
    checks = _Counting()
    found = database.for_one(stop=checks).query(query)
    _ = found.columns, list(found.batches())
    # A run that has to wait for the engine makes more.
    assert checks.made >= 8
    for place in range(1, 9):
        stop = _Counting(place)
        with pytest.raises(btql.Cancelled):
            list(database.for_one(stop=stop).query(query).batches())
        assert stop.made == place


_MANY = ", ".join(f"'{number}'" for number in range(7_500))
STEPS = {
    "a text of 15,000 words": f"SELECT id FROM project_logs('p') WHERE id IN ({_MANY})",
    "many conditions": f"select: id | from: project_logs('p') | filter: {' or '.join(['input.text = 1'] * 500)}",
    "the tail": "SELECT count(*) AS n FROM project_logs('p')",
    "documents that are sorted": SORTED,
    "documents": "select: input | from: project_logs('p')",
    "inferred schemas": "infer: input, metadata | from: project_logs('p')",
    "a pivot": "measures: count(1) as n | dimensions: is_root | pivot: n | from: project_logs('p')",
    "a function in Python": "SELECT id FROM project_logs('p') WHERE similarity(id, 'late') > 2",
}


@pytest.mark.parametrize("name", STEPS)
def test_what_is_done_in_python_looks_often_whether_to_go_on(database, name):
    """It is its own computing that is measured: what else the machine does, and waiting for the engine, takes none."""
    stop = _Gaps()
    # Python's collector would walk what other tests have left.
    with collector_paused():
        for _ in database.for_one(stop=stop).query(STEPS[name]).json():
            stop.check()
        stop.check()
    assert stop.longest_s < LOOK_S


class _Gaps(Stop):
    """Measures how long a thread computes between two looks."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_s = 0.0
        self._last = time.thread_time()

    def check(self) -> None:
        now = time.thread_time()
        self.longest_s = max(self.longest_s, now - self._last)
        super().check()
        self._last = time.thread_time()


class _Counting(Stop):
    """Ends a query at its n-th check."""

    def __init__(self, last: int | None = None) -> None:
        super().__init__()
        self.made = 0
        self._last = last

    def check(self) -> None:
        self.made += 1
        if self.made == self._last:
            self.cancel()
        super().check()


def test_a_stopped_query_lets_its_files_go(conn, database):
    with pytest.raises(btql.TimeLimit):
        conn.query(SORTED, timeout=0.01).rows()
    assert database.storage._folder.parts.pinned() == set()


def test_a_limit_that_is_not_reached_changes_nothing(conn):
    assert conn.query(SORTED, timeout=60).rows() == conn.query(SORTED).rows()


def test_time_of_others_does_not_count():
    stop = Stop(0.05)
    stop.add(60)
    time.sleep(0.1)
    stop.check()


def test_joins_wait_while_too_many_cannot_be_interrupted(conn, monkeypatch):
    monkeypatch.setattr(stoppable, "left_behind", lambda: 4)
    with pytest.raises(btql.EngineError) as caught:
        conn.query(PAIRS, timeout=60).rows()
    assert caught.value.code == "B0503"
    assert "4 queries that were stopped" in str(caught.value)
    assert conn.query("SELECT 1 AS one", timeout=60).rows() == [{"one": 1}]

    monkeypatch.setattr(stoppable, "left_behind", lambda: stoppable.LEFT_BEHIND_MAX)
    with pytest.raises(btql.EngineError, match="B0503"):
        conn.query("SELECT 2 AS two", timeout=60).rows()


def test_what_is_left_behind_is_counted_until_it_ends(conn):
    # What tests before this one have left may take a while on a busy machine.
    eventually(lambda: stoppable.left_behind() == 0, 120)

    def left_one():
        # On a busy machine the time may be over before the engine has begun.
        with pytest.raises(btql.TimeLimit):
            conn.query(LONE_PAIRS, timeout=0.2).rows()
        return stoppable.left_behind() >= 1

    eventually(left_one)
    eventually(lambda: stoppable.left_behind() == 0)


KEEPER = """
import sys, time
import btql

with btql.connect(sys.argv[1], read_only=True) as conn:
    try:
        list(getattr(conn.query(sys.argv[2], timeout=float(sys.argv[4])), sys.argv[3])())
    except btql.TimeLimit as error:
        kept = error
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        began = time.process_time()
        time.sleep(0.5)
        if time.process_time() - began < 0.03:
            sys.exit(f"at rest, {kept.seconds}")
sys.exit("the query goes on")
"""
"""Keeps the error of a query, and waits until the process takes no time: in one of its own, where nothing else runs."""


@pytest.mark.parametrize(
    ("query", "read", "timeout"),
    [
        (PAIRS, "rows", 0.05),
        (LONG, "rows", 0.05),
        (SORTED, "rows", 0.05),
        (LONG, "batches", 0.5),
        (FOUR_TIMES, "rows", 3.0),
        (FEW_KEYS, "rows", 3.0),
    ],
)
def test_what_gives_way_ends_though_its_error_is_kept(database, query, read, timeout):
    command = [sys.executable, "-c", KEEPER, database.storage._folder.store.label, query, read, str(timeout)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == f"at rest, {timeout}\n"


def test_a_database_for_one_query_sees_what_the_whole_sees(database):
    assert isinstance(database.for_one(), Database)
    assert database.for_one().query("SELECT count(*) AS n FROM project_logs('p')").rows() == [{"n": 3_200}]


def test_a_defect_of_the_engine_is_an_error_like_any_other(conn, monkeypatch):
    # DataFusion 55 panics where the left side of such a join does not fit into memory: it reads the right side once
    # more, and that is repartitioned, which cannot be read again. Should this begin to work, look for another.
    monkeypatch.setenv("BTQL_QUERY_MEMORY_BYTES_MAX", "16MiB")
    conn.ingest("project_logs:few", [{"id": str(number), "input": {"n": number}} for number in range(100)])
    text = """
    SELECT count(*) AS n FROM project_logs('few') a, project_logs('few') b, project_logs('few') c,
    unnest([1, 2, 3, 4]) AS d (n) WHERE a.input.n + b.input.n > c.input.n + d.n
    """
    with (
        btql.connect(conn._database.storage.store.label) as little,
        pytest.raises(btql.EngineError, match="defect"),
    ):
        little.query(text).rows()
    assert conn.query("SELECT 3 AS three", timeout=60).rows() == [{"three": 3}]
