"""The engine plan: SQL text for DataFusion, and what has to happen around it.

A plan without documents is one *stage*: a SQL statement over scans. Every Fetch
cuts a plan in two: the statement below it yields row numbers, the runner reads
documents for them and adds columns, and the statement above goes on over that
result under the stage's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from btql_planner.catalog import Objects
from btql_planner.finish import Answer
from btql_planner.needs import Needed
from btql_planner.plan import Plan
from btql_planner.plan_scan import Keys, Range, Top
from btql_planner.select import Select
from btql_planner.types import Kind
from btql_storage.text.probe import TextProbe

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """What to look up in the text index.

    Unless it is required, the scan has a column ``name`` that is true for its hits.
    """

    name: str
    asked: TextProbe
    required: bool
    """Only rows that are hits are wanted at all."""
    share_max: float | None = None
    """Hits are checked once more, so that all rows will do where more than this share of them may be hits."""


@dataclass
class ScanSpec:
    """A table over the snapshot with exactly the columns that the SQL above it uses."""

    name: str
    objects: Objects
    ranges: tuple[Range, ...]
    keys: tuple[Keys, ...]
    needs: tuple[Needed, ...] = ()
    top: Top | None = None
    traces: Top | None = None
    ends: bool = False
    """Only the smallest and the largest value of each column are used."""
    counted: bool = False
    """Only the number of rows is used."""
    probes: list[ProbeSpec] = field(default_factory=list[ProbeSpec])
    columns: set[str] = field(default_factory=set[str])
    node: Plan | None = field(default=None, compare=False, repr=False)
    """What it is in the plan; EXPLAIN shows there what became of it."""


@dataclass(frozen=True, slots=True)
class FetchSpec:
    """What to read from the documents of a stage's rows."""

    paths: Mapping[Path, tuple[Kind, ...]]
    """Paths to split into the columns ``engine_column(path, kind)``."""
    outputs: tuple[Path, ...]
    """Paths to add as JSON text."""
    columns: tuple[str, ...]
    """System columns to add."""
    source: str = ""
    """The relation that the row numbers and the columns belong to."""
    probe: TextProbe | None = None
    """Documents for which it does not hold have nothing of it, and need not be read."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is read: the rows only wait for the statement above."""
        return not (self.paths or self.outputs or self.columns)


@dataclass(frozen=True, slots=True)
class Stage:
    """A statement, and the fetch that its result goes through."""

    name: str
    select: Select
    fetch: FetchSpec
    node: Plan | None = field(default=None, compare=False, repr=False)
    """The node of the plan whose rows it holds; EXPLAIN shows there what became of it."""


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column of the answer: the engine columns that its kinds are in."""

    name: str
    parts: Mapping[Kind, str]
    wide: bool = False
    """Whole and fractional numbers do not fit one float64 column exactly."""
    preview: int | None = None
    """Characters that are left of a text, and of the JSON of anything else; None keeps all."""
    whole_field: bool = False
    """It is a field of the document as it is, which may hold any JSON although none is known yet."""


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """Everything that is needed to run a query on one snapshot."""

    stages: tuple[Stage, ...]
    """In the order in which they run; a later one may read the table of an earlier one."""
    select: Select
    """The last statement."""
    scans: tuple[ScanSpec, ...]
    outputs: tuple[OutputColumn, ...]
    answer: Answer = field(default_factory=Answer)
    """What becomes of the rows; it says how many outputs, at the end, are not handed out."""
    united: bool = False
    """Rows of several queries become one; the engine must not use what it knows of one for the others."""
