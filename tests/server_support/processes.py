"""The processes of a server, looked up in /proc."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path


def children(pid: int) -> dict[str, int]:
    """Return name to process id of the children of a `btql serve`."""
    found: dict[str, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if int(fields[1]) == pid and b"btql_server.process" in arguments:
                found[arguments[arguments.index(b"btql_server.process") + 2].decode()] = int(entry.name)
    return found


def resident_bytes(pid: int) -> int:
    """Return the memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) << 10


def is_gone(pid: int) -> bool:
    """Whether there is no such process any more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
