"""How nodes are made, the same for both languages.

The readers of BTQL and SQL differ in what they read from, not in what it means.
Everything with a meaning of its own is here: what quotes and escapes stand for,
which spellings are one operator, what is unfolded, flattened and folded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from math import isinf
from typing import Literal as Choice

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span

INTEGER_MAX = 2**63 - 1
_NUMBER_CHARS_MAX = 300

OPERATORS: dict[str, tree.ComparisonOp] = {
    "=": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "<=>": "nseq", "<!=>": "nsne",
    "like": "like", "ilike": "ilike", "match": "match", "in": "in",
}  # fmt: skip
ARITHMETIC: dict[str, tree.ArithmeticOp] = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod"}
UNITS: dict[str, tree.Unit] = {
    "year": "year", "month": "month", "week": "week", "day": "day", "hour": "hour", "minute": "minute",
    "second": "second", "millisecond": "millisecond", "microsecond": "microsecond",
}  # fmt: skip
CASTS = {
    "text": "to_string", "string": "to_string", "varchar": "to_string", "char": "to_string",
    "integer": "to_integer", "int": "to_integer", "bigint": "to_integer", "smallint": "to_integer",
    "number": "to_number", "float": "to_number", "double": "to_number", "real": "to_number", "decimal": "to_number",
    "numeric": "to_number",
    "boolean": "to_boolean", "bool": "to_boolean",
    "date": "to_date", "datetime": "to_datetime", "timestamp": "to_datetime", "timestamptz": "to_datetime",
    "interval": "to_interval",
}  # fmt: skip

_SINGLE_ESCAPES = re.compile(r"''|\\([\\'])")
_DOUBLE_ESCAPES = re.compile(r'""|(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
_INTERVAL_TEXT = re.compile(r"\s*(-?[0-9]+)\s+([^\W\d]+)\s*")


def single_quoted(lexeme: str) -> str:
    r"""Return the text that ``'...'`` stands for.

    Only ``''``, ``\'`` and ``\\`` are escapes. Any other backslash stays, so that
    a pattern may say ``'50\% off'``.
    """
    body = lexeme[1:-1]
    if "'" not in body and "\\" not in body:
        return body
    return _SINGLE_ESCAPES.sub(lambda match: match[1] or "'", body)


def double_quoted(lexeme: str, start: int) -> str:
    """Return the text that ``"..."`` stands for: JSON escapes, and ``""`` for a quote."""
    body = lexeme[1:-1]
    if '"' not in body and "\\" not in body:
        return body

    def decode(match: re.Match[str]) -> str:
        if match[0] == '""':
            return '"'
        text: str = json.loads(f'"{match[0]}"')
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            raise BtqlError.of(
                "B0105",
                f"`{match[0]}` is half of a surrogate pair, which is not a character",
                Span(start + 1 + match.start(), start + 1 + match.end()),
                "here",
                help=r'write both halves, as in `"\ud83d\ude00"`, or the character itself',
            )
        return text

    return _DOUBLE_ESCAPES.sub(decode, body)


def unquote(lexeme: str, start: int) -> str:
    """Return the text of a lexeme in either kind of quotes."""
    return single_quoted(lexeme) if lexeme.startswith("'") else double_quoted(lexeme, start)


def number(lexeme: str, span: Span) -> tree.Literal:
    """Return a whole number, a decimal number, or a percentage as a fraction."""
    value: int | float | None = None
    if len(lexeme) <= _NUMBER_CHARS_MAX:
        if lexeme.isdigit():
            value = int(lexeme)
        elif lexeme.endswith("%"):
            value = float(lexeme[:-1]) / 100
        else:
            value = float(lexeme)
    if value is None or (isinstance(value, float) and isinf(value)):
        raise BtqlError.of(
            "B0105", "the number is too large", span, "out of range", help="numbers reach up to about 1.8e308"
        )
    return tree.Literal(value, span=span)


def count(lexeme: str, clause: str, span: Span) -> int:
    """Return the number of rows that LIMIT or OFFSET names."""
    if len(lexeme) > len(str(INTEGER_MAX)) or int(lexeme) > INTEGER_MAX:
        raise BtqlError.of(
            "B0105", f"the {clause} is too large", span, "out of range", help=f"at most {INTEGER_MAX} is possible"
        )
    return int(lexeme)


def interval(value: int, unit: str, span: Span, unit_span: Span) -> tree.Interval:
    """Return an interval; the unit may be in the plural."""
    name = UNITS.get(unit.lower()) or UNITS.get(unit.lower().removesuffix("s"))
    if name is None:
        raise BtqlError.of(
            "B0106",
            f"`{unit}` is not a unit of time",
            unit_span,
            "unknown unit",
            help="the units are " + ", ".join(UNITS),
        )
    if abs(value) > INTEGER_MAX:
        raise BtqlError.of("B0106", "the interval is too long", span, "out of range", help="use a larger unit")
    return tree.Interval(value, name, span=span)


def interval_text(text: str) -> tuple[int, str] | None:
    """Return amount and unit of ``7 days``, or None where the text is something else."""
    match = _INTERVAL_TEXT.fullmatch(text)
    return (int(match[1]), match[2]) if match and len(match[1]) < _NUMBER_CHARS_MAX else None


def connect(op: Choice["and", "or"], children: Iterable[tree.Expression], span: Span) -> tree.Boolean:
    """Return AND or OR over ``children``; those that are the same operator are opened up."""
    flat: list[tree.Expression] = []
    for child in children:
        if isinstance(child, tree.Boolean) and child.op == op:
            flat += child.children
        else:
            flat.append(child)
    return tree.Boolean(op, tuple(flat), span=span)


def compare(operator: str, left: tree.Expression, right: tree.Expression, span: Span) -> tree.Expression:
    """Return the comparison that ``operator``, in lower case, stands for."""
    if operator in ("includes", "contains"):
        return tree.Includes(left, right, span=span)
    return tree.Comparison(OPERATORS[operator], left, right, span=span)


def is_(left: tree.Expression, right: tree.Expression, span: Span, *, negated: bool) -> tree.Expression:
    """Return ``left IS right``; against null it is a test of its own."""
    if isinstance(right, tree.Literal) and right.value is None:
        return tree.IsNull(left, negated=negated, span=span)
    return maybe_not(tree.Comparison("is", left, right, span=span), negated=negated)


def between(value: tree.Expression, low: tree.Expression, high: tree.Expression, span: Span) -> tree.Expression:
    """Return ``value >= low AND value <= high``."""
    at_least = tree.Comparison("ge", value, low, span=span)
    at_most = tree.Comparison("le", value, high, span=span)
    return tree.Boolean("and", (at_least, at_most), span=span)


def maybe_not(expression: tree.Expression, *, negated: bool) -> tree.Expression:
    """Wrap ``expression`` in NOT where it is negated."""
    return tree.Not(expression, span=expression.span) if negated else expression


def negative(expression: tree.Expression, span: Span) -> tree.Expression:
    """Return ``-expression``; the minus before a number becomes part of it."""
    if isinstance(expression, tree.Literal) and type(expression.value) in (int, float):
        return tree.Literal(-expression.value, span=span)  # type: ignore[operator]
    return tree.Negative(expression, span=span)


def if_(branches: Iterable[tuple[tree.Expression, tree.Expression]], otherwise: tree.Expression, span: Span) -> tree.If:
    """Return a choice; one that stands alone in the last place continues it."""
    flat = tuple(branches)
    if isinstance(otherwise, tree.If):
        return tree.If(flat + otherwise.branches, otherwise.otherwise, span=span)
    return tree.If(flat, otherwise, span=span)


def cast(expression: tree.Expression, type_name: str, span: Span, type_span: Span) -> tree.Call:
    """Return the call that converts to a type: ``x::number`` is ``to_number(x)``."""
    function = CASTS.get(type_name.lower())
    if function is None:
        raise BtqlError.of(
            "B0108",
            f"`{type_name}` is not a type to convert to",
            type_span,
            "unknown type",
            help="the types are text, integer, number, boolean, date, datetime and interval",
        )
    return tree.Call(function, (expression,), span=span, name_span=type_span)


def shape(text: str, span: Span) -> tree.Shape:
    """Return the shape that ``text`` names."""
    match text.lower():
        case "spans":
            return "spans"
        case "traces":
            return "traces"
        case "summary":
            raise BtqlError.of(
                "B0110",
                "shape `summary` is not supported yet",
                span,
                "not supported yet",
                help="use `traces`, and group by `root_span_id` to get one row for each trace",
            )
        case _:
            raise BtqlError.of(
                "B0109", f"`{text}` is not a shape", span, "unknown shape", help="the shapes are spans and traces"
            )


def spanned(expression: tree.Expression, span: Span) -> tree.Expression:
    """Return ``expression`` with its parentheses counted in."""
    return replace(expression, span=span)
