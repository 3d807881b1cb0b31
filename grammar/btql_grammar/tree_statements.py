# ruff: noqa: RUF009 - span_field() gives the declaration of a field, not its value.
"""The nodes of statements that are no query: those that write, and EXPLAIN."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as Choice

from btql_grammar.span import Span, span_field
from btql_grammar.tree import Expression, From, Identifier, Statement, Table

ExplainFormat = Choice["text", "json", "tree"]


@dataclass(frozen=True, slots=True)
class Insert:
    """``INSERT INTO object (columns) VALUES …`` or ``SELECT …``; ``merge`` for ON CONFLICT (id) DO UPDATE.

    With ``replaces``, for SET, what a row has at the columns is replaced and not merged with.
    """

    target: From | Table
    columns: tuple[tuple[str | int, ...], ...]
    """Paths: ``metadata.model`` may be a column."""
    source: Statement
    span: Span = span_field()
    merge: bool = field(default=False, kw_only=True)
    replaces: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Update:
    """``UPDATE object SET path = expression WHERE filter``: a merge into each row."""

    target: From | Table
    assignments: tuple[tuple[Identifier, Expression], ...]
    filter: Expression | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Delete:
    """``DELETE FROM object WHERE filter``."""

    target: From | Table
    filter: Expression | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Explain:
    """``EXPLAIN [ANALYZE] query``, or with options in parentheses."""

    query: Statement
    analyze: bool = False
    format: ExplainFormat = "text"
    span: Span = span_field()


NoQuery = Insert | Update | Delete | Explain
