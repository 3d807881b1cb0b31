"""Values in trees: literals from Python's values, and lists from Postgres' texts of arrays."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from sqlglot import exp

from btql_planner.postgres_arrays import texts_of

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
    """Return the list that stands in ``ANY(…)``: a text such as ``{r,v}`` is one, too, and ``{1,2}`` one of numbers."""
    inner = node.unnest()
    items = texts_of(inner.name) if isinstance(inner, exp.Literal) and inner.is_string else None
    if items is None:
        return inner
    numbers = all(each is None or _WHOLE.fullmatch(each) for each in items)
    return literal([int(each) if numbers and each is not None else each for each in items])
