"""Paths into values that are only known when the query runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from btql_grammar.span import Span
from btql_planner.expressions import Apply, Constant, Expression
from btql_planner.functions import functions
from btql_planner.types import ANY, JSON, Kind
from btql_storage import json_text


def json_path(pieces: Sequence[str | int], span: Span) -> Constant:
    """Return keys and indexes as the constant that ``json_get`` takes."""
    return Constant(json_text.canonical(list(pieces)), Kind.JSON, span=span)


def json_get(value: Expression, pieces: Sequence[str | int], span: Span) -> Expression:
    """Return what is at a path below any value."""
    return at_path(value, json_path(pieces, span), span)


def at_path(value: Expression, path: Expression, span: Span) -> Expression:
    """Return what is at a path, which is an array, below any value.

    Below what is at a path itself it is one longer path. Step by step, the SQL would be six times as long with each
    step, since what is in between may be of six kinds.
    """
    if isinstance(value, Apply) and value.function.name == "json_get":
        value, above = value.arguments
        path = _joined(above, path, span)
    return Apply(functions()["json_get"], (value, path), ANY, span=span)


def _joined(above: Expression, below: Expression, span: Span) -> Expression:
    if isinstance(above, Constant) and isinstance(below, Constant):
        return json_path([*_steps(above), *_steps(below)], span)
    return Apply(functions()["array"], (*_as_items(above, span), *_as_items(below, span)), JSON, span=span)


def _as_items(path: Expression, span: Span) -> Sequence[Expression]:
    if isinstance(path, Apply):
        return path.arguments
    assert isinstance(path, Constant)
    return [Constant(step, Kind.INTEGER if isinstance(step, int) else Kind.TEXT, span=span) for step in _steps(path)]


def _steps(path: Constant) -> list[str | int]:
    return cast("list[str | int]", json_text.parse(str(path.value).encode()))
