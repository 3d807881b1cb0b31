"""The scan, the node at the bottom of every plan, and what follows from a query for what it need not read.

It belongs to the typed plan of :mod:`btql_planner.plan`. Rules put conditions of the query into it; whoever runs the
plan leaves out parts and rows by them (:mod:`btql.execution.scan`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from btql_planner.catalog import Objects
from btql_planner.expressions import Expression
from btql_planner.needs import Needed
from btql_planner.probes import Probe


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
