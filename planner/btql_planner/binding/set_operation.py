"""Bind UNION, INTERSECT, EXCEPT and VALUES: rows of several queries, or of none, under one list of columns.

1. Both sides have as many columns; the left one names them, and a column may be of every kind that either has.
2. A long chain of one operation becomes a tree, as queries that are nested deep are slow to plan. EXCEPT stays as it
   is: its order makes a difference.
3. The rows of VALUES are a table, unless one of them has a subquery or a value of the query around: then each row is
   a query of its own, and they become a UNION ALL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_planner import errors
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.grouping import refuse_aggregates
from btql_planner.binding.relation import with_tables
from btql_planner.binding.scope import Around, Rows, Scope
from btql_planner.binding.unnamed import with_any_names
from btql_planner.binding.window import refuse_windows
from btql_planner.clauses.page import no_cursor
from btql_planner.expression_traversal import walk
from btql_planner.expressions import Expression, Parameter, Reference, SortKey, Subquery, engine_name
from btql_planner.names import ColumnNames
from btql_planner.options import refuse_parameters
from btql_planner.plan import Limit, Named, Nothing, Plan, Project, Sort
from btql_planner.plan_relations import SetOperation, ValuesTable
from btql_planner.types import Kind, Type

CHAIN_MAX = 8
"""A longer chain becomes a tree: what is nested deep is slow to plan, and the engine has a limit."""


def bind_set_operation(node: tree.SetOperation, around: Around, source: str) -> Rows:
    """Return the rows of two queries as one; the left one names the columns."""
    context = around.context
    if not source and context.options.cursor is not None:
        raise no_cursor(node.span)
    around = with_tables(around, node.with_)
    node = _balanced(node)
    refuse_parameters(node, context.options)
    left, right = context.bind_rows(node.left, around), context.bind_rows(with_any_names(node.right), around)
    if len(left.columns) != len(right.columns):
        sides = f"{len(left.columns)} on the left side, {len(right.columns)} on the right"
        message = f"the two sides of {node.op.upper()} differ in their number of columns: {sides}"
        raise BtqlError.of(
            errors.COLUMN_COUNT, message, node.right.span, "this side", help="select the same number of columns"
        )
    pairs = tuple((one, other) for (_, one), (_, other) in zip(left.columns, right.columns, strict=True))
    names = [name for name, _ in left.columns]
    inner = context.new_name("q")
    columns = [
        (name, Reference(engine_name(inner, name), one.type | other.type))
        for name, (one, other) in zip(names, pairs, strict=True)
    ]
    plan: Plan = SetOperation(
        node.op, node.all, left.plan, right.plan, pairs, tuple(column.name for _, column in columns)
    )
    keys = _sort_keys(node.sort, columns, around)
    plan = Sort(plan, keys) if keys else plan
    if node.limit is not None or node.offset:
        plan = Limit(plan, node.limit, node.offset or 0)
    return _projected(plan, columns, source)


def _balanced(node: tree.SetOperation) -> tree.SetOperation:
    """Return a long chain of one operation as a tree that is not deep; its order makes no difference."""
    operands: list[tree.Statement] = [node.right]
    left = node.left
    while isinstance(left, tree.SetOperation) and _continues(node, left):
        operands.append(left.right)
        left = left.left
    operands.append(left)
    if node.op == "except" or len(operands) <= CHAIN_MAX:
        return node
    operands.reverse()
    halves = operands[: len(operands) // 2], operands[len(operands) // 2 :]
    return replace(node, left=_joined(node, halves[0]), right=_joined(node, halves[1]))


def _continues(node: tree.SetOperation, left: tree.SetOperation) -> bool:
    plain = not left.sort and left.limit is None and not left.offset and left.with_ is None
    return plain and left.op == node.op and left.all == node.all


def _joined(node: tree.SetOperation, operands: Sequence[tree.Statement]) -> tree.Statement:
    if len(operands) == 1:
        return operands[0]
    half = len(operands) // 2
    left, right = _joined(node, operands[:half]), _joined(node, operands[half:])
    return tree.SetOperation(node.op, left, right, node.all, span=node.span)


def refuse_constant(node: tree.Expression) -> None:
    """Raise where rows are to be sorted by a constant that is no position; a name may stand in double quotes."""
    if isinstance(node, tree.Literal) and isinstance(node.value, str | float) and not node.double_quoted:
        raise errors.constant_order(node.span)


def _sort_keys(
    items: Sequence[tree.SortItem], columns: Sequence[tuple[str, Reference]], around: Around
) -> tuple[SortKey, ...]:
    binder = ExpressionBinder(Scope(around, [ColumnNames(dict(columns))]))
    keys: list[SortKey] = []
    for item in items:
        node = item.expression
        if isinstance(node, tree.Literal) and isinstance(node.value, int) and not isinstance(node.value, bool):
            if not 1 <= node.value <= len(columns):
                raise BtqlError.of(
                    errors.BAD_POSITION, f"there is no column number {node.value}", node.span, "this position",
                    help=f"positions go from 1 to {len(columns)}",
                )  # fmt: skip
            expression: Expression = columns[node.value - 1][1]
        else:
            refuse_constant(node)
            expression = binder.bind(node)
        refuse_aggregates(expression)
        refuse_windows(expression)
        keys.append(SortKey(expression, item.direction == "desc", item.nulls or "last"))
    return tuple(keys)


def _projected(plan: Plan, columns: Sequence[tuple[str, Reference]], source: str) -> Rows:
    project = Project(plan, tuple(Named(name, column) for name, column in columns), source)
    return Rows(project, tuple((item.name, project.reference(item)) for item in project.items))


def bind_values(node: tree.Values, around: Around, source: str) -> Rows:
    """Return the rows of VALUES, as column1, column2, …"""
    binder = ExpressionBinder(Scope(around))
    width = len(node.rows[0])
    rows: list[tuple[Expression, ...]] = []
    for row in node.rows:
        if len(row) != width:
            message = f"the first row has {width} value{'' if width == 1 else 's'}, this one {len(row)}"
            raise BtqlError.of(errors.COLUMN_COUNT, message, row[0].span if row else node.span, "in this row")
        rows.append(tuple(binder.bind(each) for each in row))
    for each in (each for row in rows for each in row):
        refuse_aggregates(each)
        refuse_windows(each)
    context = around.context
    names = [f"column{number + 1}" for number in range(width)]
    if any(isinstance(part, Parameter | Subquery) for row in rows for each in row for part in walk(each)):
        return _union_of_rows(rows, names, around, source)
    inner = context.new_name("q")
    types = [_united([row[number].type for row in rows]) for number in range(width)]
    columns = [(name, Reference(engine_name(inner, name), type_)) for name, type_ in zip(names, types, strict=True)]
    return _projected(ValuesTable(tuple(rows), tuple(column.name for _, column in columns)), columns, source)


def _united(types: Sequence[Type]) -> Type:
    return frozenset[Kind]().union(*types)


def _union_of_rows(rows: Sequence[tuple[Expression, ...]], names: Sequence[str], around: Around, source: str) -> Rows:
    """Return rows that look at other rows, each as a query of its own."""
    context = around.context
    plan: Plan | None = None
    columns: list[Reference] = []
    for row in rows:
        one = Project(
            Nothing(), tuple(Named(name, each) for name, each in zip(names, row, strict=True)), context.new_name("q")
        )
        references = [one.reference(item) for item in one.items]
        if plan is None:
            plan, columns = one, references
            continue
        inner = context.new_name("q")
        pairs = tuple(zip(columns, references, strict=True))
        columns = [
            Reference(engine_name(inner, name), left.type | right.type)
            for name, (left, right) in zip(names, pairs, strict=True)
        ]
        plan = SetOperation("union", True, plan, one, pairs, tuple(column.name for column in columns))  # noqa: FBT003
    assert plan is not None
    return _projected(plan, list(zip(names, columns, strict=True)), source)
