"""What running a statement took: counted while it runs, and all that EXPLAIN ANALYZE shows is made of it.

Everything here costs an addition or two for each part, batch or file, so that
every run counts. To count something new, add it in one place:

* a means to leave parts out: a name and its words in :data:`LEFT_OUT`, and
  ``scan.leave_out("...")`` where a part is not read;
* a lookup in an index: ``scan.hit("input MATCH 'rainbow'", rows)``;
* what a file of a part is needed for: ``scan.files.opened("text", part)``, and
  where its bytes are known ``scan.files.read("rows", size)``;
* a cache: ``run.cached("...", hit=...)``.

Text, JSON and the drawn tree show whatever is in these tables (:mod:`btql.explain`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from btql_storage.part.reader import Part

if TYPE_CHECKING:
    from btql.execution.engine import ExecutionPlan
    from btql_storage.tail_chunk import TailChunk

LeftOut = Literal["range", "key", "text", "kind", "value", "superseded", "statistics", "enough"]
LEFT_OUT: dict[LeftOut, str] = {
    "range": "no row in the range of time, transaction or pagination key",
    "key": "none of the ids",
    "text": "no row has the text",
    "kind": "the path is absent, or of other kinds only",
    "value": "smallest and largest value of a path rule it out",
    "superseded": "all rows that were found have been replaced",
    "statistics": "its statistics were enough",
    "enough": "enough rows were found before",
}
"""By what means a part is not read, and what each says of the part."""
FileKind = Literal["columns", "rows", "text", "keys"]
FILES: dict[FileKind, str] = {
    "columns": "columns.parquet",
    "rows": "rows.arrow",
    "text": "text index",
    "keys": "keys.arrow",
}
"""The files of parts, by what they are for."""


@dataclass(slots=True)
class FilesReport:
    """Which files of parts were opened, and how much of them was read."""

    parts: dict[FileKind, dict[int, Part]] = field(default_factory=dict[FileKind, "dict[int, Part]"])
    """By the number of the part."""
    bytes: dict[FileKind, int] = field(default_factory=dict[FileKind, int])
    """Only EXPLAIN ANALYZE asks for it: to find it out takes longer than to add it up."""
    documents: int = 0
    """How many were read of parts; only EXPLAIN ANALYZE counts them."""
    without_keys: int = 0
    """How many were not, as the text index knew that they have nothing of what is wanted."""

    def opened(self, kind: FileKind, source: Part | TailChunk) -> None:
        """Note that a file of a part is needed; the tail is in memory."""
        if isinstance(source, Part):
            self.parts.setdefault(kind, {})[source.part_id] = source

    def read(self, kind: FileKind, size: int) -> None:
        """Count bytes that were read."""
        self.bytes[kind] = self.bytes.get(kind, 0) + size


@dataclass(slots=True)
class ScanReport:
    """What one scan did, before the engine reads its rows."""

    name: str
    parts: int = 0
    left_out: dict[LeftOut, int] = field(default_factory=dict[LeftOut, int])
    """Parts by the means that left them out; each part once, by the first that did."""
    rows: int = 0
    """Rows in the parts that are read."""
    candidates: int = 0
    """Those of them that are not superseded, and that ids, indexes and bounds leave."""
    superseded: int = 0
    """Those that newer ones have replaced, in parts that are read whole."""
    tail_rows: int = 0
    """Rows that are read from the tail."""
    hits: dict[str, int] = field(default_factory=dict[str, int])
    """Rows found in an index, by what was sought."""
    expected: dict[str, int] = field(default_factory=dict[str, int])
    """How many there might be at most, as the index knew beforehand; without hits, it was too many to look them up."""
    files: FilesReport = field(default_factory=FilesReport)

    def leave_out(self, means: LeftOut, parts: int = 1) -> None:
        """Count parts that are not read."""
        self.left_out[means] = self.left_out.get(means, 0) + parts

    def hit(self, sought: str, rows: int | None, expected: int = 0) -> None:
        """Count rows that an index has found, None where they were too many, and how many it might have been."""
        if rows is not None:
            self.hits[sought] = self.hits.get(sought, 0) + rows
        self.expected[sought] = self.expected.get(sought, 0) + expected

    @property
    def parts_read(self) -> int:
        """Parts that no means has left out."""
        return self.parts - sum(self.left_out.values())


@dataclass(slots=True)
class StepReport:
    """What one step of a run did: a statement of the engine, or the fetch behind one."""

    seconds: float = 0.0
    rows: int = 0
    """Rows that it gave."""
    files: FilesReport = field(default_factory=FilesReport)
    started: float = 0.0

    def __enter__(self) -> None:
        """Begin to count its time; steps that wait for one another are counted apart."""
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        self.seconds += time.perf_counter() - self.started


@dataclass(slots=True)
class FunctionReport:
    """What a function in Python did."""

    rows: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class RunReport:
    """What running a plan took."""

    scans: dict[str, ScanReport] = field(default_factory=dict[str, ScanReport])
    """By the name that the scan has as a table."""
    steps: dict[str, StepReport] = field(default_factory=dict[str, StepReport])
    """In the order in which they began; the last statement is ``answer``."""
    in_memory: dict[str, int] = field(default_factory=dict[str, int])
    """The statements that were done without the engine, and the rows in memory that they looked at."""
    said: dict[str, str] = field(default_factory=dict[str, str])
    """Statements that were said otherwise than in the plan, and those that were split off, by name."""
    rows: int = 0
    caches: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Lookups in each cache: misses, then hits."""
    functions: dict[str, FunctionReport] = field(default_factory=dict[str, FunctionReport])
    """What functions in Python did, by name."""
    plans: dict[str, list[ExecutionPlan]] = field(default_factory=dict[str, "list[ExecutionPlan]"])
    """The engine's own plans of each statement, one for each time that it ran; only EXPLAIN ANALYZE keeps them."""

    def scan(self, name: str) -> ScanReport:
        """Return the report of a scan."""
        found = self.scans.get(name)
        if found is None:
            found = self.scans[name] = ScanReport(name)
        return found

    def step(self, name: str) -> StepReport:
        """Return the report of a step: a context in which its time is counted."""
        found = self.steps.get(name)
        if found is None:
            found = self.steps[name] = StepReport()
        return found

    def cached(self, cache: str, *, hit: bool) -> None:
        """Count a lookup in a cache."""
        self.caches.setdefault(cache, [0, 0])[hit] += 1
