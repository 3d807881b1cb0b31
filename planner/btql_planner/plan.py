"""The typed logical plan: what to compute, not yet how.

Each node is a frozen dataclass over its inputs. A plan for one object's rows
is a chain; a trace selection has a second branch that finds the traces.

Columns have names that are unique in a statement, so that neither joins nor
subqueries ever mix them up. A query over one source calls its columns
``created`` or ``metadata.model``. Where there are several relations each has a
short name, given by an Alias (``t1``) or by a Project below the top (``q2``),
and its columns carry it: ``t1|created``, ``q2|model``.

===============  ==========================================================
Scan             rows of one snapshot, with the conditions storage can check
Fetch            adds values that only the documents have, by row number
Filter           keeps rows
TraceSelection   keeps the rows whose trace has a row in ``matching``
Aggregate        groups rows
Sort, Limit      orders and cuts rows; TraceLimit counts traces instead
Project          names columns: those of the answer at the top, of a relation elsewhere
Alias            gives the rows of a source the name by which a join knows them
Nothing          one row without columns, for SELECT without FROM
===============  ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from btql_planner.catalog import Objects
from btql_planner.expressions import Expression, Match, Reference, engine_name


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends belong to the range; None is open."""

    column: str
    low: datetime | str | None
    high: datetime | str | None


@dataclass(frozen=True, slots=True)
class Keys:
    """The values that an id column may have."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows of the snapshot, newest versions only."""

    alias: str
    objects: Objects = field(kw_only=True)
    filters: tuple[Expression, ...] = ()
    """Conditions over columns, checked inside the scan."""
    probes: tuple[Match, ...] = ()
    """Phrases that the text index answers; a row must be a hit of each."""
    ranges: tuple[Range, ...] = ()
    """Bounds that follow from the filters: parts outside them are not read."""
    keys: tuple[Keys, ...] = ()
    """Ids that follow from the filters: parts without any of them are not read."""


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


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps the rows for which the condition is true."""

    input: Plan
    condition: Expression


@dataclass(frozen=True, slots=True)
class TraceSelection:
    """Keeps every row of the traces that have a row in ``matching``."""

    input: Plan
    matching: Plan


@dataclass(frozen=True, slots=True)
class Named:
    """An expression with the name its column has above."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One row for each combination of ``keys``; without keys exactly one row."""

    input: Plan
    keys: tuple[Named, ...]
    measures: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key; nulls come last unless asked otherwise."""

    expression: Expression
    descending: bool = False
    nulls: Literal["first", "last"] = "last"


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
    """Keeps the rows of the first ``count`` traces in the order of ``keys``."""

    input: Plan
    count: int
    keys: tuple[SortKey, ...]


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


Plan = Scan | Fetch | Filter | TraceSelection | Aggregate | Sort | Limit | TraceLimit | Project | Alias | Nothing


def inputs(plan: Plan) -> tuple[Plan, ...]:
    """Return the nodes directly below."""
    match plan:
        case Scan() | Nothing():
            return ()
        case TraceSelection():
            return (plan.input, plan.matching)
        case _:
            return (plan.input,)


def walk(plan: Plan) -> Iterator[Plan]:
    """Yield the node and everything below it, parents first."""
    yield plan
    for below in inputs(plan):
        yield from walk(below)


def with_inputs(plan: Plan, new: tuple[Plan, ...]) -> Plan:
    """Return the node over other inputs."""
    if new == inputs(plan):
        return plan
    match plan:
        case Scan() | Nothing():
            return plan
        case TraceSelection():
            return replace(plan, input=new[0], matching=new[1])
        case _:
            return replace(plan, input=new[0])


def expressions(plan: Plan) -> tuple[Expression, ...]:
    """Return the expressions that the node itself evaluates."""
    match plan:
        case Scan():
            return (*plan.filters, *plan.probes)
        case Filter():
            return (plan.condition,)
        case Aggregate():
            return tuple(named.expression for named in (*plan.keys, *plan.measures))
        case Project():
            return tuple(item.expression for item in plan.items)
        case Sort() | TraceLimit():
            return tuple(key.expression for key in plan.keys)
        case Fetch() | Limit() | TraceSelection() | Alias() | Nothing():
            return ()


def rewrite(plan: Plan, change: Callable[[Plan], Plan | None]) -> Plan:
    """Return the plan with ``change`` tried on every node, inputs first."""
    below = tuple(rewrite(each, change) for each in inputs(plan))
    plan = with_inputs(plan, below)
    return change(plan) or plan
