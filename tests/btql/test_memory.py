"""What a query may take: memory, and disk for what does not fit into it."""

from __future__ import annotations

import gc
import tempfile

import pytest
from server_support.waiting import eventually

import btql
from btql.execution import run

SORTED = "SELECT n, 'x' || n AS t FROM generate_series(1, 2000000) AS s (n) ORDER BY t DESC"
ROWS = 2_000_000


@pytest.fixture
def conn(tmp_path, monkeypatch):
    """A database with little memory for a query, and a folder of its own for what is spilled."""
    spilled = tmp_path / "spilled"
    spilled.mkdir()
    monkeypatch.setenv("TMPDIR", str(spilled))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(run, "MEMORY_BYTES", 64 << 20)
    with btql.connect(tmp_path / "db") as conn:
        yield conn
    # The frames of an error hold the engine's session; the engine clears up on threads of its own.
    gc.collect()
    eventually(lambda: not list(spilled.rglob("*")))
    assert list(spilled.rglob("*")) == []


def test_what_does_not_fit_into_memory_is_spilled(conn):
    rows = conn.query(SORTED).arrow()
    assert rows.num_rows == ROWS
    assert rows["n"][0].as_py() == 999_999


def test_a_query_that_needs_more_says_so_and_leaves_nothing(conn, monkeypatch):
    monkeypatch.setattr(run, "SPILL_BYTES", 4 << 20)
    with pytest.raises(btql.EngineError, match="more than the 64 MiB of memory and the 4 MiB of disk") as caught:
        conn.query(SORTED).arrow()
    assert caught.value.sqlstate == "53200"
    assert conn.query("SELECT 1 AS one").rows() == [{"one": 1}]
