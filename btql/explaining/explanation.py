"""What EXPLAIN knows of a query: the one thing that text, JSON and the drawn tree are made of.

Its JSON form is what these classes say, field by field, and is documented in ``docs/explain.md``. Tools read it: a
field may be added, and its meaning stays; should one go or mean something else, :data:`VERSION` grows. What is not
known is left out: without ANALYZE everything about a run, and of a run what nobody counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from btql.execution.report import FileKind, LeftOut
from btql.explaining.operators import Operator

VERSION = 1


class ScanFacts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The rows of the objects that a scan reads, before the engine gets them."""

    table: str
    """What the engine's statements call it."""
    parts: int
    parts_read: int
    left_out: dict[LeftOut, int] = msgspec.field(default_factory=dict)
    """Parts that are not read, by what left them out."""
    rows: int
    """Rows in the parts that are read."""
    candidates: int | None = None
    """Those of them that are not superseded, and that ids, indexes and bounds leave."""
    superseded: int = 0
    """Those that newer ones have replaced, in parts that are read whole."""
    tail_rows: int
    """Rows that wait for compaction and are read from memory."""
    hits: dict[str, int] = msgspec.field(default_factory=dict)
    """Rows that the indexes found, by what was looked up."""
    hits_max: dict[str, int] = msgspec.field(default_factory=dict)
    """How many there might have been, as the indexes had it before; without hits it was too many to look them up."""


class Node(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A node of the rewritten plan."""

    node: str
    """What it is: ``Scan``, ``Filter``, …"""
    detail: str = ""
    rows_max: int | None = None
    """How many rows it can give at most, as the statistics have it before anything is read."""
    rows: int | None = None
    """How many it gave."""
    seconds: float | None = None
    """Time of the step that ends here: everything since the steps below it."""
    bytes: dict[FileKind, int] = msgspec.field(default_factory=dict)
    """What was read for it, by kind of file."""
    documents: int | None = None
    """How many documents were read, where the index knew that others have nothing of what is wanted."""
    scan: ScanFacts | None = None
    inputs: list[Node] = msgspec.field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """Yield it and all below it, parents first."""
        yield self
        for each in self.inputs:
            yield from each.walk()


class Statement(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A statement that the engine runs; documents are fetched between two of them."""

    name: str
    sql: str
    operators: Operator | None = None
    """What the engine made of it, and what each of its operators did."""
    in_memory: int | None = None
    """It was done without the engine: its scan had so many rows, all of them in memory."""


class Step(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A step of the run, in the order in which rows go through them."""

    name: str
    seconds: float
    rows: int | None = None
    """Rows that it gave."""


class File(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A kind of file."""

    kind: FileKind
    files: int
    """How many were opened."""
    bytes: int | None = None
    """What was read of them; absent where they are mapped into memory, and the system reads what is touched."""
    file_bytes: int | None = None
    """All their bytes."""


class PythonFunction(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A function that the engine has not, and which runs in Python."""

    name: str
    rows: int
    seconds: float


class Cache(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Lookups in what is kept between queries."""

    name: str
    hits: int
    misses: int


class Warn(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What makes the query slow, and what to do about it."""

    code: str
    message: str
    remedy: str


class Query(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The question."""

    language: Literal["btql", "sql"]
    text: str


class Explanation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything that EXPLAIN says."""

    version: int
    analyzed: bool
    query: Query
    typed_plan: str
    """The plan as bound to types, before any rule."""
    plan: Node
    """The plan after all rules."""
    statements: list[Statement]
    steps: list[Step] = msgspec.field(default_factory=list)
    rows: int | None = None
    """Rows of the answer."""
    files: list[File] = msgspec.field(default_factory=list)
    functions: list[PythonFunction] = msgspec.field(default_factory=list)
    caches: list[Cache] = msgspec.field(default_factory=list)
    calls: dict[str, int] = msgspec.field(default_factory=dict)
    """Calls to the place of the files, while it ran."""
    warnings: list[Warn] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    """What there is to say about the query itself."""
