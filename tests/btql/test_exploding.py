"""Queries made to explode end with an error that says what to do; the process lives, in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from server_support.exploding import QUERIES, QUICK_S, TIME, documents, names

import btql

TESTS = Path(__file__).parents[1]
ADDRESSES = 6 << 30
"""The engine's threads, and what they allocate from, have addresses without memory."""
PEAK = 1_500 << 20
"""The interpreter with the engine has 200 MiB, texts of one batch may have 512."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exploding")
    with btql.connect(folder / "db") as conn:
        conn.ingest("project_logs:p", documents())
        conn.compact()
    (folder / "spilled").mkdir()
    own = {
        "PYTHONPATH": str(TESTS),
        "TMPDIR": str(folder / "spilled"),
        "BTQL_QUERY_MEMORY_BYTES_MAX": "32MiB",
        "BTQL_QUERY_SPILL_BYTES_MAX": "24MiB",
    }
    command = [sys.executable, "-m", "server_support.exploding", str(folder / "db"), str(ADDRESSES), str(QUICK_S)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | own, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert [each for each in (folder / "spilled").rglob("*") if each.is_file()] == []
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["name"]: each for each in told if "name" in each} | {"peak": told[-1]["peak"]}


@pytest.mark.parametrize("name", names(with_long=False))
def test_a_query_that_takes_everything_ends_with_an_error(outcomes, name):
    query, told = QUERIES[name], outcomes[name]
    # A machine that does much else may need all the time that there is.
    assert told["code"] in (*query.codes, TIME), told
    if told["code"] in ("B0504", "B0505"):
        assert "the limit `query_" in told["text"]
        assert f"its costliest step is {query.step}" in told["text"]
        assert "  = help: " in told["text"]


def test_the_process_had_little_memory(outcomes):
    assert outcomes["peak"] < PEAK
