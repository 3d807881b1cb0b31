"""Documents of 50 MB and a trace of 100,000 spans: nothing is cut, and memory does not grow with how many there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from soak.conftest import SECONDS

TESTS = Path(__file__).parents[1]
DOCUMENT_BYTES = 50_000_000
SPANS = 100_000
FEW, MANY = 4, 8
PART = min(1.0, SECONDS / 1_800)
"""In a soak of less than half an hour all is smaller."""


def _measured(folder: Path, *words: str) -> dict[str, Any]:
    """Run the child; return what it tells."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, "-m", "storage_support.large_child", str(folder), *words]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


@pytest.mark.turn(seconds=90)
def test_large_documents(tmp_path: Path, survived: Counter[str]):
    # Smaller ones would all fit into what may be held, and the more there are of them, the more is.
    size = str(int(DOCUMENT_BYTES * max(PART, 0.5)))
    few = _measured(tmp_path / "few", "documents", str(FEW), size)
    many = _measured(tmp_path / "many", "documents", str(MANY), size)

    print("peaks in MiB", few["peaks_mib"], many["peaks_mib"])
    assert many["found"] == many["written"]
    assert many["matched"] == sorted(str(n) for n in range(MANY) if n % 4 < 2)
    for step, peak in many["peaks_mib"].items():
        assert peak < 1.25 * few["peaks_mib"][step], step
    survived.update({"large documents": FEW + MANY, "MiB at most": max(many["peaks_mib"].values())})


@pytest.mark.turn(seconds=40)
def test_a_large_trace(tmp_path: Path, survived: Counter[str]):
    spans = int(SPANS * PART)
    told = _measured(tmp_path / "trace", "trace", str(spans), "2000")

    print("peaks in MiB", told["peaks_mib"])
    assert told["rows"] == [spans] * 3
    assert (told["tokens"], told["segments"]) == (spans, [1])
    assert max(told["peaks_mib"].values()) < 2_048
    survived.update({"spans of one trace": spans, "MiB at most": max(told["peaks_mib"].values())})
