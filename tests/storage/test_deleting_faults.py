"""Deleting, expiring and purging while calls to the system fail: all or nothing, and no secret stays.

Here some calls fail, in ``tests/soak`` each of them.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

from storage_support.deleting import holds_when_it_fails_at, prepare


def test_any_call_may_fail(quick_path: Path):
    prepare(quick_path / "prepared")
    for fail_at in count(5, 17):
        for_good = fail_at % 2 == 0
        if not holds_when_it_fails_at(quick_path / "prepared", quick_path / str(fail_at), fail_at, for_good=for_good):
            assert fail_at > 60, "there is much that can fail"
            break
