"""`make soak`: for SOAK_SECONDS, from seed SOAK_SEED on; counts what was survived, and says so at the end."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
FIRST_SEED = int(os.environ.get("SOAK_SEED") or time.time())
MEMORY = Path("/dev/shm")

SURVIVED: dict[str, Counter[str]] = {}
"""By test, what went wrong in it, and how often."""


def seeds(share: float) -> Iterator[int]:
    """Yield seeds for a share of the time, at least one."""
    until = time.monotonic() + SECONDS * share
    seed = FIRST_SEED
    while seed == FIRST_SEED or time.monotonic() < until:
        yield seed
        seed += 1


@pytest.fixture
def survived(request: pytest.FixtureRequest) -> Counter[str]:
    """Return the counts of this test."""
    return SURVIVED.setdefault(request.node.name, Counter())


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Return an empty folder in memory where there is one: a run makes very many small files durable."""
    with TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was survived."""
    terminalreporter.section(f"survived, from seed {FIRST_SEED} on")
    for name, counts in SURVIVED.items():
        terminalreporter.line(f"{name}: {', '.join(f'{count:,} {what}' for what, count in sorted(counts.items()))}")
    total = sum(SURVIVED.values(), Counter())
    terminalreporter.line(f"all: {', '.join(f'{count:,} {what}' for what, count in sorted(total.items()))}")
