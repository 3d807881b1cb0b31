"""The engine's own plan of a statement after it has run: its operators, and what each of them did.

The engine counts by partition and by file; what is kept here is the sum. A statement that runs on each fetched batch
by itself has as many plans as there were batches: they are added up, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from btql.execution.engine import counted

if TYPE_CHECKING:
    from btql.execution.engine import ExecutionPlan

SOURCE = "DataSourceExec"
"""What the engine calls a scan, of files or of what is in memory."""
_NS = 1e-9
_SECONDS = ("elapsed_compute", "time_elapsed_processing", "join_time", "build_time")
"""Times of computing, in nanoseconds; those of waiting for others are left out."""
_PROJECTION = re.compile(r"projection=\[(.*?)\](?=, \w+=|$)")
_PREDICATE = re.compile(r"predicate=(.*?)(?=, \w+=|$)")
_COLUMN = re.compile(r"([^\s()\[\],]+)@\d+")
_DISPLAY_MAX = 400
"""A plan may list a thousand files or rows; who wants to see them has the statement."""


class Operator(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One operator of the engine."""

    name: str
    """As the engine calls it: ``DataSourceExec``."""
    detail: str = ""
    rows: int | None = None
    """Rows that it gave; absent where the engine did not count them."""
    seconds: float = 0.0
    """Time of computing, over all threads."""
    bytes: int = 0
    """What a scan read of ``columns.parquet``."""
    spilled_bytes: int = 0
    """What did not fit into memory and was written to disk meanwhile."""
    files: list[str] = msgspec.field(default_factory=list)
    """The files that a scan opened."""
    columns: list[str] = msgspec.field(default_factory=list)
    """The columns that a scan reads, to hand them out or to check its conditions."""
    inputs: list[Operator] = msgspec.field(default_factory=list)

    def walk(self) -> Iterator[Operator]:
        """Yield it and all below it, parents first."""
        yield self
        for each in self.inputs:
            yield from each.walk()


def operators(plans: Sequence[ExecutionPlan]) -> Operator | None:
    """Return the operators of a statement that has run, once or several times."""
    runs = [_operator(plan) for plan in plans]
    if not runs:
        return None
    first, *others = runs
    for other in others:
        _add(first, other)
    return first


def _operator(plan: ExecutionPlan) -> Operator:
    name, _, detail = plan.display().strip().partition(": ")
    shown = detail if len(detail) <= _DISPLAY_MAX else f"{detail[:_DISPLAY_MAX]}…"
    made = Operator(name=name, detail=shown, inputs=[_operator(each) for each in plan.children()])
    if name == SOURCE:
        made.columns = _columns(detail)
    files: set[str] = set()
    for metric, value in counted(plan):
        match metric.name:
            case "output_rows":
                # A scan counts by file, too, and there always 0.
                made.rows = (made.rows or 0) + value
            case "bytes_scanned":
                made.bytes += value
                files.add(metric.labels().get("filename", ""))
            case "spilled_bytes":
                made.spilled_bytes += value
            case time if time in _SECONDS:
                made.seconds += value * _NS
            case _:
                pass
    made.files = sorted(files - {""})
    return made


def _columns(detail: str) -> list[str]:
    projection, predicate = _PROJECTION.search(detail), _PREDICATE.search(detail)
    listed = projection[1].split(", ") if projection and projection[1] else []
    # A column may be given another name right away, or be computed with: then it has its place behind it.
    columns = [name for each in listed for name in (_COLUMN.findall(each) if " as " in each else [each])]
    return sorted({*columns, *(_COLUMN.findall(predicate[1]) if predicate else ())})


def _add(one: Operator, other: Operator) -> None:
    """Add what an operator did in another run; a plan may be another one there, and then all that counts is its top."""
    if one.name != other.name:
        return
    one.rows = None if one.rows is None and other.rows is None else (one.rows or 0) + (other.rows or 0)
    one.seconds += other.seconds
    one.bytes += other.bytes
    one.spilled_bytes += other.spilled_bytes
    one.files = sorted({*one.files, *other.files})
    if len(one.inputs) == len(other.inputs):
        for mine, its in zip(one.inputs, other.inputs, strict=True):
            _add(mine, its)
