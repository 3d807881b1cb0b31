"""Bind arrays, objects, casts and the operators of JSON.

An operator whose keys are written in the query makes a path longer, so that
``metadata -> 'user' ->> 'name'`` is read from the same column as
``metadata.user.name``. Only what is not known before the query runs goes
through the functions that take JSON text apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.expressions import Apply, Column, Constant, Expression, PathValue
from btql_planner.functions import functions
from btql_planner.json_paths import at_path, json_get
from btql_planner.postgres_arrays import texts_of
from btql_planner.types import BOOLEAN, JSON, LIST, Kind
from btql_storage import json_text

if TYPE_CHECKING:
    from btql_planner.binding.expression import ExpressionBinder

OBJECT_FIELDS = frozenset({"metadata", "metrics", "scores", "span_attributes", "context", "facets", "classifications"})
"""Fields that are objects wherever they are anything."""
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


def bind_array(binder: ExpressionBinder, node: tree.Array) -> Expression:
    """Return an array: a list of texts, or JSON."""
    items = [_item(binder, item) for item in node.items]
    constants = [item for item in items if isinstance(item, Constant) and item.kind is not Kind.INTERVAL]
    if len(constants) < len(items):
        return Apply(functions()["array"], tuple(items), JSON, span=node.span)
    if all(item.kind is Kind.TEXT for item in constants):
        return Constant(tuple(item.value for item in constants), Kind.LIST, span=node.span)
    return _json_constant([python_value(item) for item in constants], node.span)


def _item(binder: ExpressionBinder, node: tree.Expression) -> Expression:
    # In a list, double quotes are quotes and nothing else.
    if isinstance(node, tree.Literal) and isinstance(node.value, str):
        return Constant(node.value, Kind.TEXT, span=node.span)
    return binder.bind(node)


def bind_object(binder: ExpressionBinder, node: tree.Object) -> Expression:
    """Return an object; of two values of one key the last counts."""
    members = {key: _item(binder, value) for key, value in node.items}
    if all(isinstance(value, Constant) and value.kind is not Kind.INTERVAL for value in members.values()):
        values = {key: python_value(cast("Constant", value)) for key, value in members.items()}
        return _json_constant(values, node.span)
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
            return cast("datetime", value).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case _:
            return value


def as_json_constant(argument: Expression) -> Expression:
    """Return a constant list of texts as a JSON array; anything else as it is."""
    if isinstance(argument, Constant) and argument.kind is Kind.LIST:
        return _json_constant(python_value(argument), argument.span)
    return argument


def document_of(argument: Expression, *, beside_list: bool = False) -> Expression | None:
    """Return the array or the object that a text of the query spells, None where it spells none."""
    if not isinstance(argument, Constant) or argument.kind is not Kind.TEXT:
        return None
    if beside_list and (items := texts_of(str(argument.value))) is not None:
        return _json_constant(items, argument.span)
    try:
        value: object = json_text.parse(str(argument.value).encode())
    except ValueError:
        return None
    return _json_constant(value, argument.span) if isinstance(value, dict | list) else None


def _list_constant(items: Sequence[str | None], span: Span) -> Constant:
    """Return a list of texts; one with nulls is JSON, as a list that is written in the query may have none."""
    return _json_constant(items, span) if None in items else Constant(tuple(items), Kind.LIST, span=span)


def _json_constant(value: object, span: Span) -> Constant:
    return Constant(json_text.canonical(value), Kind.JSON, span=span)


# Casts.


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
        expression = _list_constant(_postgres_array(expression), expression.span)
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
        return _json_constant([json_text.parse(words.get(each, each or "").encode()) for each in items], span)
    except ValueError:
        raise BtqlError.of(
            errors.WRONG_ARGUMENT, "this is no list of numbers", span, "not such a list",
            help="write `[1, 2]`, or `'{1,2}'` as Postgres does",
        ) from None  # fmt: skip


def _postgres_array(constant: Constant) -> list[str | None]:
    """Return the items of ``'{a,b}'``."""
    return items_of(str(constant.value), constant.span)


def items_of(text: str, span: Span) -> list[str | None]:
    """Return the items of ``'{a,b}'``, which stands where only a list can."""
    found = texts_of(text)
    if found is None:
        raise BtqlError.of(
            errors.WRONG_ARGUMENT, "this is no list of texts", span, "not a list",
            help="write `['a', 'b']`, or `'{a,b}'` as Postgres does",
        )  # fmt: skip
    return found


# Operators.


def bind_json_operator(binder: ExpressionBinder, node: tree.JsonOperator) -> Expression:
    """Return one of Postgres' operators over JSON."""
    left = binder.bind(node.left)
    match node.op:
        case "->" | "->>" | "#>" | "#>>":
            found = _get(binder, left, node)
            return binder.apply_to(functions()["to_string"], (found,), node.span) if node.op.endswith(">>") else found
        case "@>":
            return _contains(binder, left, _document(binder.bind(node.right), left), node.span)
        case "<@":
            whole = binder.bind(node.right)
            whole = _document(whole, left) if left.type == LIST else whole
            return _contains(binder, whole, _document(left, whole), node.span)
        case _:
            return _has_keys(binder, left, node)


