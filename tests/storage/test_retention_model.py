"""Policies, deletes and purges in any order show, and leave in files, what a model in plain Python says."""

from __future__ import annotations

from pathlib import Path

import pytest
from storage_support.retention_model import Play


@pytest.mark.parametrize("seed", range(1, 3))
def test_what_is_kept_and_what_is_gone(quick_path: Path, seed: int):
    Play(seed, quick_path).run(40)
