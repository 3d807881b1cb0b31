"""What every system can do, be it btql, a rival, or a reading by hand that shows what is possible at best.

A system lives in a folder of its own, which it fills once, from a file with one document on each line; the folder is
kept, so that a second run loads nothing. Its object is made in two processes: in the runner, which only asks what it is
called and keeps its server running, and in a worker, which does the work.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

THREADS = 2
"""How many threads a system may use to answer; none gets more, on any machine."""

Parameters = Mapping[str, str | int | float]
"""What questions ask for in the data at hand: ids, times, names."""

Rows = Sequence[Sequence[object]]


class Missing(Exception):  # noqa: N818  nothing is wrong with the system, it is just not here
    """A system that cannot run here, and why."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What systems are filled from."""

    documents: Path
    """Current rows, one JSON object on each line: what rivals load."""
    events: Path
    """Events as applications write them, several for one row: what btql loads where there are such."""


class System(ABC):
    """One system with the tables of one suite."""

    name: str = ""
    note: str = ""
    """What a reader of the report must know about it, in one sentence."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def version(self) -> str:
        """Return its version; raise ``Missing`` where it is not installed."""

    @contextmanager
    def serving(self) -> Generator[str]:
        """Keep its server running, where it has one, and yield the server's address; in the runner."""
        yield ""

    @abstractmethod
    def load(self, inputs: Inputs, address: str) -> None:
        """Fill the empty folder, durably, up to the state in which it answers fastest."""

    @abstractmethod
    def open(self, address: str) -> None:
        """Make ready for questions: what a program does once, at its start."""

    @abstractmethod
    def questions(self) -> frozenset[str]:
        """Return the names of the questions that it can answer at all."""

    @abstractmethod
    def ask(self, question: str, parameters: Parameters) -> object:
        """Answer, and return once the whole answer is in this process: this is what is timed."""

    @abstractmethod
    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows of what ``ask`` returned, with these columns in this order; not timed.

        What has no names has exactly these columns.
        """

    def steps(self, question: str, parameters: Parameters) -> Mapping[str, float]:
        """Answer once more, and return the seconds of each step; nothing where the system does not say."""
        del question, parameters
        return {}

    def close(self) -> None:  # noqa: B027  most have nothing to let go of
        """Let go of everything."""

    def size(self, address: str) -> int:
        """Return how many bytes it takes on disk once it is filled."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def library(name: str) -> Any:
    """Import a library that only benchmarks need."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Missing(f"{name} is not installed: `make bench-beside` does that") from error
