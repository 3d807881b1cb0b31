"""Bind what stands behind FROM: sources, bare names, queries, joins.

A source that is the only relation of its query, and that no other query looks
into, keeps its columns' plain names. Every other one gets an Alias.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from btql_grammar import tree
from btql_planner import errors
from btql_planner.catalog import Objects
from btql_planner.clauses.shapes import in_shape
from btql_planner.clauses.summary import SummaryNames
from btql_planner.expressions import Expression
from btql_planner.names import ColumnNames, ObjectNames
from btql_planner.plan import Alias, Plan, Scan
from btql_planner.scope import Around, RelationNames


@dataclass(frozen=True, slots=True)
class BoundRelation:
    """A relation behind FROM: its rows, and the names they have."""

    plan: Plan
    names: Sequence[RelationNames]
    merged: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    """Columns that both sides of a join have in common, by USING or NATURAL."""
    objects: tree.From | None = None
    """The source, where the relation is nothing but one."""


def bind_relation(node: tree.Relation, around: Around) -> BoundRelation:
    """Return the relation behind the FROM of one query."""
    return _Relations(around, alone=around.captures is None).bind(node)


@dataclass(frozen=True, slots=True)
class _Relations:
    around: Around
    alone: bool
    """Whether the relation is the only one that its columns are seen together with."""

    def bind(self, node: tree.Relation) -> BoundRelation:
        match node:
            case tree.From():
                return self._source(node)
            case tree.Table():
                return self._source(self.around.context.catalogs.resolve(node))
            case tree.Derived():
                return self._derived(node)
            case tree.TableCall() | tree.Join():
                raise errors.not_supported("a join", node.span)

    def _source(self, node: tree.From) -> BoundRelation:
        context = self.around.context
        catalog = context.catalogs.fields(node)
        source = "" if self.alone else context.new_name("t")
        scan = Scan(source or "rows", objects=Objects.of(node))
        names: RelationNames = ObjectNames(catalog, node.alias, source)
        plan: Plan = scan
        if node.shape == "summary":
            names = SummaryNames(ObjectNames(catalog), ObjectNames(catalog, node.alias, source), context.new_name("s"))
            plan = in_shape(scan, scan, node.shape, names.name)
        return BoundRelation(Alias(plan, source) if source else plan, [names], objects=node)

    def _derived(self, node: tree.Derived) -> BoundRelation:
        rows = self.around.context.bind_rows(node.query, self.around)
        columns = dict(rows.columns)
        for old, new in zip(list(columns), node.columns, strict=False):
            columns = {new if name == old else name: column for name, column in columns.items()}
        return BoundRelation(rows.plan, [ColumnNames(columns, node.alias)])
