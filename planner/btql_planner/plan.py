"""The typed logical plan: what to compute, not yet how.

Each node is a frozen dataclass over its inputs. A plan for one object's rows
is a chain; a trace selection has a second branch that finds the traces.

Columns have names that are unique in a statement, so that neither joins nor
subqueries ever mix them up. A query over one source calls its columns
``created`` or ``metadata.model``. Where there are several relations each has a
short name, given by an Alias (``t1``) or by a Project below the top (``q2``),
and its columns carry it: ``t1#|created``, ``q2#|model``.

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

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import is_
from typing import Literal

from btql_planner.catalog import Objects
from btql_planner.expressions import Expression, Reference, engine_name
from btql_planner.needs import Needed
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
from btql_planner.probes import Probe
from btql_planner.types import ANY, BOOLEAN, INTEGER, LIST, NULL, TEXT


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
class Check:
    """A condition on a column that is kept in memory, so that nothing is read to know which rows it holds for."""

    column: str
    operator: Literal["lt", "le", "gt", "ge", "eq"]
    value: datetime | str | bool
    """What is on its right side; transactions and keys in the form in which rows have them."""


ROOTS = Check("is_root", "eq", value=True)


@dataclass(frozen=True, slots=True)
class Top:
    """The first rows in the order of a column that is never null, and those that tie with the last of them."""

    column: str
    count: int
    descending: bool
    filtered: bool
    """Only those count that pass the filters of the scan, or a selection of traces."""
    asked: int | None = None
    """How many rows the answer has once enough were looked at, where their documents decide which of them count."""
    among: tuple[Check, ...] = ()
    """Filters of the scan that are known of each row before it is looked at: no other rows count."""
    only: Literal["roots", "passing"] | None = None
    """Of traces, only these rows are wanted: the root spans, or the rows that pass what is checked."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows of the snapshot, newest versions only."""

    alias: str
    objects: Objects = field(kw_only=True)
    filters: tuple[Expression, ...] = ()
    """Conditions over columns, checked inside the scan."""
    probes: tuple[Probe, ...] = ()
    """What the text index is asked; a row must be a hit of each."""
    ranges: tuple[Range, ...] = ()
    """Bounds that follow from the filters: parts outside them are not read."""
    keys: tuple[Keys, ...] = ()
    """Ids that follow from the filters: parts without any of them are not read."""
    needs: tuple[Needed, ...] = ()
    """What follows from the filters for the values of paths: parts without such are not read."""
    top: Top | None = None
    """Only rows up to here are wanted; further ones may be left out."""
    traces: Top | None = None
    """Only rows of the traces whose root spans come first are wanted."""
    ends: bool = False
    """Only the smallest and the largest value of each column are wanted."""
    counted: bool = False
    """Only how many rows there are is wanted; they need not have anything in them."""


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
    """Keeps the rows of ``count`` traces in the order of ``keys``, after skipping ``offset`` traces."""

    input: Plan
    count: int | None
    keys: tuple[SortKey, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class TracePage:
    """Keeps the rows of a page of traces, in the order of a pagination key of each.

    That is its newest key where newest traces come first, else its oldest one.
    ``TRACE_KEY`` stands for it above.
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


def inputs(plan: Plan) -> tuple[Plan, ...]:
    """Return the nodes directly below."""
    match plan:
        case Scan() | Nothing() | ValuesTable() | Recursion():
            return ()
        case Join() | Lateral() | SetOperation():
            return (plan.left, plan.right)
        case RecursiveTable():
            return (plan.anchor, plan.step)
        case TraceSelection():
            return (plan.input, *plan.matching)
        case TraceSummary():
            return (plan.roots, plan.spans)
        case _:
            return (plan.input,)


def walk(plan: Plan) -> Iterator[Plan]:
    """Yield the node and everything below it, parents first; what is below Shared rows comes once."""
    shared: set[str] = set()
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Shared):
            if node.name in shared:
                continue
            shared.add(node.name)
        waiting.extend(reversed(inputs(node)))


def with_inputs(plan: Plan, new: tuple[Plan, ...]) -> Plan:
    """Return the node over other inputs."""
    if all(map(is_, new, inputs(plan))):
        return plan
    match plan:
        case Scan() | Nothing() | ValuesTable() | Recursion():
            return plan
        case Join() | Lateral() | SetOperation():
            return replace(plan, left=new[0], right=new[1])
        case RecursiveTable():
            return replace(plan, anchor=new[0], step=new[1])
        case TraceSelection():
            return replace(plan, input=new[0], matching=new[1:])
        case TraceSummary():
            return replace(plan, roots=new[0], spans=new[1])
        case _:
            return replace(plan, input=new[0])


def expressions(plan: Plan) -> tuple[Expression, ...]:
    """Return the expressions that the node itself evaluates."""
    match plan:
        case Scan():
            return plan.filters
        case Filter() | TraceSelection():
            return (plan.condition,)
        case TraceSummary():
            return tuple(named.expression for named in plan.measures)
        case Unnest():
            return (plan.expression,) if plan.entries is None else tuple(value for _, value in plan.entries)
        case Aggregate():
            return tuple(named.expression for named in (*plan.keys, *plan.measures))
        case Project():
            return tuple(item.expression for item in plan.items)
        case Sort() | TraceLimit():
            return tuple(key.expression for key in plan.keys)
        case Join():
            return () if plan.condition is None else (plan.condition,)
        case Lateral():
            return (*plan.arguments, *(() if plan.condition is None else (plan.condition,)))
        case Window():
            return tuple(item.expression for item in plan.items)
        case Series():
            return plan.arguments
        case Numbered():
            return plan.keys
        case ValuesTable():
            return tuple(each for row in plan.rows for each in row)
        case _:
            return ()


def map_expressions(plan: Plan, change: Callable[[Expression], Expression]) -> Plan:
    """Return the node with ``change`` applied to each expression that it evaluates."""
    match plan:
        case Filter() | TraceSelection():
            return replace(plan, condition=change(plan.condition))
        case TraceSummary():
            return replace(plan, measures=_map_named(plan.measures, change))
        case Unnest():
            entries = plan.entries and tuple((key, change(value)) for key, value in plan.entries)
            return replace(plan, expression=change(plan.expression), entries=entries)
        case Aggregate():
            return replace(plan, keys=_map_named(plan.keys, change), measures=_map_named(plan.measures, change))
        case Project():
            return replace(plan, items=_map_named(plan.items, change))
        case Sort() | TraceLimit():
            return replace(plan, keys=tuple(replace(key, expression=change(key.expression)) for key in plan.keys))
        case Join():
            return plan if plan.condition is None else replace(plan, condition=change(plan.condition))
        case Lateral():
            condition = None if plan.condition is None else change(plan.condition)
            return replace(plan, arguments=tuple(map(change, plan.arguments)), condition=condition)
        case Window():
            return replace(plan, items=_map_named(plan.items, change))
        case Series():
            return replace(plan, arguments=tuple(map(change, plan.arguments)))
        case Numbered():
            return replace(plan, keys=tuple(map(change, plan.keys)))
        case ValuesTable():
            return replace(plan, rows=tuple(tuple(map(change, row)) for row in plan.rows))
        case _:
            return plan


def _map_named(items: tuple[Named, ...], change: Callable[[Expression], Expression]) -> tuple[Named, ...]:
    return tuple(replace(item, expression=change(item.expression)) for item in items)


def rewrite(plan: Plan, change: Callable[[Plan], Plan | None]) -> Plan:
    """Return the plan with ``change`` tried on every node, inputs first."""

    def changed(node: Plan, below: Callable[[Plan], Plan]) -> Plan:
        node = with_inputs(node, tuple(map(below, inputs(node))))
        return change(node) or node

    return _each_once(plan, changed)


def rewrite_down(plan: Plan, change: Callable[[Plan], Plan | None]) -> Plan:
    """Return the plan with ``change`` tried on every node, as often as it changes anything, before its inputs."""

    def changed(node: Plan, below: Callable[[Plan], Plan]) -> Plan:
        while (new := change(node)) is not None:
            node = new
        return with_inputs(node, tuple(map(below, inputs(node))))

    return _each_once(plan, changed)


def _each_once(plan: Plan, change: Callable[[Plan, Callable[[Plan], Plan]], Plan]) -> Plan:
    """Return the plan with each node changed, Shared rows once for all places where they are read.

    Each level of queries inside queries would double the work else.
    """
    shared: dict[str, Plan] = {}

    def changed(node: Plan) -> Plan:
        if not isinstance(node, Shared):
            return change(node, changed)
        if node.name not in shared:
            shared[node.name] = change(node, changed)
        return shared[node.name]

    return changed(plan)
