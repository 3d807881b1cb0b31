"""What a query may take: memory, and disk for what does not fit into it."""

from __future__ import annotations

import gc
import tempfile

import pytest
from server_support.waiting import eventually

import btql
from btql.execution.sessions import sessions

SORTED = "SELECT n, 'x' || n AS t FROM generate_series(1, 2000000) AS s (n) ORDER BY t DESC"
ROWS = 2_000_000


@pytest.fixture
def conn(tmp_path, monkeypatch):
    """A database with little memory for a query, and a folder of its own for what is spilled."""
    spilled = tmp_path / "spilled"
    spilled.mkdir()
    monkeypatch.setenv("TMPDIR", str(spilled))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("BTQL_QUERY_MEMORY_BYTES_MAX", "64MiB")
    with btql.connect(tmp_path / "db") as conn:
        yield conn
    # The frames of an error hold the engine's session; the engine clears up on threads of its own.
    gc.collect()
    sessions.clear()
    eventually(lambda: not list(spilled.rglob("*")))
    assert list(spilled.rglob("*")) == []


def test_what_does_not_fit_into_memory_is_spilled(conn):
    rows = conn.query(SORTED).arrow()
    assert rows.num_rows == ROWS
    assert rows["n"][0].as_py() == 999_999


def test_a_query_that_needs_more_disk_says_so_and_leaves_nothing(conn, monkeypatch):
    monkeypatch.setenv("BTQL_QUERY_SPILL_BYTES_MAX", "4MiB")
    with btql.connect(conn._database.storage.store.label) as little:
        with pytest.raises(btql.ResourceLimit) as caught:
            little.query(SORTED).arrow()
        assert little.query("SELECT 1 AS one").rows() == [{"one": 1}]
    error = caught.value
    assert (error.code, error.sqlstate, error.limit, error.value) == (
        "B0505",
        "53100",
        "query_spill_bytes_max",
        4 << 20,
    )
    assert error.node is not None
    assert error.node.startswith("sorting (`SortExec: ")
    assert "writes more than 4 MiB to disk for what does not fit into memory, the limit `query_spill_byt" in str(error)
    assert "help: sort fewer columns or rows, or add a LIMIT; or raise it with BTQL_QUERY_SPILL_BYTES_MAX" in str(error)
