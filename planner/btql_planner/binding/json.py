"""Bind arrays and objects, and what else of JSON is written in a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.expressions import Apply, Constant, Expression
from btql_planner.functions import functions
from btql_planner.postgres_arrays import texts_of
from btql_planner.spelling import time_text
from btql_planner.types import JSON, Kind
from btql_storage import json_text

if TYPE_CHECKING:
    from btql_planner.binding.expression import ExpressionBinder

_PLACE_OF_A_VALUE = re.compile(r"[?:]|\$\d")
"""How a parameter is written."""


def bind_array(binder: ExpressionBinder, node: tree.Array) -> Expression:
    """Return an array: a list of texts, or JSON."""
    items = [bind_item(binder, item) for item in node.items]
    constants = [item for item in items if isinstance(item, Constant) and item.kind is not Kind.INTERVAL]
    if len(constants) < len(items):
        return Apply(functions()["array"], tuple(items), JSON, span=node.span)
    if all(item.kind is Kind.TEXT for item in constants):
        return Constant(tuple(item.value for item in constants), Kind.LIST, span=node.span)
    return json_constant([python_value(item) for item in constants], node.span)


def bind_item(binder: ExpressionBinder, node: tree.Expression) -> Expression:
    """Return a value in a list, where double quotes are quotes and nothing else."""
    if isinstance(node, tree.Literal) and isinstance(node.value, str):
        return Constant(node.value, Kind.TEXT, span=node.span)
    return binder.bind(node)


def bind_object(binder: ExpressionBinder, node: tree.Object) -> Expression:
    """Return an object; of two values of one key the last counts."""
    members = {key: bind_item(binder, value) for key, value in node.items}
    if all(isinstance(value, Constant) and value.kind is not Kind.INTERVAL for value in members.values()):
        values = {key: python_value(cast("Constant", value)) for key, value in members.items()}
        return json_constant(values, node.span)
    parts = [part for key in sorted(members) for part in (Constant(key, Kind.TEXT, span=node.span), members[key])]
    return Apply(functions()["object"], tuple(parts), JSON, span=node.span)


def python_value(constant: Constant) -> object:
    """Return what a constant is in JSON."""
    value = constant.value
    match constant.kind:
        case Kind.JSON:
            return json_text.parse(str(value).encode())
        case Kind.LIST:
            return list(cast("tuple[object, ...]", value))
        case Kind.TIME:
            return time_text(cast("datetime", value))
        case _:
            return value


def as_json_constant(argument: Expression) -> Expression:
    """Return a constant list of texts as a JSON array; anything else as it is."""
    if isinstance(argument, Constant) and argument.kind is Kind.LIST:
        return json_constant(python_value(argument), argument.span)
    return argument


def document_of(argument: Expression, *, beside_list: bool = False) -> Expression | None:
    """Return the array or the object that a text of the query spells, None where it spells none."""
    if not isinstance(argument, Constant) or argument.kind is not Kind.TEXT:
        return None
    if beside_list and (items := texts_of(str(argument.value))) is not None:
        return json_constant(items, argument.span)
    found = _spelled(argument)
    return found if found is not None and found.kind is Kind.JSON else None


def json_in_quotes(binder: ExpressionBinder, argument: Expression) -> Expression:
    """Return the value that a text in quotes spells as JSON, ``'"a"'`` or ``'7'``, anything else as it is.

    A value that is given beside the query is what it is, whatever it looks like.
    """
    if not isinstance(argument, Constant) or argument.kind is not Kind.TEXT:
        return argument
    if _PLACE_OF_A_VALUE.match(binder.names.context.text(argument.span)):
        return argument
    return _spelled(argument) or argument


def _spelled(text: Constant) -> Constant | None:
    """Return the value that a text spells as JSON, None where it spells none."""
    from btql_planner.binding.expression import constant

    try:
        value = json_text.parse(str(text.value).encode())
    except ValueError:
        return None
    return json_constant(value, text.span) if isinstance(value, dict | list) else constant(value, text.span)


def list_constant(items: Sequence[str | None], span: Span) -> Constant:
    """Return a list of texts; one with nulls is JSON, as a list that is written in the query may have none."""
    return json_constant(items, span) if None in items else Constant(tuple(items), Kind.LIST, span=span)


def json_constant(value: object, span: Span) -> Constant:
    """Return a value as JSON."""
    return Constant(json_text.canonical(value), Kind.JSON, span=span)


def items_of(text: str, span: Span) -> list[str | None]:
    """Return the items of ``'{a,b}'``, which stands where only a list can."""
    found = texts_of(text)
    if found is None:
        raise BtqlError.of(
            errors.WRONG_ARGUMENT, "this is no list of texts", span, "not a list",
            help="write `['a', 'b']`, or `'{a,b}'` as Postgres does",
        )  # fmt: skip
    return found
