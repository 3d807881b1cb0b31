"""The typed logical plan: what to compute, not yet how.

Each node is a frozen dataclass over its inputs. A plan for one object's rows
is a chain; a trace selection has a second branch that finds the traces.

Columns have names that are unique in a statement, so that neither joins nor
subqueries ever mix them up. A query over one source calls its columns
``created`` or ``metadata.model``. Where there are several relations each has a
short name, given by an Alias (``t1``) or by a Project below the top (``q2``),
and its columns carry it: ``t1#|created``, ``q2#|model``.

Nodes over several relations are in :mod:`btql_planner.plan_relations`, the scan
is in :mod:`btql_planner.plan_scan`; :mod:`btql_planner.plan_traversal` goes through plans.

===============  ==========================================================
Scan             rows of one snapshot, with the conditions storage can check
Fetch            adds values that only the documents have, by row number
Filter           keeps rows
TraceSelection   keeps rows by what other rows of their traces are like
TraceSummary     one row for each trace: its root span, and measures of all its spans
Unnest           one row for each element of an array or key of an object
Aggregate        groups rows
Sort, Limit      orders and cuts rows; TraceLimit and TracePage count traces instead
Project          names columns: those of the answer at the top, of a relation elsewhere
Alias            gives the rows of a source the name by which a join knows them
Join             pairs the rows of two relations, or keeps those of one that have a partner
Lateral          joins each row of its left side with what its right side is for it
SetOperation     UNION, INTERSECT, EXCEPT
Window           adds columns that look at other rows
Series           one row for each number or time from one to another
Shared           rows that a plan reads in several places, computed once
Numbered         gives rows with the same values the same number
ValuesTable      rows that the query spells out
RecursiveTable   a query over its own rows; Recursion is what it reads of itself
Nothing          one row without columns, for SELECT without FROM
===============  ==========================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from btql_planner.expressions import Expression, Reference, SortKey, engine_name
from btql_planner.plan_relations import (
    Join,
    Lateral,
    Numbered,
    Recursion,
    RecursiveTable,
    Series,
    SetOperation,
    Shared,
    ValuesTable,
    Window,
)
from btql_planner.plan_scan import Scan
from btql_planner.types import ANY, BOOLEAN, INTEGER, LIST, NULL, TEXT


@dataclass(frozen=True, slots=True)
class Fetch:
    """Adds the values of ``paths``, read from the documents of the rows that are left."""

    input: Plan
    paths: tuple[tuple[str | int, ...], ...]
    """Paths used in expressions: split into kinds."""
    outputs: tuple[tuple[str | int, ...], ...] = ()
    """Paths that are only handed out: kept as JSON text."""
    columns: tuple[str, ...] = ()
    """System columns that are read late, too."""
    source: str = ""
    """The relation that the paths belong to; empty for plain ones."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps the rows for which the condition is true."""

    input: Plan
    condition: Expression


@dataclass(frozen=True, slots=True)
class Named:
    """An expression with the name its column has above."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class TraceSelection:
    """Keeps the rows for which the condition holds."""

    input: Plan
    matching: tuple[Plan, ...]
    condition: Expression
    """``in_matching(n)`` stands for: the row's trace has a row in number n of ``matching``."""


def in_matching(number: int) -> Reference:
    """Return the condition that a trace has a row in one of the plans of a TraceSelection."""
    return Reference(f"matching_{number}", BOOLEAN)


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One row for each trace in ``spans``: its root span, from ``roots``, and the measures of its spans.

    The root is the trace's span without parents; where there are several the
    earliest, and where there is none the earliest span of all.
    """

    roots: Plan
    """A bare scan of the same objects: columns and documents of the root spans are read from there."""
    spans: Plan
    measures: tuple[Named, ...]
    name: str
    """What the names of the measures begin with."""


@dataclass(frozen=True, slots=True)
class Unnest:
    """One row for each element of an array, or for each key of an object that has a value."""

    input: Plan
    name: str
    """What the names of its columns begin with."""
    expression: Expression
    kind: Literal["object", "array"]
    entries: tuple[tuple[str, Expression], ...] | None = None
    """Every key that the object may have, with its value; None where only the value itself knows."""

    @property
    def key(self) -> Reference:
        """The key of an object."""
        return Reference(f"{self.name}.key", TEXT)

    @property
    def position(self) -> Reference:
        """The place of an element in its array, from 1."""
        return Reference(f"{self.name}.position", INTEGER)

    @property
    def value(self) -> Reference:
        """The element, or the value of the key."""
        if self.entries is not None:
            return Reference(f"{self.name}.value", NULL.union(*(value.type for _, value in self.entries)))
        return Reference(f"{self.name}.value", TEXT if self.expression.type == LIST else ANY)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One row for each combination of ``keys``; without keys exactly one row."""

    input: Plan
    keys: tuple[Named, ...]
    measures: tuple[Named, ...]
    sets: tuple[tuple[int, ...], ...] | None = None
    """GROUPING SETS, as positions in ``keys``: the rows are grouped once for each set."""
    apart: bool = False
    """The keys of the Unnest below are columns, each aggregated by itself; the results are unpivoted, not the rows."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Orders the rows."""

    input: Plan
    keys: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """Keeps ``count`` rows after skipping ``offset``; None keeps all."""

    input: Plan
    count: int | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class TraceLimit:
    """Keeps the rows of ``count`` traces in the order of ``keys``, after skipping ``offset`` traces."""

    input: Plan
    count: int | None
    keys: tuple[SortKey, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class TracePage:
    """Keeps the rows of a page of traces, in the order of a pagination key of each.

    That is its newest key where newest traces come first, else its oldest one.
    ``TRACE_KEY`` stands for it above, and ``NEWEST_KEY`` for the newest of all traces.
    """

    input: Plan
    count: int | None
    offset: int = 0
    descending: bool = True
    after: str | None = None
    """The key of the last trace of the page before."""
    upto: str | None = None
    """Newer keys do not count: a trace that grew meanwhile stays where it was."""


TRACE_KEY = Reference("trace_key", TEXT)
NEWEST_KEY = Reference("newest_key", TEXT)


@dataclass(frozen=True, slots=True)
class Project:
    """Columns, in order: those of the answer, or of a relation with the name ``source``."""

    input: Plan
    items: tuple[Named, ...]
    source: str = ""

    def reference(self, item: Named) -> Reference:
        """Return what stands for a column above."""
        return Reference(engine_name(self.source, item.name), item.expression.type, span=item.expression.span)


@dataclass(frozen=True, slots=True)
class Alias:
    """The rows of one source under the name ``source``, which its columns carry from here on.

    Below it the rules for one source apply; nothing below refers to anything above.
    """

    input: Plan
    source: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """One row and no columns."""


Plan = (
    Scan
    | Fetch
    | Filter
    | TraceSelection
    | TraceSummary
    | Unnest
    | Aggregate
    | Sort
    | Limit
    | TraceLimit
    | TracePage
    | Project
    | Alias
    | Join
    | Lateral
    | SetOperation
    | Window
    | Series
    | Shared
    | Numbered
    | ValuesTable
    | Recursion
    | RecursiveTable
    | Nothing
)