def bind_subscript(binder: ExpressionBinder, node: tree.Subscript) -> Expression:
    """Return ``(expression)[index]``."""
    left = binder.bind(node.expression)
    index = _item(binder, node.index)
    if left.type == LIST and index.type == frozenset({Kind.INTEGER}):
        return binder.apply_to(functions()["element"], (left, index), node.span)
    return _step(binder, left, index, node.span)


def _get(binder: ExpressionBinder, left: Expression, node: tree.JsonOperator) -> Expression:
    right = _item(binder, node.right)
    if node.op in ("->", "->>"):
        return _step(binder, left, right, node.span)
    pieces: Sequence[object]
    if isinstance(right, Constant) and right.kind is Kind.TEXT:
        pieces = _postgres_array(right)
    elif isinstance(right, Constant) and right.kind is Kind.LIST:
        pieces = cast("tuple[object, ...]", right.value)
    else:
        raise BtqlError.of(
            errors.WRONG_ARGUMENT, f"`{node.op}` takes a path that is written in the query", node.right.span,
            "not a list of keys", help="write `metadata #>> '{user,name}'`",
        )  # fmt: skip
    if None in pieces:
        return Constant(None, None, span=node.span)
    for piece in pieces:
        left = below(binder, left, str(piece), node.span)
    return left


def _step(binder: ExpressionBinder, left: Expression, index: Expression, span: Span) -> Expression:
    if isinstance(index, Constant) and type(index.value) in (str, int):
        return below(binder, left, cast("str | int", index.value), span)
    if isinstance(index, Constant):
        return Constant(None, None, span=span)
    path = Apply(functions()["array"], (index,), JSON, span=index.span)
    return at_path(left, path, span)


def below(binder: ExpressionBinder, left: Expression, piece: str | int, span: Span) -> Expression:
    """Return the value under a key or index of another one."""
    # Digits may be a key or an index: only the value itself can tell.
    if isinstance(left, PathValue | Column) and not _may_be_an_index(piece):
        longer = binder.names.below(left, piece, span)
        if longer is not None:
            return longer
    return json_get(left, [piece], span)


def _may_be_an_index(piece: str | int) -> bool:
    return isinstance(piece, str) and piece.removeprefix("-").isdecimal()


def _document(right: Expression, left: Expression) -> Expression:
    """Return the right side of ``@>``: a text in the query is JSON, or an array of Postgres beside a list."""
    if not isinstance(right, Constant) or right.kind is not Kind.TEXT:
        return as_json_constant(right)
    if left.type == LIST and (items := texts_of(str(right.value))) is not None:
        return _json_constant(items, right.span)
    try:
        return _json_constant(json_text.parse(str(right.value).encode()), right.span)
    except ValueError:
        raise BtqlError.of(
            errors.WRONG_ARGUMENT, "`@>` compares with JSON, and this text is none", right.span, "not JSON",
            help="""write a document: `metadata @> '{"plan": "free"}'`""",
        ) from None  # fmt: skip


