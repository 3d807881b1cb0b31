"""Queries made to explode, with as much memory as a query has by default and much more time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from server_support.exploding import QUERIES, QUICK_S, TIME, documents
from soak.conftest import Turn

import btql

TESTS = Path(__file__).parents[1]
ADDRESSES = 12 << 30
PEAK = 4 << 30


@pytest.mark.turn(seconds=60)
def test_exploding_queries(tmp_path: Path, turn: Turn, survived: Counter[str]):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:p", documents())
        conn.compact()
    seconds = max(QUICK_S + 1, turn.left_s / len(QUERIES))
    own = {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, "-m", "server_support.exploding", str(tmp_path / "db"), str(ADDRESSES), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | own, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]

    *told, last = map(json.loads, done.stdout.splitlines())
    for each in told:
        assert each["code"] in (*QUERIES[each["name"]].codes, TIME), each
        survived[each["code"]] += 1
    assert last["peak"] < PEAK
