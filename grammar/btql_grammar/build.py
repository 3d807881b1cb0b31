"""How nodes are made, the same for both languages.

The readers of BTQL and SQL differ in what they read from, not in what it means.
Everything with a meaning of its own is here: which spellings are one operator, what
is unfolded, flattened and folded. What quotes and escapes stand for is in
:mod:`~btql_grammar.quotes`.
"""

from __future__ import annotations

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
_PARAMETER_DIGITS_MAX = 6
"""With the dollar sign."""
UNITS: dict[str, tree.Unit] = {
    "year": "year", "month": "month", "week": "week", "day": "day", "hour": "hour", "minute": "minute",
    "second": "second", "millisecond": "millisecond", "microsecond": "microsecond",
}  # fmt: skip
_CALENDAR_UNITS = {"year": 12, "month": 1, "week": 7, "day": 1}
"""Months or days of each."""
_NANOSECONDS = {
    "hour": 3_600_000_000_000, "minute": 60_000_000_000, "second": 1_000_000_000, "millisecond": 1_000_000,
    "microsecond": 1_000,
}  # fmt: skip
TYPES: dict[str, str] = {
    name: canonical
    for canonical, names in {
        "text": "text string varchar char character bpchar name uuid",
        "integer": "integer int bigint smallint int2 int4 int8",
        "number": "number float double real decimal numeric float4 float8",
        "boolean": "boolean bool",
        "date": "date",
        "datetime": "datetime timestamp timestamptz",
        "interval": "interval",
        "json": "json jsonb",
    }.items()
    for name in names.split()
} | {
    "double precision": "number", "character varying": "text",
    "timestamp with time zone": "datetime", "timestamp without time zone": "datetime",
}  # fmt: skip
"""What a cast may name, and the type that it means; a length, a precision or ``[]`` may follow."""
_TIME_OF_DAY = "a time of day is an interval here: `'10:30'::interval`; of a time, `created - created::date`"
_ABSENT = {
    **dict.fromkeys(("time", "timetz", "time without time zone", "time with time zone"), _TIME_OF_DAY),
    "bytea": "bytes are texts here, in base64 or hexadecimal: `encode(x, 'hex')`",
}
"""What is written instead of a type that others have."""
OTHER_TYPES = frozenset(("time", "timetz", "bytea"))
"""Those whose name may stand before a text, as in ``time '10:30'``."""
WORD_OPERATORS: dict[str, tree.ComparisonOp | tree.ArithmeticOp | Choice["neg"]] = {
    "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
    "add": "add", "sub": "sub", "mul": "mul", "div": "div", "mod": "mod", "neg": "neg",
}  # fmt: skip
"""Operators that BTQL also spells like functions: ``add(a, b)``."""

_TYPE = re.compile(
    r"(?P<base>[a-z][a-z0-9_]*(?:\s+[a-z]+)*)\s*(?:\((?P<sizes>\s*[0-9]+(?:\s*,\s*[0-9]+)*\s*)\))?"
    r"\s*(?P<brackets>(?:\[\s*\]\s*)*)"
)
_INTERVAL_TEXT = re.compile(r"\s*(-?[0-9]+)\s+([^\W\d]+)\s*")


def parameter(text: str, span: Span) -> tree.Parameter:
    """Return the parameter that is written ``?``, ``$1`` or ``:name``."""
    if text == "?":
        return tree.Parameter(None, span=span)
    if text[0] == ":":
        return tree.Parameter(text[1:], span=span)
    key = int(text[1:]) if text[1:].isdecimal() and len(text) <= _PARAMETER_DIGITS_MAX else 0
    if key == 0:
        raise BtqlError.of(
            "B0105", f"`{text}` is not the number of a parameter", span, "not a parameter", help="the first one is `$1`"
        )
    return tree.Parameter(key, span=span)


def number(lexeme: str, span: Span) -> tree.Literal:
    """Return a whole number, a decimal number, or a percentage as a fraction."""
    value: int | float | None = None
    if len(lexeme) <= _NUMBER_CHARS_MAX:
        if lexeme.isdigit():
            value = int(lexeme)
        elif lexeme.endswith("%"):
            # Moving the point keeps what dividing would round away.
            digits, _, exponent = lexeme[:-1].lower().partition("e")
            value = float(f"{digits}e{int(exponent or 0) - 2}")
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