def _contains(binder: ExpressionBinder, left: Expression, right: Expression, span: Span) -> Expression:
    part = python_value(right) if isinstance(right, Constant) and right.kind is Kind.JSON else None
    if not (isinstance(left, PathValue) and isinstance(part, dict) and part):
        return binder.apply_to(functions()["json_contains"], (left, right), span)
    parts: list[Expression] = []
    _leaves(binder, left, cast("object", part), parts, span)
    inside = parts[0] if len(parts) == 1 else binder.apply_to(functions()["and"], parts, span)
    return _if_present(binder, left, inside, span)


def _if_present(binder: ExpressionBinder, left: Expression, inside: Expression, span: Span) -> Expression:
    """Return a condition on what is inside ``left``, null where there is no ``left``."""
    present = binder.apply_to(functions()["isnotnull"], (left,), span)
    return Apply(functions()["if_present"], (present, inside), BOOLEAN, span=span)


def _leaves(binder: ExpressionBinder, left: Expression, part: object, found: list[Expression], span: Span) -> None:
    """Add the conditions under which ``left`` has everything that ``part`` has: one for each path that ends."""
    if isinstance(part, dict) and part and isinstance(left, PathValue):
        for key, value in cast("dict[str, object]", part).items():
            if _may_be_an_index(key):
                # A step would lead into an array, too, which has no keys.
                found.append(_surely_contains(binder, left, {key: value}, span))
            elif isinstance(value, bool | int | float | str):
                leaf = below(binder, left, key, span)
                wanted = Constant(value, _kind(value), span=span)
                found.append(binder.apply_to(functions()["json_equals"], (leaf, wanted), span))
            elif isinstance(value, dict) and value:
                _leaves(binder, below(binder, left, key, span), cast("object", value), found, span)
            else:
                found.append(_surely_contains(binder, left, {key: value}, span))
        return
    found.append(_surely_contains(binder, left, part, span))


def _surely_contains(binder: ExpressionBinder, left: Expression, part: object, span: Span) -> Expression:
    """Return ``left @> part`` where a ``left`` that is missing inside of something has no part."""
    contains = binder.apply_to(functions()["json_contains"], (left, _json_constant(part, span)), span)
    false = Constant(value=False, kind=Kind.BOOLEAN, span=span)
    return binder.apply_to(functions()["coalesce"], (contains, false), span)


def _kind(value: float | str) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int):
        return Kind.INTEGER if -(2**63) <= value < 2**63 else Kind.BIG
    return Kind.TEXT if isinstance(value, str) else Kind.FLOAT


def _has_keys(binder: ExpressionBinder, left: Expression, node: tree.JsonOperator) -> Expression:
    wanted = _item(binder, node.right)
    alone = node.op == "?" and isinstance(wanted, Constant) and isinstance(wanted.value, str)
    if alone and isinstance(left, PathValue) and len(left.path) == 1 and left.path[0] in OBJECT_FIELDS:
        key = below(binder, left, str(cast("Constant", wanted).value), node.span)
        return _if_present(binder, left, binder.apply_to(functions()["isnotnull"], (key,), node.span), node.span)
    if alone and left.type == LIST:
        return binder.apply_to(functions()["includes"], (left, wanted), node.span)
    if node.op == "?":
        wanted = Apply(functions()["array"], (wanted,), JSON, span=wanted.span)
    elif isinstance(wanted, Constant) and wanted.kind in (Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT):
        raise BtqlError.of(
            errors.WRONG_ARGUMENT, "this is no list of texts", wanted.span, "not a list",
            help="write `tags ?| ['a', 'b']`; conditions are joined by AND",
        )  # fmt: skip
    elif isinstance(wanted, Constant) and wanted.kind is Kind.TEXT:
        wanted = _json_constant([each for each in _postgres_array(wanted) if each is not None], wanted.span)
    quantifier = Constant("all" if node.op == "?&" else "any", Kind.TEXT, span=node.span)
    arguments = (left, as_json_constant(wanted), quantifier)
    return Apply(functions()["json_has_keys"], arguments, BOOLEAN, span=node.span)
