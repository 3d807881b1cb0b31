"""Queries that take too much: what the engine says, as an error that names the limit, the costliest step and a remedy.

The engine says in words which of its operators asked for more; its plan has counted how long each has computed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql.errors import Error, ResourceLimit, TimeLimit
from btql.execution.engine import counted
from btql_storage.limits import way_to_raise

if TYPE_CHECKING:
    from btql.execution.admission import Grant
    from btql.execution.engine import DataFrame, ExecutionPlan

MEMORY, DISK, ROWS = "B0504", "B0505", "B0506"
_NO_MEMORY = "Resources exhausted"
_NO_DISK = "used disk space during the spilling process"
_TOO_LONG = (
    "values that do not fit into memory",
    "Range too large to materialize",
    "byte array offset overflow",
    "Offset overflow",
    "offset overflow",
    "capacity overflow",
)
"""What it says of texts and lists that are too long for one."""
_CONSUMER = re.compile(r" for (\w+)")
_TEXT_MAX = 160
_READ_LESS = "read less, by a range on `created`, or fewer columns"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an operator of the engine does."""

    words: str
    consumers: tuple[str, ...]
    """How it calls itself where it asks for memory."""
    way_out: str


_FILTER_BOTH = "filter both sides first, or join fewer columns"
_SMALLER_WINDOWS = "filter first, or partition the window into smaller pieces"
_KINDS = {
    "SortExec": _Kind("sorting", ("ExternalSorter",), "sort fewer columns or rows, or add a LIMIT"),
    "SortPreservingMergeExec": _Kind("merging what was sorted", ("SortPreservingMerge",), "add a LIMIT"),
    "AggregateExec": _Kind(
        "grouping",
        ("AggregateStream", "GroupedHashAggregateStream", "TopKAggregate"),
        "filter first, group by what has fewer values, or collect less: array_agg and the like keep every value",
    ),
    "HashJoinExec": _Kind("joining", ("HashJoin",), _FILTER_BOTH),
    "SortMergeJoinExec": _Kind("joining", ("SMJ",), _FILTER_BOTH),
    "NestedLoopJoinExec": _Kind(
        "comparing all pairs of rows", ("NestedLoopJoin",), "join on equality, or filter both sides first"
    ),
    "CrossJoinExec": _Kind(
        "pairing all rows with all", ("CrossJoin",), "say what is equal on both sides, or filter them first"
    ),
    "WindowAggExec": _Kind("computing a window", ("WindowAgg",), _SMALLER_WINDOWS),
    "BoundedWindowAggExec": _Kind("computing a window", ("BoundedWindow",), _SMALLER_WINDOWS),
    "RecursiveQueryExec": _Kind(
        "a recursive WITH", ("RecursiveQuery",), "give the recursion an end, such as a condition on its depth"
    ),
    "RepartitionExec": _Kind("distributing rows", ("Repartition",), _READ_LESS),
    "UnnestExec": _Kind("making rows of lists", (), "make shorter lists, or of fewer rows"),
    "DataSourceExec": _Kind("reading", (), _READ_LESS),
    "FilterExec": _Kind("filtering", (), _READ_LESS),
    "ProjectionExec": _Kind("computing columns", (), "compute shorter texts and lists, or on fewer rows"),
}
_UNCOUNTED = ("NestedLoopJoinExec", "CrossJoinExec", "RecursiveQueryExec", "HashJoinExec", "UnnestExec", "FilterExec")
"""Operators that count their time when they are done, the worst first."""
_OTHER = _Kind("", (), _READ_LESS)


@dataclass(frozen=True, slots=True)
class Step:
    """An operator of a plan that was running, and what it did."""

    kind: str
    text: str
    seconds: float
    rows: int
    """That it took in."""
    spilled: int
    """Bytes that it wrote to disk."""

    @property
    def _does(self) -> _Kind:
        return _KINDS.get(self.kind, _OTHER)

    @property
    def way_out(self) -> str:
        """What to change about the query where this is too much."""
        return self._does.way_out

    def asked(self, consumer: str) -> bool:
        """Whether it is what the engine calls so."""
        return any(consumer.startswith(name) for name in self._does.consumers)

    def __str__(self) -> str:
        """Return it for a message."""
        text = self.text if len(self.text) <= _TEXT_MAX else f"{self.text[:_TEXT_MAX]}…"
        words = f"{self._does.words} (`{text}`)" if self._does.words else f"`{text}`"
        return f"{words}, with {self.rows:,} rows in and {self.seconds:.2f} s of computing"


