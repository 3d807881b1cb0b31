"""Plan nodes over several relations: joins, set operations, windows, recursion.

They belong to the typed plan of :mod:`btql_planner.plan`, which has the list of all nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from btql_planner.expressions import Expression, Parameter, Reference, engine_name

if TYPE_CHECKING:
    from btql_planner.plan import Named, Plan

JoinKind = Literal["inner", "left", "right", "full", "semi", "anti"]
"""``semi`` keeps the rows of the left side that have a partner, ``anti`` those that have none."""


@dataclass(frozen=True, slots=True)
class Join:
    """Pairs of rows for which the condition holds; None holds for all."""

    left: Plan
    right: Plan
    kind: JoinKind = "inner"
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class Lateral:
    """Joins each row of ``left`` with what ``right`` is for it.

    ``right`` looks at ``left`` through parameters only: parameter number n stands
    for argument number n. No engine runs this node; a rule turns it into joins.
    """

    left: Plan
    right: Plan
    kind: JoinKind
    parameters: tuple[Parameter, ...]
    arguments: tuple[Expression, ...]
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class SetOperation:
    """Rows of two relations whose columns correspond by place."""

    op: Literal["union", "intersect", "except"]
    all: bool
    left: Plan
    right: Plan
    columns: tuple[tuple[Reference, Reference], ...]
    """The columns of the left side and those of the right side."""
    names: tuple[str, ...]
    """The columns of the result."""


@dataclass(frozen=True, slots=True)
class Window:
    """Adds a column for each item, an Over; the rows stay as they are."""

    input: Plan
    items: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows that are computed once, and read wherever the plan has a node of this ``name``."""

    input: Plan
    name: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """Adds a whole number that is the same for rows in which all ``keys`` are the same, kind for kind."""

    input: Plan
    keys: tuple[Expression, ...]
    name: str


@dataclass(frozen=True, slots=True)
class ValuesTable:
    """Rows that the query spells out."""

    rows: tuple[tuple[Expression, ...], ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One row for each number or time from ``first`` to ``last``, for each row of the input."""

    input: Plan
    arguments: tuple[Expression, ...]
    """The first, the last, and the step between two."""
    name: str


@dataclass(frozen=True, slots=True)
class Recursion:
    """The rows that the last step of a recursive query found; ``columns`` are its column names here."""

    table: str
    columns: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class RecursiveTable:
    """A recursive query: the rows of ``anchor``, then of ``step`` over what was found last, until there are none."""

    table: str
    anchor: Plan
    step: Plan
    columns: tuple[tuple[Reference, Reference], ...]
    names: tuple[str, ...]
    distinct: bool


def column(source: str, name: str, expression: Expression) -> Reference:
    """Return what stands for a column of a relation above it."""
    return Reference(engine_name(source, name), expression.type, span=expression.span)
