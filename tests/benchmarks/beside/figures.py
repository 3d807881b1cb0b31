"""What was measured: times of one system on one question, what a system took to load, and all of it together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.beside.worker import Taken

OURS = "btql"


@dataclass(slots=True)
class Times:
    """Of one system on one question, in seconds."""

    warm: list[float] = field(default_factory=list[float])
    warm_cpu: list[float] = field(default_factory=list[float])
    cold: list[float] = field(default_factory=list[float])
    rows: int | None = None
    """Of the answer."""
    failed: str = ""
    """Why there are no times: it did not answer, or not with the same rows as the others."""

    def add(self, taken: Taken) -> None:
        """Add a warm answer."""
        self.warm.append(taken.seconds)
        self.warm_cpu.append(taken.cpu_seconds)

    @property
    def median(self) -> float | None:
        """The middle of the warm times."""
        return median(self.warm) if self.warm and not self.failed else None

    @property
    def cold_median(self) -> float | None:
        """The middle of the cold times."""
        return median(self.cold) if self.cold and not self.failed else None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What it took to fill a system."""

    seconds: float
    size: int


@dataclass(slots=True)
class Figures:
    """Everything that one run found."""

    suite: str
    systems: dict[str, str]
    """Name to version, in order."""
    absent: dict[str, str]
    """Name to why it was not asked."""
    about: Mapping[str, str | int]
    parameters: Mapping[str, str | int | float]
    loaded: dict[str, Loaded]
    times: dict[str, dict[str, Times]]
    """By question and system."""
    steps: dict[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    """By question: where btql's time goes, in seconds."""
    limits: Sequence[str] = ()
    """Systems that are no rivals."""
    machine: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str = ""
    began: str = ""
    minutes: float = 0.0

    def best_rival(self, question: str) -> tuple[str, float] | None:
        """Return who but btql is fastest on a question when warm, and its time."""
        found = [
            (times.median, name)
            for name, times in self.times[question].items()
            if times.median is not None and name != OURS and name not in self.limits
        ]
        return None if not found else (min(found)[1], min(found)[0])

    def ratio(self, question: str) -> float | None:
        """Return btql's time divided by that of the best rival."""
        ours, best = (
            self.times[question][OURS].median if OURS in self.times[question] else None,
            self.best_rival(question),
        )
        return None if ours is None or best is None else ours / best[1]

    @property
    def rows(self) -> int:
        """How many rows there are, whatever the suite calls them."""
        return int(next((self.about[name] for name in ("rows", "records", "documents") if name in self.about), 0))

    @property
    def json_bytes(self) -> int:
        """How many bytes of JSON these rows are."""
        return int(next((self.about[name] for name in ("bytes of rows", "bytes") if name in self.about), 0))

    def to_the_limit(self, question: str) -> float | None:
        """Return btql's time divided by that of the fastest reading by hand."""
        found = self.times[question]
        ours = found[OURS].median if OURS in found else None
        limits = [found[name].median for name in self.limits if name in found]
        best = min((median for median in limits if median is not None), default=None)
        return None if ours is None or best is None else ours / best

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)
