"""A relation behind FROM, bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from btql_grammar import tree
from btql_planner.expressions import Expression, SortKey
from btql_planner.plan import Plan

if TYPE_CHECKING:
    from btql_planner.binding.relation_names import RelationNames


@dataclass(frozen=True, slots=True)
class BoundRelation:
    """A relation behind FROM: its rows, and the names they have."""

    plan: Plan
    names: Sequence[RelationNames]
    merged: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    """Columns that both sides of a join have in common, by USING or NATURAL."""
    objects: tree.From | None = None
    """The source, where the relation is nothing but one."""
    order: tuple[SortKey, ...] = ()
    """The order of its rows, where the relation is a query that asks for one."""
