"""Bind casts, ``x::int`` and ``CAST(x AS int)``, to types by their names in Postgres."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.json import items_of, json_constant, list_constant
from btql_planner.expressions import Apply, Constant, Expression
from btql_planner.functions import functions
from btql_planner.postgres_arrays import texts_of
from btql_planner.types import Kind
from btql_storage import json_text

if TYPE_CHECKING:
    from btql_planner.binding.expression import ExpressionBinder

_TEXTS = ("text", "varchar", "char", "character varying", "character", "bpchar", "name", "string", "uuid")
_CASTS = {
    **dict.fromkeys(_TEXTS, "to_string"),
    **dict.fromkeys(("int", "integer", "int2", "int4", "int8", "smallint", "bigint", "long"), "to_integer"),
    **dict.fromkeys(("float", "real", "double precision", "double", "float4", "float8", "number"), "to_number"),
    **dict.fromkeys(("numeric", "decimal"), "to_numeric"),
    **dict.fromkeys(("bool", "boolean"), "to_boolean"),
    **dict.fromkeys(("json", "jsonb"), "parse_json"),
    "date": "to_date",
    **dict.fromkeys(
        ("timestamp", "timestamptz", "timestamp with time zone", "timestamp without time zone", "datetime"),
        "to_datetime",
    ),
    "interval": "to_interval",
    **dict.fromkeys((f"{each}[]" for each in _TEXTS), "to_texts"),
}
"""The function that casts to each type, by Postgres' names."""
_TYPE = re.compile(
    r"([a-z_ 0-9]+?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?((?: with(?:out)? time zone)?)\s*((?:\[\])*)"
)


def bind_cast(binder: ExpressionBinder, node: tree.Cast) -> Expression:
    """Return ``expression::type``; what cannot be read as the type is null."""
    matched = _TYPE.fullmatch(node.type_name.lower())
    name = "" if matched is None else f"{matched[1]}{matched[4]}{matched[5]}"
    if matched is not None and matched[5] == "[]" and name not in _CASTS and f"{matched[1]}{matched[4]}" in _CASTS:
        return _cast_array(binder, node)
    if matched is None or name not in _CASTS:
        raise errors.not_supported(f"the type `{node.type_name}`", node.span, "write `::jsonb`, which keeps any value")
    expression = binder.bind(node.expression)
    if _CASTS[name] == "to_texts" and isinstance(expression, Constant) and expression.kind is Kind.TEXT:
        expression = list_constant(items_of(str(expression.value), expression.span), expression.span)
    if _CASTS[name] == "to_texts" and isinstance(expression, Constant) and expression.kind is Kind.LIST:
        return expression
    value = binder.apply_to(functions()[_CASTS[name]], (_number_in(expression, _CASTS[name]),), node.span)
    if matched[2] is None:
        return value
    if _CASTS[name] == "to_string":
        return binder.apply_to(functions()["left"], (value, Constant(int(matched[2]), Kind.INTEGER)), node.span)
    if _CASTS[name] == "to_numeric":
        digits = Constant(int(matched[3] or 0), Kind.INTEGER)
        return binder.apply_to(functions()["round"], (value, digits), node.span)
    return value


def _number_in(expression: Expression, cast_to: str) -> Expression:
    """Return the number whose text is cast to a number, which is the same as to cast it: ``(metrics ->> 'x')::int``.

    Of a truth it is not, and of anything but numbers and texts neither is a number.
    """
    is_number = cast_to in ("to_integer", "to_number", "to_numeric")
    if not is_number or not isinstance(expression, Apply) or expression.function.name != "to_string":
        return expression
    (inside,) = expression.arguments
    return expression if Kind.BOOLEAN in inside.type else inside


def _cast_array(binder: ExpressionBinder, node: tree.Cast) -> Expression:
    """Return ``array[1, 2]::int8[]`` for an array that is written in the query: the same as without a cast.

    ``'{1,2}'::int[]`` is one, too, its items read as JSON: what is left of Postgres' arrays are numbers and truths.
    """
    value = binder.bind(node.expression)
    if isinstance(value, Constant):
        if value.value is None:
            return Constant(None, None, span=node.span)
        if value.kind is Kind.TEXT and (items := texts_of(str(value.value))) is not None:
            return _items_constant(items, value.span)
        if value.kind is Kind.LIST or (value.kind is Kind.JSON and str(value.value).startswith("[")):
            return value
    raise errors.not_supported(f"the type `{node.type_name}`", node.span, "write `::jsonb`, which keeps any value")


def _items_constant(items: Sequence[str | None], span: Span) -> Constant:
    """Return the items of an array that are no texts: ``t`` and ``f`` are true and false."""
    words = {None: "null", "t": "true", "f": "false"}
    try:
        return json_constant([json_text.parse(words.get(each, each or "").encode()) for each in items], span)
    except ValueError:
        raise BtqlError.of(
            errors.WRONG_ARGUMENT, "this is no list of numbers", span, "not such a list",
            help="write `[1, 2]`, or `'{1,2}'` as Postgres does",
        ) from None  # fmt: skip
