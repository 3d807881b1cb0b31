"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.beside.system import THREADS

_LIBRARIES = ("datafusion", "pyarrow", "tantivy", "numpy", "orjson")


def machine() -> dict[str, str]:
    """Return processor, memory, system, and the versions of what btql is built on."""
    found = {
        "processor": _found("/proc/cpuinfo", r"model name\s*: (.*)") or platform.processor() or platform.machine(),
        "cores": f"{os.cpu_count()}, of which each system may use {THREADS}",
        "memory": f"{_memory_bytes() / 2**30:.0f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "btql's libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
    }
    commit = _commit()
    return found | ({"commit": commit} if commit else {})


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _found(file: str, pattern: str) -> str:
    path = Path(file)
    match = re.search(pattern, path.read_text(encoding="utf-8")) if path.exists() else None
    return match.group(1) if match else ""


def _commit() -> str:
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return run.stdout.strip()
