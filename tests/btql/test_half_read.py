"""Answers that are half read, while others wait for the memory that they hold."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

import btql
from btql.execution import admission, reader, run
from btql.execution.reader import Reader

SERIES = "SELECT n FROM generate_series(1, 1000000) s (n)"


@pytest.fixture
def ledger(monkeypatch):
    """A ledger that other tests of this process know nothing of."""
    found = admission.Admission()
    monkeypatch.setattr(run, "admission", found)
    return found


@pytest.fixture
def conn(tmp_path, monkeypatch, ledger):
    """A database with memory for two queries."""
    monkeypatch.setenv("BTQL_QUERY_MEMORY_BYTES_MAX", "32MiB")
    monkeypatch.setenv("BTQL_MEMORY_BYTES_MAX", "32MiB")
    monkeypatch.setattr(reader, "STALLED_S", 0.3)
    monkeypatch.setattr(admission, "PATIENCE_S", 0.0)
    with btql.connect(tmp_path / "db") as found:
        yield found


def _begun(conn, **options):
    batches = conn.query(SERIES, **options).batches()
    return batches, next(batches).num_rows


def _rest(begun):
    batches, count = begun
    return count + sum(batch.num_rows for batch in batches)


@pytest.mark.parametrize("options", [{}, {"timeout": 60}], ids=["", "with a timeout"])
def test_what_nobody_reads_on_is_ended_for_others(conn, ledger, options):
    first, second = _begun(conn, **options), _begun(conn, **options)
    began = time.monotonic()
    assert conn.query("SELECT count(*) AS n FROM generate_series(1, 10) s (n)").rows() == [{"n": 10}]
    assert time.monotonic() - began < 10

    assert _rest(second) == 1_000_000
    with pytest.raises(btql.ResourceLimit) as caught:
        _rest(first)
    assert (caught.value.code, caught.value.limit, caught.value.value) == ("B0508", "memory_bytes_max", 32 << 20)
    assert caught.value.sqlstate == "57014"
    assert "nothing of the answer was taken for 0 s while other queries waited for memory" in str(caught.value)
    assert (ledger.memory_bytes, ledger.grants) == (0, 0)


def test_an_answer_is_read_as_slowly_as_one_likes_while_nobody_waits(conn):
    first, second = _begun(conn), _begun(conn)
    time.sleep(0.5)
    assert _rest(first) == _rest(second) == 1_000_000


def test_who_reads_on_is_not_ended(conn):
    first, second = _begun(conn), _begun(conn)
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(conn.query("SELECT 1 AS one").rows()))
    waiting.start()
    batches, count = first
    for batch in batches:
        count += batch.num_rows
        time.sleep(0.01)
    assert count == 1_000_000
    waiting.join()
    assert found == [[{"one": 1}]]
    with pytest.raises(btql.ResourceLimit):
        _rest(second)


def test_what_an_ended_answer_was_made_of_goes_without_the_garbage_collector():
    class Held:
        """Stands for what a frame holds."""

    def ask(ended):
        held = Held()
        seen.append(weakref.ref(held))
        ended.asks()

    seen: list[weakref.ref[Held]] = []
    ended = Reader()
    ended.end(reader.stalled(1, 1))
    gc.disable()
    try:
        with pytest.raises(btql.ResourceLimit, match="B0508"):
            ask(ended)
        assert seen[0]() is None
    finally:
        gc.enable()


def test_an_answer_that_is_asked_for_more_is_not_ended():
    asked = Reader()
    asked.asks()
    error = reader.stalled(1, 1)
    assert not asked.end(error)
    asked.takes()
    assert asked.end(error)
    assert not asked.end(reader.stalled(1, 1))
    with pytest.raises(btql.ResourceLimit):
        asked.asks()


def test_an_ended_answer_that_is_closed_gives_its_memory_back_once(conn, ledger):
    first, second = _begun(conn), _begun(conn)
    conn.query("SELECT count(*) AS n FROM generate_series(1, 10) s (n)").rows()
    for batches, _ in (first, second):
        batches.close()
    assert (ledger.memory_bytes, ledger.grants) == (0, 0)
