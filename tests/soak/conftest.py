"""`make soak`: for about SOAK_SECONDS, from seed SOAK_SEED on; counts what was survived, and says so at the end.

Each test has its share of the time that is left when it begins, so whoever needs less leaves it to those after it,
and whoever needs more takes it from them. A test that goes through things one by one does at least the first, and
asks its turn before each of the others.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from soak.silences import Silences, start

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
FIRST_SEED = int(os.environ.get("SOAK_SEED") or time.time())
MEMORY = Path("/dev/shm")
BEGAN = pytest.StashKey[float]()

SURVIVED: dict[str, Counter[str]] = {}
"""By test, what went wrong in it, and how often."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The time of one test."""

    until: float

    @property
    def is_over(self) -> bool:
        """Whether the test shall begin nothing new."""
        return time.monotonic() >= self.until

    @property
    def left_s(self) -> float:
        """The seconds that are left."""
        return max(self.until - time.monotonic(), 0.0)

    def seeds(self) -> Iterator[int]:
        """Yield seeds, at least one."""
        seed = FIRST_SEED
        while seed == FIRST_SEED or not self.is_over:
            yield seed
            seed += 1

    def some_of(self, things: Sequence[int]) -> Iterator[int]:
        """Yield things in any order, at least one; all of them where there is time."""
        for count, thing in enumerate(Random(FIRST_SEED).sample(things, len(things))):
            if count and self.is_over:
                return
            yield thing


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "turn(share=1, seconds=0): the share of a test in the time, or what it takes of 600 s"
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    session.stash[BEGAN] = time.monotonic()


@pytest.fixture
def turn(request: pytest.FixtureRequest) -> Turn:
    """Return the time of this test."""
    items = request.session.items
    shares, seconds = zip(*(_asked(item) for item in items[items.index(request.node) :]), strict=True)
    now = time.monotonic()
    left_s = request.session.stash[BEGAN] + SECONDS - now - sum(seconds)
    return Turn(now + seconds[0] + max(left_s, 0.0) * shares[0] / (sum(shares) or 1.0))


def _asked(item: pytest.Item) -> tuple[float, float]:
    """Return the share that a test asks for, or else the seconds: less of them where the whole is short."""
    asked = {name: value for mark in item.iter_markers("turn") for name, value in mark.kwargs.items()}
    return asked.get("share", 0.0 if "seconds" in asked else 1.0), min(1.0, SECONDS / 600) * asked.get("seconds", 0.0)


@pytest.fixture(scope="session", autouse=True)
def _beside(request: pytest.FixtureRequest) -> None:
    """Let services be silent from the beginning, where that is asked for: it takes minutes, in which nobody works."""
    if any("silences" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("silences")


@pytest.fixture(scope="session")
def silences(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, postgres_server: str, s3_endpoint: str
) -> Generator[Silences]:
    """Return the processes for which a service is silent."""
    urls = {"redis": redis_url, "postgres": postgres_server, "store": s3_endpoint}
    started = start(tmp_path_factory.mktemp("silences"), urls)
    yield started
    for child in started.values():
        child.kill()
        child.communicate()


@pytest.fixture
def survived(request: pytest.FixtureRequest) -> Counter[str]:
    """Return the counts of this test."""
    return SURVIVED.setdefault(request.node.name, Counter())


@pytest.fixture
def scratch() -> Generator[Path]:
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
