"""Each call to the system fails, once or for good: while writing and compacting, and while deleting and purging."""

from __future__ import annotations

import errno
from collections import Counter
from pathlib import Path
from shutil import rmtree

import pytest
from soak.conftest import Turn
from storage_support import deleting, failing


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_writing(scratch: Path, turn: Turn, survived: Counter[str], error: int, for_good: bool):
    for fail_at in turn.some_of(range(1, failing.calls(scratch / "whole") + 1)):
        folder = scratch / str(fail_at)
        assert failing.holds_when_it_fails_at(folder, fail_at, error, for_good=for_good)
        survived["calls that failed while writing"] += 1
        rmtree(folder)


@pytest.mark.parametrize("for_good", [False, True])
def test_deleting(scratch: Path, turn: Turn, survived: Counter[str], for_good: bool):
    prepared = scratch / "prepared"
    deleting.prepare(prepared)
    for fail_at in turn.some_of(range(1, deleting.calls(prepared, scratch / "whole") + 1)):
        folder = scratch / str(fail_at)
        assert deleting.holds_when_it_fails_at(prepared, folder, fail_at, for_good=for_good)
        survived["calls that failed while deleting"] += 1
        rmtree(folder)
