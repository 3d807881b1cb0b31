"""The most memory that a process has had, without what the program had that it was started from.

What ``getrusage`` tells survives ``exec``: a child of a large pytest process would seem to be as large.
"""

from __future__ import annotations

import re
from pathlib import Path


def peak_bytes(pid: int | str = "self") -> int:
    """Return the most memory that a process has ever had."""
    (most,) = re.findall(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(most) << 10
