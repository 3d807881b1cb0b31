"""Values in trees: literals from Python's values, and lists from Postgres' texts of arrays."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from sqlglot import exp

_ELEMENT = re.compile(r'\s*+(?:"((?:[^"\\]++|\\.)*+)"\s*+|([^,{}"]*+))(,|$)')
_WHOLE = re.compile(r"-?\d{1,18}")


def literal(value: object) -> exp.Expr:
    """Return a value as a tree."""
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int() if value < 0:
            return exp.Paren(this=exp.Neg(this=exp.Literal.number(-value)))
        case int():
            return exp.Literal.number(value)
        case list():
            if not value:
                return cast_to(exp.Array(expressions=[]), "VARCHAR[]")
            return exp.Array(expressions=[literal(each) for each in value])
        case datetime() if value.tzinfo is not None:
            return cast_to(exp.Literal.string(value.isoformat()), "TIMESTAMPTZ")
        case _:
            return exp.Literal.string(str(value))


def cast_to(node: exp.Expr, of: str) -> exp.Expr:
    """Return a cast to a type of the engine."""
    return exp.cast(node, of, dialect="duckdb")


def plain_value(value: object) -> object:
    """Return the value of a parameter as one that a literal may have."""
    match value:
        case None | bool() | int() | str() | datetime():
            return value
        case bytes():
            return value.decode(errors="replace")
        case list() | tuple():
            return [plain_value(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        case float() | Decimal() | date():
            return str(value)
        case _:
            return str(value)


def list_of(node: exp.Expr) -> exp.Expr:
    """Return the list that stands in ``ANY(…)``: a text such as ``{r,v}`` is one, too."""
    inner = node.unnest()
    if isinstance(inner, exp.Literal) and inner.is_string:
        parsed = array_of(inner.name)
        return inner if parsed is None else literal(parsed)
    return inner


def array_of(text: str) -> list[object] | None:
    """Return the elements of an array as Postgres spells it; None where it is none. Arrays of arrays are not read."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return None
    inner, found, at = text[1:-1], list[object](), 0
    while inner.strip() and at <= len(inner):
        element = _ELEMENT.match(inner, at)
        if element is None:
            return None
        quoted, bare, end = element.groups()
        found.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else _bare(bare.strip()))
        at = element.end()
        if end == "":
            break
    return found


def _bare(text: str) -> object:
    if text.upper() == "NULL":
        return None
    return int(text) if _WHOLE.fullmatch(text) else text
