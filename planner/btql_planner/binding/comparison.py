"""Bind comparisons: with null, with lists, of rows, by MATCH, and ANY and ALL over an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.quotes import single_quoted
from btql_grammar.span import Span
from btql_planner import errors, types
from btql_planner.binding.json import items_of
from btql_planner.expressions import Apply, Column, Constant, Expression, Match, PathValue
from btql_planner.functions import functions
from btql_planner.types import Kind
from btql_storage.fields import INDEXED_FIELDS

if TYPE_CHECKING:
    from btql_planner.binding.expression import ExpressionBinder

_QUANTIFIABLE = ("eq", "ne", "lt", "le", "gt", "ge")
_OF_ROWS = (*_QUANTIFIABLE, "nseq", "nsne")


def bind_comparison(binder: ExpressionBinder, node: tree.Comparison) -> Expression:
    """Return ``left op right``."""
    op, span = node.op, node.span
    if isinstance(node.left, tree.Row):
        return _rows(binder, node, node.left)
    if isinstance(node.right, tree.Literal) and node.right.value is None and op in ("eq", "ne", "is"):
        return binder.apply("isnotnull" if op == "ne" else "isnull", (node.left,), span)
    match op:
        case "is":
            return binder.apply("nseq", (node.left, node.right), span)
        case "in" if isinstance(node.right, tree.Array):
            return binder.apply("in", (node.left, *node.right.items), span)
        case "in":
            return binder.apply("includes", (node.right, node.left), span)
        case "match":
            return _match(binder, node)
        case _:
            compared = binder.apply(op, (node.left, node.right), span)
            if op in ("eq", "ne") and isinstance(compared, Apply):
                _warn_of_json(binder, node, compared.arguments)
            return compared


def _warn_of_json(binder: ExpressionBinder, node: tree.Comparison, sides: Sequence[Expression]) -> None:
    """Warn where a text is never equal to what a field holds: to a list, or as the JSON of a value behind ``->``."""
    for place, one, other in ((node.left, *sides), (node.right, *reversed(sides))):
        if not isinstance(other, Constant) or other.kind is not Kind.TEXT:
            continue
        said, text = binder.names.context.text(place.span), str(other.value)
        if isinstance(one, Column) and one.type == types.LIST:
            binder.names.context.warn(
                f"`{said}` is a list, and equal to no text: "
                f"for an element of it write `{said} IN ({single_quoted(text)})`"
            )
        if not isinstance(one, PathValue):
            continue
        if one.type == types.BOOLEAN and text.lower() in ("true", "false"):
            binder.names.context.warn(
                f"`{said}` is true or false in every row that has it, and no text: write {text.lower()} without quotes"
            )
        if isinstance(place, tree.JsonOperator) and place.op in ("->", "#>") and _is_quoted(text):
            binder.names.context.warn(
                f"`{said}` is a value, not its JSON: write `'{text[1:-1]}'`, without the double quotes"
            )


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] == '"'


def _match(binder: ExpressionBinder, node: tree.Comparison) -> Expression:
    left, right = binder.bind(node.left), binder.bind(node.right)
    if not isinstance(right, Constant) or not isinstance(right.value, str):
        raise BtqlError.of(
            errors.WRONG_ARGUMENT, "MATCH looks for a text that is written in the query", node.right.span,
            "not a text", help="write the words in quotes: `input MATCH 'some words'`",
        )  # fmt: skip
    from btql_storage.text.tokens import tokenize

    tokens = tuple(tokenize(right.value))
    name = left.path[0] if isinstance(left, PathValue) and len(left.path) == 1 else None
    if isinstance(left, Column):
        name = left.name
    if name in INDEXED_FIELDS and isinstance(left, PathValue | Column):
        operand = replace(left, scalar=True) if isinstance(left, PathValue) else left
        return Match(str(name), tokens, operand, span=node.span)
    phrase = Constant(" ".join(tokens), Kind.TEXT, span=right.span)
    return Apply(functions()["match"], (left, phrase), types.BOOLEAN, span=node.span)


def bind_quantified(binder: ExpressionBinder, node: tree.Quantified) -> Expression:
    """Return ``left op ANY (array)`` or ``ALL``: a list that is spelled out is compared item by item."""
    array = cast("tree.Expression", node.right)
    if isinstance(array, tree.Literal) and isinstance(array.value, str):
        texts = items_of(array.value, array.span)
        array = tree.Array(tuple(tree.Literal(each, span=array.span) for each in texts), span=array.span)
    if node.op not in _QUANTIFIABLE:
        message = f"{node.quantifier.upper()} goes with `=`, `!=`, `<`, `<=`, `>` and `>=`"
        raise BtqlError.of(errors.MISPLACED, message, node.span, "this comparison")
    if isinstance(array, tree.Array) and array.items:
        compared = [binder.apply(node.op, (node.left, item), node.span) for item in array.items]
        word = "or" if node.quantifier == "any" else "and"
        return compared[0] if len(compared) == 1 else binder.apply_to(functions()[word], compared, node.span)
    left, items = binder.bind(node.left), binder.bind(array)
    words = [Constant(word, Kind.TEXT, span=node.span) for word in (node.op, node.quantifier)]
    return binder.apply_to(functions()["quantified"], (left, items, *words), node.span)


def _rows(binder: ExpressionBinder, node: tree.Comparison, left: tree.Row) -> Expression:
    """Return a comparison of rows as comparisons of their values."""
    if node.op == "in" and isinstance(node.right, tree.Array):
        each = [tree.Comparison("eq", left, item, span=node.span) for item in node.right.items]
        bound = [bind_comparison(binder, comparison) for comparison in each]
        return bound[0] if len(bound) == 1 else binder.apply_to(functions()["or"], bound, node.span)
    op = {"is": "nseq"}.get(node.op, node.op)
    right = node.right
    if op not in _OF_ROWS or not isinstance(right, tree.Row) or len(right.items) != len(left.items):
        message = f"a row of {len(left.items)} values compares with another such row"
        raise BtqlError.of(errors.WRONG_TYPE, message, right.span, "this is none", help="write `(a, b) = (1, 2)`")
    pairs = [(binder.bind(one), binder.bind(other)) for one, other in zip(left.items, right.items, strict=True)]
    return _row_comparison(binder, op, pairs, node.span)


def _row_comparison(
    binder: ExpressionBinder, op: str, pairs: Sequence[tuple[Expression, Expression]], span: Span
) -> Expression:
    known = functions()
    if op in ("eq", "ne", "nseq", "nsne"):
        parts = [binder.apply_to(known[op], pair, span) for pair in pairs]
        return (
            parts[0]
            if len(parts) == 1
            else binder.apply_to(known["and" if op in ("eq", "nseq") else "or"], parts, span)
        )
    first, *rest = pairs
    if not rest:
        return binder.apply_to(known[op], first, span)
    # (a, b) <= (c, d) is a < c, or a = c and b <= d.
    before = binder.apply_to(known[{"le": "lt", "ge": "gt"}.get(op, op)], first, span)
    tied = binder.apply_to(known["eq"], first, span)
    behind = _row_comparison(binder, op, rest, span)
    return binder.apply_to(known["or"], (before, binder.apply_to(known["and"], (tied, behind), span)), span)
