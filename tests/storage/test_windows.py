"""Windows hold as many rows as memory allows, and at least one."""

from __future__ import annotations

import numpy as np
import pytest

from btql_storage.windows import windows


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([0, 0, 0, 0, 0], [(0, 3), (3, 5)]),
        ([4, 4, 4], [(0, 2), (2, 3)]),
        ([100, 1, 1, 100, 100, 1], [(0, 1), (1, 3), (3, 4), (4, 5), (5, 6)]),
        ([10, 10], [(0, 1), (1, 2)]),
    ],
)
def test_windows(sizes, expected):
    assert list(windows(np.array(sizes, np.int64), rows_max=3, bytes_aim=10)) == expected
