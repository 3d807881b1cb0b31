"""Bind common tables: each reference is a query of its own; a recursive one reads its own rows.

What kinds the columns of a recursive table have depends on its step, which reads
them. So the step is bound until it adds no kind: first over the columns of the
anchor, then over those and its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.scope import Around, BoundTable, Context, Rows
from btql_planner.binding.unnamed import with_any_names
from btql_planner.expressions import Reference, engine_name
from btql_planner.plan import Aggregate, Plan
from btql_planner.plan_relations import Recursion, RecursiveTable
from btql_planner.plan_traversal import walk
from btql_planner.types import Type

_ROUNDS_MAX = 12
"""More than there are kinds."""


@dataclass(frozen=True, slots=True)
class RecursiveStep:
    """What the step of a recursive query reads: the table's name in the engine, and its columns so far."""

    table: str
    columns: tuple[tuple[str, Type], ...]


def bind_common_table(bound: BoundTable, context: Context) -> Rows:
    """Return the rows of a common table."""
    table = bound.table
    if isinstance(bound.step, RecursiveStep):
        return _recursion(bound.step, context)
    query = table.query
    if bound.recursive and isinstance(query, tree.SetOperation) and _reads(query.right, table.name):
        return _recursive(bound, query, context)
    rows = context.bind_rows(with_any_names(query, len(table.columns)), Around(context, bound.tables))
    return Rows(rows.plan, _renamed(table, rows.columns), rows.order)


def _renamed(table: tree.CommonTable, columns: tuple[tuple[str, Reference], ...]) -> tuple[tuple[str, Reference], ...]:
    if len(table.columns) > len(columns):
        message = f"`{table.name}` has {errors.columns(len(columns))}, {len(table.columns)} names are given"
        raise BtqlError.of(
            errors.COLUMN_COUNT, message, table.span, "this table", help="give at most one name a column"
        )
    names = [*table.columns, *(name for name, _ in columns[len(table.columns) :])]
    return tuple((name, column) for name, (_, column) in zip(names, columns, strict=True))


def _reads(node: object, name: str) -> bool:
    """Whether a query names a table anywhere."""
    if isinstance(node, tuple):
        return any(_reads(each, name) for each in node)
    if isinstance(node, tree.Table):
        return node.path == (name,)
    slots = getattr(type(node), "__dataclass_fields__", None)
    return slots is not None and any(_reads(getattr(node, each), name) for each in slots)


def _recursive(bound: BoundTable, query: tree.SetOperation, context: Context) -> Rows:
    if query.op != "union":
        raise errors.not_supported("recursion through INTERSECT or EXCEPT", query.span, "write UNION or UNION ALL")
    if query.sort or query.limit is not None or query.offset:
        way_out = "put it into the query that reads the table"
        raise errors.not_supported("ORDER BY or LIMIT in a recursive query", query.span, way_out)
    anchor = context.bind_rows(with_any_names(query.left, len(bound.table.columns)), Around(context, bound.tables))
    columns = _renamed(bound.table, anchor.columns)
    types = [column.type for _, column in columns]
    right = with_any_names(query.right)
    for _ in range(_ROUNDS_MAX):
        engine_table = context.new_name("r")
        named = tuple((name, type_) for (name, _), type_ in zip(columns, types, strict=True))
        itself = BoundTable(bound.table, bound.tables, step=RecursiveStep(engine_table, named))
        step = context.bind_rows(right, Around(context, {**bound.tables, bound.table.name: itself}))
        if len(step.columns) != len(columns):
            message = f"the step of `{bound.table.name}` has {len(step.columns)} columns, its anchor has {len(columns)}"
            raise BtqlError.of(
                errors.COLUMN_COUNT, message, query.right.span, "this query", help="select the same columns"
            )
        found = [type_ | column.type for type_, (_, column) in zip(types, step.columns, strict=True)]
        if found == types:
            break
        types = found
    else:
        raise AssertionError("there are not that many kinds")
    _refuse_aggregates(step.plan, query.right.span)
    source = context.new_name("q")
    references = tuple((name, Reference(engine_name(source, name), type_)) for name, type_ in named)
    pairs = tuple((one, other) for (_, one), (_, other) in zip(columns, step.columns, strict=True))
    plan = RecursiveTable(
        engine_table, anchor.plan, step.plan, pairs, tuple(column.name for _, column in references), not query.all
    )
    return Rows(plan, references)


def _refuse_aggregates(step: Plan, span: Span) -> None:
    """Raise where a step computes something of all rows that it reads: of none, too, so that it would never end."""
    for node in walk(step):
        is_of_all = isinstance(node, Aggregate) and node.measures
        if is_of_all and any(isinstance(each, Recursion) for each in walk(node)):
            way_out = "aggregate the rows in the query that reads the table"
            raise errors.not_supported("an aggregate in the step of a recursive query", span, way_out)


def _recursion(step: RecursiveStep, context: Context) -> Rows:
    source = context.new_name("q")
    columns = tuple((name, Reference(engine_name(source, name), type_)) for name, type_ in step.columns)
    return Rows(Recursion(step.table, tuple(column for _, column in columns)), columns)
