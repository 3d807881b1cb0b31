"""The memory and the cores of a process among its queries."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pyarrow as pa
import pytest
from server_support.waiting import eventually

import btql
from btql.execution import admission as module
from btql.execution.admission import Admission, Turns, grants_of
from btql.execution.stop import Stop
from btql_storage.limits import DEFAULT

MIB = 1 << 20
LIMITS = replace(DEFAULT, query_memory_bytes_max=256 * MIB, memory_bytes_max=1024 * MIB)
PAIRS = (
    "SELECT count(*) AS n FROM generate_series(1, 2000000) a (x) JOIN generate_series(1, 2000000) b (y) ON a.x = b.y"
)


def _sizes(ledger: Admission, count: int, work: module.Work = "interactive", *, holds: bool = True) -> list[int]:
    return [ledger.grant(LIMITS, work, None, holds=holds).memory_bytes // MIB for _ in range(count)]


def test_grants_are_large_while_there_is_plenty():
    assert _sizes(Admission(), 7) == [256, 256, 256, 32, 32, 32, 32]


def test_the_first_query_on_a_small_machine_leaves_room_for_others():
    limits = replace(DEFAULT, query_memory_bytes_max=1024 * MIB, memory_bytes_max=1024 * MIB)
    ledger = Admission()
    grants = [ledger.grant(limits, "interactive", None, holds=True) for _ in range(5)]
    assert [each.memory_bytes // MIB for each in grants] == [512, 128, 128, 128, 128]
    assert not any(each.is_full for each in grants)
    for each in grants:
        ledger.release(each)
    assert ledger.grant(limits, "bulk", None, holds=True, full=True).memory_bytes == 1024 * MIB


def test_who_looks_at_one_row_at_a_time_gets_little():
    assert _sizes(Admission(), 3, holds=False) == [32, 32, 32]


def test_exports_never_get_the_last_of_the_memory():
    ledger = Admission()
    assert _sizes(ledger, 3, "bulk") == [256, 256, 32]
    assert _sizes(ledger, 2) == [32, 32]


def test_who_needs_it_waits_for_a_full_grant():
    ledger = Admission()
    held = [ledger.grant(LIMITS, "interactive", None, holds=True, full=True) for _ in range(4)]
    found: list[module.Grant] = []
    waiting = threading.Thread(
        target=lambda: found.append(ledger.grant(LIMITS, "interactive", None, holds=True, full=True))
    )
    waiting.start()
    with pytest.raises(btql.TimeLimit):
        ledger.grant(LIMITS, "interactive", Stop(0.01), holds=True, full=True)
    assert not found
    ledger.release(held[0])
    waiting.join()
    assert found == [grants_of(LIMITS)[0]]
    assert (ledger.memory_bytes, ledger.grants) == (1024 * MIB, 4)


def test_an_error_says_who_has_the_memory(monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.0)
    ledger = Admission()
    _sizes(ledger, 11)
    with pytest.raises(btql.ResourceLimit) as caught:
        ledger.grant(LIMITS, "interactive", None, holds=True)
    assert (caught.value.code, caught.value.limit, caught.value.value) == ("B0507", "memory_bytes_max", 1024 * MIB)
    assert "1,024 MiB (`memory_bytes_max`), was held by 11 other queries" in str(caught.value)


def test_bulk_queries_take_turns_and_interactive_ones_do_not_wait():
    ledger, limits = Admission(), replace(LIMITS, bulk_queries_max=1)
    with (
        ledger.computing_as("bulk", limits),
        ledger.computing_as("interactive", limits),
        pytest.raises(btql.TimeLimit),
        ledger.computing_as("bulk", limits, Stop(0.01)),
    ):
        pass
    assert ledger.computing == {"bulk": 0, "interactive": 0}
    with ledger.computing_as("bulk", limits):
        assert ledger.computing["bulk"] == 1


def test_a_bulk_query_rests_while_others_compute():
    ledger = Admission()
    rested: list[float] = []

    def rest():
        began = time.monotonic()
        ledger.rest(60, None)
        rested.append(time.monotonic() - began)

    rest()
    assert rested.pop() < 0.2
    with ledger.computing_as("interactive", LIMITS):
        thread = threading.Thread(target=rest)
        thread.start()
        thread.join()
    assert rested[0] >= module.REST_MAX_S


def test_what_computes_for_long_becomes_bulk(monkeypatch):
    monkeypatch.setattr(module, "INTERACTIVE_S", 0.0)
    turns = Turns("interactive", LIMITS, None)
    batch = pa.record_batch({"n": [1]})
    assert turns.next(iter([batch])) is batch
    assert turns.work == "bulk"
    assert turns.next(iter(())) is None


def test_what_gives_many_rows_becomes_bulk(monkeypatch):
    monkeypatch.setattr(module, "INTERACTIVE_ROWS", 3)
    batch = pa.record_batch({"n": [1, 2]})
    turns, batches = Turns("interactive", LIMITS, None), iter([batch, batch])
    turns.next(batches)
    assert turns.work == "interactive"
    turns.next(batches)
    assert turns.work == "bulk"
    assert turns.next(batches) is None


def test_a_bulk_query_rests_while_requests_are_written(monkeypatch):
    ledger = Admission()
    ledger.rest(0.05, None)
    assert ledger.waited_s["rested"] == 0

    ledger.wrote()
    ledger.rest(0.05, None)
    assert ledger.waited_s["rested"] >= 0.05

    monkeypatch.setattr(module, "WRITING_S", 0.0)
    before = ledger.waited_s["rested"]
    ledger.rest(0.05, None)
    assert ledger.waited_s["rested"] == before


def test_a_query_that_fails_with_little_memory_begins_again_with_more(tmp_path, monkeypatch):
    monkeypatch.setenv("BTQL_QUERY_MEMORY_BYTES_MAX", "256MiB")
    grants: list[bool] = []
    mine, grant, release = threading.get_ident(), module.admission.grant, module.admission.release

    # Servers of other tests, on threads of this process, may ask for memory meanwhile.
    def small_first(limits, work, stop, *, holds, full=False):
        if threading.get_ident() != mine:
            return grant(limits, work, stop, holds=holds, full=full)
        grants.append(full)
        return grants_of(limits)[0 if full else 1]

    monkeypatch.setattr(module.admission, "grant", small_first)
    monkeypatch.setattr(
        module.admission, "release", lambda given: None if threading.get_ident() == mine else release(given)
    )
    with btql.connect(tmp_path / "db") as conn:
        assert conn.query(PAIRS).rows() == [{"n": 2_000_000}]
    assert grants == [False, True]


def test_a_grant_is_given_back_however_a_query_ends(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        before = module.admission.grants
        conn.query("SELECT 1 AS one").rows()
        result = conn.query("SELECT n FROM generate_series(1, 1000000) s (n)")
        next(result.batches())
        assert module.admission.grants == before + 1
        result.close()
        with pytest.raises(btql.TimeLimit):
            conn.query("SELECT sum(n) AS n FROM generate_series(1, 1000000000000) s (n)", timeout=0.05).rows()
        eventually(lambda: module.admission.grants == before)


def test_an_answer_with_too_many_rows_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("BTQL_ANSWER_ROWS_MAX", "3")
    with btql.connect(tmp_path / "db") as conn:
        assert len(conn.query("SELECT n FROM generate_series(1, 3) s (n)").rows()) == 3
        with pytest.raises(btql.ResourceLimit, match="more than 3 rows, the limit `answer_rows_max`") as caught:
            conn.query("SELECT n FROM generate_series(1, 4) s (n)").rows()
    assert caught.value.code == "B0506"


def test_reading_all_of_something_large_is_an_export(tmp_path, monkeypatch):
    monkeypatch.setattr("btql.database._EXPORT_ROWS", 2)
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:p", [{"id": str(n)} for n in range(3)])
        exports = {
            "select: * | from: project_logs('p')": True,
            "SELECT id FROM p ORDER BY created": True,
            "select: * | from: project_logs('p') | limit: 1": False,
            "select: id | from: project_logs('p') | filter: id = '1'": False,
            "dimensions: id | measures: count(1) as n | from: project_logs('p')": False,
            "SELECT 1 AS one": False,
        }
        assert {text: conn.query(text).is_bulk for text in exports} == exports


def test_a_limit_of_time_holds_for_all_queries(tmp_path, monkeypatch):
    monkeypatch.setenv("BTQL_QUERY_SECONDS_MAX", "0.05")
    with btql.connect(tmp_path / "db") as conn:
        for timeout in (None, 60):
            with pytest.raises(btql.TimeLimit) as caught:
                conn.query("SELECT sum(n) AS n FROM generate_series(1, 1000000000000) s (n)", timeout=timeout).rows()
            assert caught.value.seconds == 0.05
