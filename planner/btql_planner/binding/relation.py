"""Bind what stands behind FROM: sources, bare names, queries, joins.

A source that is the only relation of its query, and that no other query looks
into, keeps its columns' plain names. Every other one gets an Alias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_planner import errors
from btql_planner.binding.bound_relation import BoundRelation
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.grouping import refuse_aggregates
from btql_planner.binding.scope import Around, BoundTable, Captures, Rows, Scope
from btql_planner.binding.table_call import bind_table_call
from btql_planner.binding.unnamed import with_any_names
from btql_planner.binding.window import refuse_windows
from btql_planner.catalog import Objects
from btql_planner.clauses.shapes import in_shape
from btql_planner.clauses.summary import SummaryNames
from btql_planner.expressions import Apply, Constant, Expression
from btql_planner.functions import functions
from btql_planner.names import ColumnNames, ObjectNames
from btql_planner.plan import Alias, Plan
from btql_planner.plan_relations import Join, JoinKind, Lateral
from btql_planner.plan_scan import Scan
from btql_planner.types import BOOLEAN

if TYPE_CHECKING:
    from btql_planner.binding.relation_names import RelationNames


def bind_relation(node: tree.Relation, around: Around) -> BoundRelation:
    """Return the relation behind the FROM of one query."""
    alone = around.captures is None and not isinstance(node, tree.Join)
    bound = _Relations(around, alone).bind(node)
    _refuse_equal_names(bound.names, node)
    return bound


def with_tables(around: Around, clause: tree.With | None) -> Around:
    """Return what a query finds around it, with the common tables of its WITH clause."""
    if clause is None:
        return around
    tables = dict(around.tables)
    for table in clause.tables:
        tables[table.name] = BoundTable(table, dict(tables), clause.recursive)
    return replace(around, tables=tables)


@dataclass(frozen=True, slots=True)
class _Relations:
    around: Around
    alone: bool
    """Whether the relation is the only one that its columns are seen together with."""

    def bind(self, node: tree.Relation) -> BoundRelation:
        self.around.context.count_relation(node.span)
        match node:
            case tree.From():
                return self._source(node)
            case tree.Table():
                return self._table(node)
            case tree.Derived():
                return self._derived(node, self.around)
            case tree.TableCall():
                return bind_table_call(node, Scope(self.around))
            case tree.Join():
                return self._join(node)

    def _source(self, node: tree.From, schema: str | None = None) -> BoundRelation:
        context = self.around.context
        catalog = context.catalogs.fields(node)
        source = "" if self.alone else context.new_name("t")
        scan = Scan(source or "rows", objects=Objects.of(node))
        names: RelationNames = ObjectNames(catalog, node.alias, source, schema, context.warn)
        plan: Plan = scan
        if node.shape == "summary":
            spans = ObjectNames(catalog, node.alias)
            names = SummaryNames(spans, ObjectNames(catalog, node.alias, source), context.new_name("s"))
            plan = in_shape(scan, scan, node.shape, names.name)
        return BoundRelation(Alias(plan, source) if source else plan, [names], objects=node)

    def _table(self, node: tree.Table) -> BoundRelation:
        context = self.around.context
        *outside, name = node.path
        if len(outside) > 1 and outside[0] == context.database():
            # dbt writes "database"."schema"."name".
            node = replace(node, path=node.path[1:])
        if outside or name not in self.around.tables:
            found = context.catalogs.resolve(node)
            return self._source(found, found.kind if node.alias is None else None)
        from btql_planner.binding.recursive import bind_common_table  # Few queries have a WITH.

        rows = bind_common_table(self.around.tables[name], context)
        return _renamed(rows, node.alias or name, node.columns, node)

    def _derived(self, node: tree.Derived, around: Around) -> BoundRelation:
        query = with_any_names(node.query, len(node.columns))
        return _renamed(around.context.bind_rows(query, around), node.alias, node.columns, node)

    def _join(self, node: tree.Join) -> BoundRelation:
        left = self.bind(node.left)
        scope = Scope(self.around, left.names, merged=left.merged)
        captures = Captures(scope)
        right = self._right_side(node.right, captures)
        common = self._common_columns(node, left, right)
        condition, merged = join_using(node, (left, right), common)
        names = [*left.names, *right.names]
        merged = {**left.merged, **right.merged, **merged}
        if node.on is not None:
            condition = ExpressionBinder(Scope(self.around, names, merged=merged)).bind(node.on)
            refuse_aggregates(condition)
            refuse_windows(condition)
            if isinstance(condition, Constant) and condition.value is True:
                condition = None
        kind: JoinKind = "inner" if node.kind == "cross" else node.kind
        plan: Plan = Join(left.plan, right.plan, kind, condition)
        if captures.arguments:
            if kind not in ("inner", "left"):
                what = f"a {kind} join whose right side looks at its left side"
                raise errors.not_supported(what, node.span, "write it as a left join")
            parameters, arguments = tuple(captures.arguments.values()), tuple(captures.arguments)
            plan = Lateral(left.plan, right.plan, kind, parameters, arguments, condition)
        return BoundRelation(plan, names, merged)

    def _right_side(self, node: tree.Relation, captures: Captures) -> BoundRelation:
        """Return the right side of a join; a lateral one and a function see the left side."""
        if isinstance(node, tree.TableCall):
            self.around.context.count_relation(node.span)
            return bind_table_call(node, Scope(replace(self.around, captures=captures)))
        if isinstance(node, tree.Derived) and node.lateral:
            self.around.context.count_relation(node.span)
            return self._derived(node, replace(self.around, captures=captures))
        return self.bind(node)

    def _common_columns(self, node: tree.Join, left: BoundRelation, right: BoundRelation) -> Sequence[str]:
        if not node.natural:
            return node.using
        on_right = {name for relation in right.names for name in relation.star()}
        return [
            name
            for name in dict.fromkeys(name for relation in left.names for name in relation.star())
            if name in on_right
        ]


def join_using(
    node: tree.Join, sides: tuple[BoundRelation, BoundRelation], common: Sequence[str]
) -> tuple[Expression | None, dict[str, Expression]]:
    """Return the condition that common columns are equal, and what each of them is after the join."""
    conditions: list[Expression] = []
    merged: dict[str, Expression] = {}
    for name in common:
        left, right = (_column(side, name, node) for side in sides)
        conditions.append(Apply(functions()["eq"], (left, right), BOOLEAN, span=node.span))
        match node.kind:
            case "right":
                merged[name] = right
            case "full":
                both = (left, right)
                merged[name] = Apply(functions()["coalesce"], both, left.type | right.type, span=node.span)
            case _:
                merged[name] = left
    if len(conditions) < 2:
        return (conditions[0] if conditions else None), merged
    return Apply(functions()["and"], tuple(conditions), BOOLEAN, span=node.span), merged


def _column(side: BoundRelation, name: str, node: tree.Join) -> Expression:
    if name in side.merged:
        return side.merged[name]
    found = [value for relation in side.names if (value := relation.field((name,), node.span)) is not None]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"`{name}` is ambiguous: {len(found)} relations on one side have it"
        raise BtqlError.of(errors.AMBIGUOUS_NAME, message, node.span, "this join", help="write the condition with ON")
    raise BtqlError.of(
        errors.UNKNOWN_NAME, f"one side of the join has no column `{name}`", node.span, "this join",
        help="write the condition with ON",
    )  # fmt: skip


def _renamed(rows: Rows, alias: str | None, columns: Sequence[str], node: tree.Derived | tree.Table) -> BoundRelation:
    """Return a query as a relation, its first columns with the names that the alias lists."""
    if len(columns) > len(rows.columns):
        message = f"`{alias}` has {errors.columns(len(rows.columns))}, {len(columns)} names are given"
        raise BtqlError.of(errors.COLUMN_COUNT, message, node.span, "this list", help="give at most one name a column")
    names = [*columns, *(name for name, _ in rows.columns[len(columns) :])]
    named: dict[str, Expression] = {}
    for name, (_, column) in zip(names, rows.columns, strict=True):
        if name in named:
            message = f"two columns are called `{name}`"
            raise BtqlError.of(errors.DUPLICATE_ALIAS, message, node.span, "in this relation")
        named[name] = column
    return BoundRelation(rows.plan, [ColumnNames(named, alias)], order=rows.order)


def _refuse_equal_names(names: Sequence[RelationNames], node: tree.Relation) -> None:
    seen: set[str] = set()
    for each in names:
        if each.alias is not None and each.alias in seen:
            raise BtqlError.of(
                errors.DUPLICATE_ALIAS, f"two relations are called `{each.alias}`", node.span, "in this FROM",
                help="give one of them another name with `AS`",
            )  # fmt: skip
        if each.alias is not None:
            seen.add(each.alias)
