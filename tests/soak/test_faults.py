"""Deleting, expiring and purging while each call to the system fails, once or for good."""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path
from shutil import rmtree

import pytest
from storage_support.deleting import holds_when_it_fails_at, prepare


@pytest.mark.parametrize("for_good", [False, True])
def test_each_call_may_fail(scratch: Path, survived: Counter[str], for_good: bool):
    prepare(scratch / "prepared")
    for fail_at in count(1):
        folder = scratch / str(fail_at)
        if not holds_when_it_fails_at(scratch / "prepared", folder, fail_at, for_good=for_good):
            assert fail_at > 60, "there is much that can fail"
            break
        survived["calls that failed while deleting"] += 1
        rmtree(folder)