def steps_of(plan: ExecutionPlan) -> Iterator[Step]:
    """Yield the operators of a plan, the topmost first."""
    below = plan.children()
    text = plan.display().strip()
    mine = _counted(plan)
    seconds = sum(value for name, value in mine.items() if name in ("elapsed_compute", "build_time", "join_time"))
    rows = sum(_counted(each)["output_rows"] for each in below) or mine["output_rows"]
    yield Step(text.partition(":")[0], text, seconds / 1e9, rows, mine["spilled_bytes"])
    for each in below:
        yield from steps_of(each)


def _counted(plan: ExecutionPlan) -> Counter[str]:
    found: Counter[str] = Counter()
    for metric, value in counted(plan):
        found[metric.name] += value
    return found


def costliest(plan: ExecutionPlan, consumer: str | None = None) -> Step:
    """Return the step that has computed longest, among those that the engine calls ``consumer`` if there are any."""
    steps = list(steps_of(plan))
    asked = [each for each in steps if consumer is not None and each.asked(consumer)]
    return max(asked or steps, key=lambda each: each.seconds)


def _longest(plan: ExecutionPlan, error: TimeLimit) -> Step:
    """Return the step that took the time: where none has counted much of it, one that counts at its end."""
    found = costliest(plan)
    if found.seconds < error.seconds / 4:
        uncounted = {each.kind: each for each in steps_of(plan) if each.kind in _UNCOUNTED}
        return next((uncounted[kind] for kind in _UNCOUNTED if kind in uncounted), found)
    return found


def explained(error: BaseException, frame: DataFrame, grant: Grant) -> Error | None:
    """Return the error of a statement that took too much, or too long; None where something else is wrong with it."""
    if isinstance(error, TimeLimit):
        return (
            error if error.node is not None else TimeLimit(error.seconds, str(_longest(frame.execution_plan(), error)))
        )
    if isinstance(error, Error):
        return None
    said = str(error)
    if _NO_MEMORY in said:
        consumers = _CONSUMER.findall(said)
        step = costliest(frame.execution_plan(), consumers[0] if consumers else None)
        return out_of_memory(grant, str(step), step.way_out)
    if _NO_DISK in said:
        step = max(steps_of(frame.execution_plan()), key=lambda each: each.spilled)
        return _over(
            DISK, "query_spill_bytes_max", grant.spill_bytes, "the query writes more than {} to disk for what does not "
            "fit into memory", str(step), step.way_out,
        )  # fmt: skip
    if any(words in said for words in _TOO_LONG):
        step = costliest(frame.execution_plan())
        return out_of_memory(grant, str(step), "compute shorter texts and lists", raised=False)
    return None


def out_of_memory(grant: Grant, node: str, way_out: str, *, raised: bool = True) -> ResourceLimit:
    """Return the error of a query that would hold more than it may."""
    holds = "the query needs more than {} of memory"
    return _over(MEMORY, "query_memory_bytes_max", grant.memory_bytes, holds, node, way_out, raised=raised)


def too_many_documents(grant: Grant, stage: str, rows: int) -> ResourceLimit:
    """Return the error of a query whose documents have to wait for a later step, and are too large together."""
    node = f"the documents of {rows:,} rows, which wait for the statement behind `{stage}`"
    return out_of_memory(grant, node, "sort, group or join without whole fields such as `input`, or fewer rows")


def too_many_rows(most: int) -> ResourceLimit:
    """Return the error of an answer that has too many rows."""
    name = "answer_rows_max"
    message = f"the answer has more than {most:,} rows, the limit `{name}`"
    return ResourceLimit.of(ROWS, message, f"add a LIMIT, or filter or group; or {way_to_raise(name)}", name, most)


def _over(
    code: str, name: str, value: int, words: str, node: str, way_out: str, *, raised: bool = True
) -> ResourceLimit:
    message = f"{words.format(f'{value >> 20:,} MiB')}, the limit `{name}`; its costliest step is {node}"
    way_out = f"{way_out}; or {way_to_raise(name)}" if raised else way_out
    return ResourceLimit.of(code, message, way_out, name, value, node)
