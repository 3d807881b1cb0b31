"""Bind Postgres' operators over JSON, and subscripts.

An operator whose keys are written in the query makes a path longer, so that
``metadata -> 'user' ->> 'name'`` is read from the same column as
``metadata.user.name``. Only what is not known before the query runs goes
through the functions that take JSON text apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.json import as_json_constant, bind_item, items_of, json_constant, python_value
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


def bind_json_operator(binder: ExpressionBinder, node: tree.JsonOperator | tree.Subscript) -> Expression:
    """Return one of Postgres' operators over JSON, or a subscript."""
    if isinstance(node, tree.Subscript):
        return _subscript(binder, node)
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


def _subscript(binder: ExpressionBinder, node: tree.Subscript) -> Expression:
    """Return ``(expression)[index]``."""
    left = binder.bind(node.expression)
    index = bind_item(binder, node.index)
    if left.type == LIST and index.type == frozenset({Kind.INTEGER}):
        return binder.apply_to(functions()["element"], (left, index), node.span)
    return _step(binder, left, index, node.span)


def _get(binder: ExpressionBinder, left: Expression, node: tree.JsonOperator) -> Expression:
    right = bind_item(binder, node.right)
    if node.op in ("->", "->>"):
        return _step(binder, left, right, node.span)
    pieces: Sequence[object]
    if isinstance(right, Constant) and right.kind is Kind.TEXT:
        pieces = items_of(str(right.value), right.span)
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
        return json_constant(items, right.span)
    try:
        return json_constant(json_text.parse(str(right.value).encode()), right.span)
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
    contains = binder.apply_to(functions()["json_contains"], (left, json_constant(part, span)), span)
    false = Constant(value=False, kind=Kind.BOOLEAN, span=span)
    return binder.apply_to(functions()["coalesce"], (contains, false), span)


def _kind(value: float | str) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int):
        return Kind.INTEGER if -(2**63) <= value < 2**63 else Kind.BIG
    return Kind.TEXT if isinstance(value, str) else Kind.FLOAT


def _has_keys(binder: ExpressionBinder, left: Expression, node: tree.JsonOperator) -> Expression:
    wanted = bind_item(binder, node.right)
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
        wanted = json_constant(
            [each for each in items_of(str(wanted.value), wanted.span) if each is not None], wanted.span
        )
    quantifier = Constant("all" if node.op == "?&" else "any", Kind.TEXT, span=node.span)
    arguments = (left, as_json_constant(wanted), quantifier)
    return Apply(functions()["json_has_keys"], arguments, BOOLEAN, span=node.span)
