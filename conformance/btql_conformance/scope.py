"""What names mean in one row: fields, columns, aliases, and names that stand for a nested field.

A name is looked up in this order (reference 1.7, 1.8 and point 18 of chapter 8):

1. behind the select list (sort, final_filter): an explicit alias;
2. a column of a relation; for documents any top-level field that is known or was seen;
3. the alias of a relation, with something behind it, also one of the query around this one;
4. an explicit alias, then an implicit one (the last piece of a selected path);
5. a key of ``span_attributes``, ``scores``, ``metrics`` or ``metadata`` that was seen;
6. the query around this one.

What is nowhere is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

from btql_conformance.documents import PLACE, Document
from btql_conformance.values import Value, get
from btql_grammar import tree

Row = Mapping[str, Value]
Path = tuple[str | int, ...]

SYSTEM = ("id", "_xact_id", PLACE, "created", "span_id", "root_span_id", "is_root")
KNOWN = (
    *("input", "output", "expected", "error", "scores", "metadata", "metrics", "context", "span_attributes", "origin"),
    *("comments", "audit_data", "classifications", "facets", "_async_scoring_state", "tags", "span_parents"),
)
NESTED = ("span_attributes", "scores", "metrics", "metadata")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
"""Stands for the time of the query; cases only ask what is true at any time."""


class EvaluationError(Exception):
    """The evaluator has no answer: the query is wrong, or asks for what is not decided."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a query: columns by position, since two may have one name."""

    columns: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    in_order: bool = False
    """Whether the query says in which order the rows come."""

    def as_rows(self) -> list[dict[str, Value]]:
        """Return each row by name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


Run = Callable[[tree.Statement, "Context", "Scope | None"], Table]


@dataclass(frozen=True, slots=True)
class Options:
    """What comes with a query without being part of its text."""

    tz_offset: int = 0
    """Minutes from local time to UTC."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for all of a query: the data, named queries, options, and how to answer a query in it."""

    objects: Mapping[str, list[Document]]
    run: Run
    options: Options = Options()
    text: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict[str, Table])


@dataclass(frozen=True, slots=True)
class Fields:
    """The names one relation offers."""

    alias: str | None
    columns: tuple[str, ...]
    open: bool = False
    """Documents: any field may be asked for."""
    nested: Mapping[str, str] = field(default_factory=dict[str, str])
    """Keys that stand for a nested field without their outer one."""
    covered: frozenset[str] = frozenset()
    """Columns that USING has merged into one: neither part of ``*`` nor reached without the alias."""

    def offers(self, name: str) -> bool:
        """Whether the relation has the name as its own column."""
        return name in self.columns and name not in self.covered


def document_fields(alias: str | None, documents: Sequence[Document], constants: Sequence[str]) -> Fields:
    """Return the names of a relation of documents."""
    seen = {key for document in documents for key in document if document[key] is not None}
    nested: dict[str, str] = {}
    for outer in NESTED:
        for document in documents:
            inner = document.get(outer)
            if isinstance(inner, dict):
                keys = cast("dict[str, Value]", inner)
                nested.update({key: outer for key in keys if key not in nested})
    columns = tuple(dict.fromkeys([*SYSTEM, *constants, *KNOWN, *sorted(seen)]))
    return Fields(alias, columns, open=True, nested=nested)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows behind one row of an aggregate query."""

    members: Sequence[Scope]
    keys: Sequence[tuple[tree.Expression, Value]] = ()
    grouped: frozenset[int] = frozenset()
    """Positions of the keys that this grouping set has."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One row of each relation of a query, and everything an expression over them may look at."""

    context: Context
    relations: tuple[tuple[Fields, Row], ...] = ()
    outer: Scope | None = None
    aliases: Mapping[str, tree.Expression] = field(default_factory=dict[str, tree.Expression])
    implicit: Mapping[str, tree.Expression | None] = field(default_factory=dict[str, "tree.Expression | None"])
    behind: bool = False
    """Whether this is behind the select list, where aliases come first."""
    group: Group | None = None
    peers: Sequence[Scope] = ()
    """The rows that windows look at, this one among them."""
    trace: Sequence[Scope] = ()
    """All spans of the trace that this one is of, for ANY_SPAN in a query over spans."""
    windows: Mapping[str, tree.Window] = field(default_factory=dict[str, tree.Window])

    def plain(self) -> Scope:
        """Return the scope that the select list itself has: without aliases."""
        return replace(self, aliases={}, implicit={}, behind=False)

    def alias(self, path: Path) -> tree.Expression | None:
        """Return the expression that a name stands for, None where it is no alias."""
        head = path[0]
        if len(path) != 1 or not isinstance(head, str):
            return None
        if head in self.aliases and (self.behind or not self._own(head)):
            return self.aliases[head]
        if head in self.implicit and not self._own(head):
            expression = self.implicit[head]
            if expression is None:
                raise EvaluationError(f"{head} is ambiguous")
            return expression
        return None

    def value(self, path: Path) -> Value:
        """Return what a path means in this row, aliases left aside."""
        head, rest = str(path[0]), path[1:]
        for fields, row in self.relations:
            if rest and fields.alias == head and not fields.open and rest[0] in fields.columns:
                return _inside(fields, row, rest)
        own = self._own(head)
        if len(own) > 1:
            raise EvaluationError(f"{head} is ambiguous")
        if own:
            return get(own[0][1].get(head), rest)
        if rest:
            for fields, row in self.relations:
                if fields.alias == head:
                    return _inside(fields, row, rest)
            if self.outer is not None and self.outer.has_relation(head):
                return self.outer.value(path)
        for fields, row in self.relations:
            if head in fields.nested:
                return get(row.get(fields.nested[head]), path)
        return self.outer.value(path) if self.outer is not None else None

    def has_relation(self, alias: str) -> bool:
        """Whether a relation of this query, or of one around it, has the alias."""
        here = any(fields.alias == alias for fields, _ in self.relations)
        return here or (self.outer is not None and self.outer.has_relation(alias))

    def _own(self, name: str) -> list[tuple[Fields, Row]]:
        return [(fields, row) for fields, row in self.relations if fields.offers(name)]


def _inside(fields: Fields, row: Row, path: Path) -> Value:
    head = str(path[0])
    if head not in fields.columns and head in fields.nested:
        return get(row.get(fields.nested[head]), path)
    return get(row.get(head), path[1:])
