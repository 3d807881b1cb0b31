"""Paths into values that are only known when the query runs."""

from __future__ import annotations

from collections.abc import Sequence

from btql_grammar.span import Span
from btql_planner.expressions import Apply, Constant, Expression
from btql_planner.functions import functions
from btql_planner.types import ANY, Kind
from btql_storage import json_text


def json_path(pieces: Sequence[str | int], span: Span) -> Constant:
    """Return keys and indexes as the constant that ``json_get`` takes."""
    return Constant(json_text.canonical(list(pieces)), Kind.JSON, span=span)


def json_get(value: Expression, pieces: Sequence[str | int], span: Span) -> Expression:
    """Return what is at a path below any value."""
    return Apply(functions()["json_get"], (value, json_path(pieces, span)), ANY, span=span)
