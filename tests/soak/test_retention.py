"""Many orders of policies, deletes and purges, against the model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from shutil import rmtree

import pytest
from soak.conftest import Turn
from storage_support.retention_model import Play


@pytest.mark.turn(share=2)
def test_retention(scratch: Path, turn: Turn, survived: Counter[str]):
    for seed in turn.seeds():
        Play(seed, scratch / str(seed)).run(60)
        survived["orders of policies, deletes and purges"] += 1
        rmtree(scratch / str(seed))
