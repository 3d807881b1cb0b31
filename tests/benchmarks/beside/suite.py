"""A suite: data, questions, and the systems that are asked."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from benchmarks.beside.question import Question
from benchmarks.beside.system import Inputs, Parameters, System

_MODULES = {
    "spans": "benchmarks.beside.spans.suite",
    "jsonbench": "benchmarks.beside.jsonbench.suite",
    "search": "benchmarks.beside.search.suite",
}
"""Suites by name, each in a module with a ``SUITE``."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much data, and of what kind."""

    size: int
    profile: str
    seed: int


@dataclass(frozen=True, slots=True)
class Data:
    """What a suite has made."""

    inputs: Inputs
    parameters: Parameters
    about: Mapping[str, str | int]
    """For the report: rows, bytes and the like."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One set of questions about one kind of data."""

    name: str
    title: str
    about: str
    """What the report says about the data, in a paragraph."""
    size: int
    """How many spans or records there are where nothing else is said."""
    questions: Sequence[Question]
    systems: Mapping[str, Callable[[Path], System]]
    """By name, btql first."""
    limits: frozenset[str]
    """Systems that are no rivals: readings by hand, which show what is possible."""
    make: Callable[[Path, Wanted], Inputs]
    """Make what btql is filled from in a folder, or find it there."""
    finish: Callable[[Path, Wanted, Inputs, Path], Data]
    """Make the rest, or find it, once btql is filled, in the folder that comes last."""
    has_profiles: bool = False
    """Whether the data are of one kind or another."""

    def called(self, wanted: Wanted) -> str:
        """Return what a run with some data is called."""
        return "-".join([self.name, *([wanted.profile] if self.has_profiles else []), str(wanted.size)])


def suite_named(name: str) -> Suite:
    """Return a suite."""
    if name not in _MODULES:
        raise SystemExit(f"there is no suite `{name}`; there are {', '.join(_MODULES)}")
    return cast("Suite", importlib.import_module(_MODULES[name]).SUITE)


def suite_names() -> list[str]:
    """Return the names of all suites."""
    return list(_MODULES)
