"""Bind functions that give rows: ``unnest``, the elements and entries of JSON, ``generate_series``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_planner import errors
from btql_planner.binding.arguments import as_interval, as_time
from btql_planner.binding.bound_relation import BoundRelation
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.grouping import refuse_aggregates
from btql_planner.binding.scope import Scope
from btql_planner.expressions import Constant, Expression, Reference, engine_name
from btql_planner.functions import functions
from btql_planner.names import ColumnNames
from btql_planner.plan import Nothing, Plan, Unnest
from btql_planner.plan_relations import Series
from btql_planner.types import INTEGER, INTERVAL, TIME

ELEMENTS = ("unnest", "jsonb_array_elements", "json_array_elements")
ELEMENT_TEXTS = ("jsonb_array_elements_text", "json_array_elements_text")
ENTRIES = ("jsonb_each", "json_each")
ENTRY_TEXTS = ("jsonb_each_text", "json_each_text")
KEYS = ("jsonb_object_keys", "json_object_keys")
TABLE_FUNCTIONS = (*ELEMENTS, *ELEMENT_TEXTS, *ENTRIES, *ENTRY_TEXTS, *KEYS, "generate_series")


@dataclass(frozen=True, slots=True)
class _Columns:
    plan: Plan
    columns: tuple[tuple[str, Expression], ...]
    position: Expression | None = None
    """The number of each row, from 1."""


def bind_table_call(node: tree.TableCall, scope: Scope) -> BoundRelation:
    """Return the rows that a function gives for what is in scope."""
    call = node.call
    if call.name not in TABLE_FUNCTIONS:
        close = errors.close_to(call.name, TABLE_FUNCTIONS)
        listed = ", ".join(f"`{each}`" for each in TABLE_FUNCTIONS)
        raise BtqlError.of(
            errors.UNKNOWN_FUNCTION, f"`{call.name}` does not give rows", call.span, "behind FROM",
            help=f"did you mean `{close}`?" if close else f"these do: {listed}",
        )  # fmt: skip
    binder = ExpressionBinder(scope)
    arguments = [binder.bind(each) for each in call.arguments]
    for each in arguments:
        refuse_aggregates(each)
    most = 3 if call.name == "generate_series" else 1
    if not (2 if most == 3 else 1) <= len(arguments) <= most:
        written = "generate_series(first, last, [step])" if most == 3 else f"{call.name}(value)"
        message = f"`{call.name}` does not take {len(arguments)} argument{'' if len(arguments) == 1 else 's'}"
        raise BtqlError.of(errors.WRONG_ARGUMENT_COUNT, message, call.span, "this call", help=f"write `{written}`")
    name = engine_name(scope.context.new_name("u"), "row")
    if call.name == "generate_series":
        return _named(node, _series(node, arguments, name))
    return _named(node, _unnested(binder, node, arguments[0], name))


def _unnested(binder: ExpressionBinder, node: tree.TableCall, argument: Expression, name: str) -> _Columns:
    function = node.call.name
    of_object = function in (*ENTRIES, *ENTRY_TEXTS, *KEYS)
    plan = Unnest(Nothing(), name, argument, "object" if of_object else "array")
    value: Expression = plan.value
    if function in (*ELEMENT_TEXTS, *ENTRY_TEXTS):
        value = binder.apply_to(functions()["to_string"], (value,), node.span)
    if function in KEYS:
        return _Columns(plan, ((function, plan.key),))
    if of_object:
        return _Columns(plan, (("key", plan.key), ("value", value)))
    return _Columns(plan, (("unnest" if function == "unnest" else "value", value),), plan.position)


def _series(node: tree.TableCall, arguments: Sequence[Expression], name: str) -> _Columns:
    of_time = any(each.type & (TIME | INTERVAL) for each in arguments)
    if of_time:
        arguments = [*map(as_time, arguments[:2]), *map(as_interval, arguments[2:])]
    wanted = [TIME, TIME] if of_time else [INTEGER, INTEGER]
    for each, type_ in zip(arguments, [*wanted, INTERVAL if of_time else INTEGER], strict=False):
        if not each.type & type_:
            raise BtqlError.of(
                errors.WRONG_ARGUMENT, "a series is of whole numbers, or of times with an interval between them",
                each.span, "this", help="write `generate_series(1, 10)` or `generate_series(from, to, interval 1 day)`",
            )  # fmt: skip
    if of_time and len(arguments) < 3:
        raise BtqlError.of(
            errors.WRONG_ARGUMENT_COUNT, "a series of times needs an interval", node.call.span, "this call",
            help="write `generate_series(from, to, interval 1 day)`",
        )  # fmt: skip
    for step in arguments[2:]:
        if isinstance(step, Constant) and re.fullmatch(r"-?0+( \w+)?", str(step.value)):
            raise BtqlError.of(
                errors.WRONG_ARGUMENT, "a series with a step of zero has no end", step.span, "this step",
                help="write a step such as `1`, `-1` or `interval 1 day`",
            )  # fmt: skip
    column = Reference(f"{name}.value", TIME if of_time else INTEGER)
    return _Columns(Series(Nothing(), tuple(arguments), column.name), (("generate_series", column),))


def _named(node: tree.TableCall, found: _Columns) -> BoundRelation:
    columns = list(found.columns)
    if node.ordinality:
        if found.position is None:
            raise errors.not_supported("WITH ORDINALITY for anything but elements", node.span)
        columns.append(("ordinality", found.position))
    names = [*node.columns, *(name for name, _ in columns[len(node.columns) :])]
    if len(node.columns) > len(columns):
        message = f"`{node.call.name}` gives {errors.columns(len(columns))}, {len(node.columns)} names are given"
        raise BtqlError.of(errors.COLUMN_COUNT, message, node.span, "this list", help="give at most one name a column")
    also: dict[str, Expression] = {}
    if node.alias is not None and not node.columns and len(found.columns) == 1:
        # The one column of a function is called as the function is here, but for elements of JSON: that is a `value`.
        ((own, column),) = found.columns
        names[0] = own if own == "value" else node.alias
        also = {name: column for name in (own, node.alias) if name != names[0]}
    named = {name: column for name, (_, column) in zip(names, columns, strict=True)}
    return BoundRelation(found.plan, [ColumnNames(named, node.alias or node.call.name, also)])