def preview_length(value: int, span: Span) -> int:
    """Return how many characters a preview keeps; -1 for all."""
    if value < -1:
        raise BtqlError.of(
            "B0109", "a preview cannot have that length", span, "out of range", help="write -1 for whole values"
        )
    return value


def sample(rate: float | None, count: int | None, seed: int | None, span: Span) -> tree.Sample:
    """Return a sample: a share of the rows from 0 to 1, or at least one row."""
    if (rate is not None and not 0 <= rate <= 1) or (count is not None and count < 1):
        raise BtqlError.of(
            "B0109", "there is no sample of that size", span, "out of range",
            help="write a share such as `25%`, or a number of rows such as `100`",
        )  # fmt: skip
    return tree.Sample(rate, count, seed, span=span)


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
    if abs(value) > _longest(name):
        message = f"no interval has more than {_longest(name):,} {name}s"
        raise BtqlError.of("B0106", message, span, "too long", help="use a larger unit, or none so far from today")
    return tree.Interval(value, name, span=span)


def _longest(unit: tree.Unit) -> int:
    """Return how many of a unit an interval may have: months and days are 32 bits, and nanoseconds 64."""
    if unit in _CALENDAR_UNITS:
        return (2**31 - 1) // _CALENDAR_UNITS[unit]
    return INTEGER_MAX // _NANOSECONDS[unit]


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


def cast(expression: tree.Expression, type_name: str, span: Span, type_span: Span) -> tree.Cast:
    """Return ``expression`` converted to a type, which may be written in any case and spacing."""
    written = _TYPE.fullmatch(type_name.lower())
    base = " ".join(written["base"].split()) if written else ""
    if written is None or base not in TYPES:
        raise BtqlError.of(
            "B0108",
            f"`{type_name}` is not a type to convert to",
            type_span,
            "unknown type",
            help=_ABSENT.get(base, "the types are text, integer, number, boolean, date, datetime, interval and json"),
        )
    sizes = f"({','.join(written['sizes'].split(','))})" if written["sizes"] else ""
    name = base + re.sub(r"\s", "", sizes + (written["brackets"] or ""))
    return tree.Cast(expression, name, span=span)


def shape(text: str, span: Span) -> tree.Shape:
    """Return the shape that ``text`` names."""
    match text.lower():
        case "spans":
            return "spans"
        case "traces":
            return "traces"
        case "summary":
            return "summary"
        case _:
            known = "the shapes are spans, traces and summary"
            raise BtqlError.of("B0109", f"`{text}` is not a shape", span, "unknown shape", help=known)


def subscript(expression: tree.Expression, index: tree.Expression, span: Span) -> tree.Expression:
    """Return ``expression[index]``: a longer path where a path is given a fixed step, else a subscript."""
    step = index.value if isinstance(index, tree.Literal) else None
    if isinstance(index, tree.Literal) and type(step) not in (int, str):
        help_ = "write `tags[0]`, or `scores['a key']`"
        raise BtqlError.of("B0109", "an index is a whole number or a text", index.span, "not an index", help=help_)
    if type(step) is int and abs(step) > INTEGER_MAX:
        raise BtqlError.of("B0105", "the index is too large", index.span, "out of range", help="elements count from 0")
    if isinstance(expression, tree.Identifier) and isinstance(step, int | str):
        return tree.Identifier((*expression.path, step), span=span)
    return tree.Subscript(expression, index, span=span)


def word_operator(call: tree.Call) -> tree.Expression:
    """Return the operator that a call such as ``add(a, b)`` spells, or else the call."""
    op = WORD_OPERATORS.get(call.name)
    if op is None or call.distinct or len(call.arguments) != (1 if op == "neg" else 2):
        return call
    left, right = call.arguments[0], call.arguments[-1]
    match op:
        case "neg":
            return negative(left, call.span)
        case "add" | "sub" | "mul" | "div" | "mod":
            return tree.Arithmetic(op, left, right, span=call.span)
        case _:
            return tree.Comparison(op, left, right, span=call.span)


def spanned(expression: tree.Expression, span: Span) -> tree.Expression:
    """Return ``expression`` with its parentheses counted in."""
    return replace(expression, span=span)
