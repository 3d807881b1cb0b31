"""Scopes: which relations, aliases and outer queries a name may belong to.

A name is looked up in this order (reference 1.7, 1.8 and point 18 of chapter 8):

1. in ``sort`` and ``final_filter``: an explicit alias of the select list;
2. ``t.name`` where ``t`` is a relation of the query, or of one around it: a
   field of that relation; ``project_logs.t.name``, too, where FROM gave the
   object no other name;
3. a column that a join has in common (USING, NATURAL);
4. a top-level field of a relation, known or seen in some document;
5. an explicit alias, then an implicit one (the last piece of a selected path);
6. a key of ``span_attributes``, ``scores``, ``metrics`` or ``metadata`` that
   was seen in some document;
7. the same in the query around this one.

A name that fits several relations is refused, one that fits none is null with a
warning, and an error where every relation has a fixed list of columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Source, Span
from btql_planner import errors
from btql_planner.catalog import Catalogs
from btql_planner.expressions import Column, Constant, Expression, Parameter, PathValue, Reference, SortKey
from btql_planner.finish import Answer
from btql_planner.json_paths import json_get
from btql_planner.options import QueryOptions
from btql_planner.plan import Plan
from btql_planner.prices import Prices

if TYPE_CHECKING:
    from btql_planner.binding.relation_names import RelationNames

TreePath = tuple[str | int, ...]
RELATIONS_MAX = 500


@dataclass
class Context:
    """What all queries of one statement share."""

    source: Source
    catalogs: Catalogs
    bind_rows: BindRows
    """Binds a query inside another one."""
    options: QueryOptions = field(default_factory=QueryOptions)
    answer: Answer = field(default_factory=Answer)
    """What becomes of the engine's rows; the outermost query says it."""
    warnings: list[str] = field(default_factory=list[str])
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    relations: int = 0
    """How many relations were bound so far."""
    place: Span | None = None
    """Where the last one of them stands."""
    repeats: bool = True
    """Whether the plan depends on nothing but the statement, its options, and what catalogs and prices say."""

    def __post_init__(self) -> None:
        if self.options.now is None:
            # One instant is the present of the whole statement.
            self.options = replace(self.options, now=datetime.now(UTC))

    def now(self) -> datetime:
        """Return the present of the statement; another one has another."""
        assert self.options.now is not None, "it is there from the beginning"
        self.repeats = False
        return self.options.now

    def prices(self) -> Prices:
        """Return what models cost."""
        return self.options.prices()

    def of_session(self, name: str, arguments: Sequence[object]) -> tree.Scalar:
        """Return what a function of the client's session returns; in another session it is something else."""
        assert self.options.session is not None, "its functions are known by their names"
        self.repeats = False
        return self.options.session.value(name, arguments)

    def database(self) -> str | None:
        """Return what the client calls this database; None where it calls it nothing."""
        session = self.options.session
        if session is None or "current_database" not in session.names:
            return None
        return str(self.of_session("current_database", ()))

    def new_name(self, letter: str) -> str:
        """Return a name for a relation that no other relation of the statement has."""
        return f"{letter}{next(self.numbers)}"

    def count_relation(self, span: Span) -> None:
        """Refuse a statement with too many relations; common tables that read one another multiply."""
        self.relations += 1
        self.place = span
        if self.relations > RELATIONS_MAX:
            raise errors.not_supported(f"a statement with more than {RELATIONS_MAX} relations", span)

    def text(self, span: Span) -> str:
        """Return what the statement says at a span, white space made even."""
        return " ".join(self.source.text[span.start : span.end].split())

    def warn(self, message: str) -> None:
        """Tell the reader of the answer something, once."""
        if message not in self.warnings:
            self.warnings.append(message)


@dataclass
class Captures:
    """The values that a query inside another one takes from there, as parameters."""

    outer: Scope
    arguments: dict[Expression, Parameter] = field(default_factory=dict[Expression, Parameter])

    def find(self, path: TreePath, span: Span) -> Expression | None:
        """Return what a path means in the query around."""
        found = self.outer.find(path, span)
        return None if found is None else self.capture(found)

    def capture(self, found: Expression) -> Expression:
        """Return what stands for a value of the query around."""
        if isinstance(found, Constant):
            return found
        if found not in self.arguments:
            name = self.outer.context.new_name("p")
            self.arguments[found] = Parameter(name, found.type, span=found.span)
        return self.arguments[found]


@dataclass(frozen=True, slots=True)
class Around:
    """What a query finds around it."""

    context: Context
    tables: Mapping[str, BoundTable] = field(default_factory=dict[str, "BoundTable"])
    """The common tables that may stand behind FROM."""
    captures: Captures | None = None
    """The query around this one, if it may be seen."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A query inside another one, bound: its plan, and its columns by name."""

    plan: Plan
    columns: tuple[tuple[str, Reference], ...]
    order: tuple[SortKey, ...] = ()
    """The order that it asks for, in its columns: that of a query around it that asks for none."""


BindRows = Callable[[tree.Statement, Around], Rows]


@dataclass
class Scope:
    """The names that one query can see."""

    around: Around
    relations: Sequence[RelationNames] = ()
    merged: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    """Columns that the sides of a join have in common."""
    aliases: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    implicit: Mapping[str, Expression | None] = field(default_factory=dict[str, Expression | None])
    """Implicit aliases; None where two selected paths end alike."""
    aliases_first: bool = False
    windows: Mapping[str, tree.Window] = field(default_factory=dict[str, tree.Window])
    """Windows that the query has given names."""

    def find(self, path: TreePath, span: Span) -> Expression | None:
        """Return what a path means, None where nothing has that name."""
        found = self._of_relation(path, span) or self._here(path, span)
        if found is None and self.around.captures is not None:
            return self.around.captures.find(path, span)
        return found

    @property
    def context(self) -> Context:
        """What all queries of the statement share."""
        return self.around.context

    def _of_relation(self, path: TreePath, span: Span) -> Expression | None:
        """Return a column of the relation that a path begins with, here or in a query around."""
        if len(path) < 2:
            return None
        relation = self.relation(str(path[0]))
        if relation is not None:
            return self._qualified(relation, path[1:], span)
        schema, name = path[:2]
        relation = next((each for each in self.relations if each.schema == schema and each.alias == name), None)
        if relation is not None and len(path) > 2:
            return self._qualified(relation, path[2:], span)
        captures = self.around.captures
        found = None if captures is None else captures.outer._of_relation(path, span)  # noqa: SLF001
        return None if captures is None or found is None else captures.capture(found)

    def _here(self, path: TreePath, span: Span) -> Expression | None:
        head = path[0]
        assert isinstance(head, str)
        alone = len(path) == 1
        if self.aliases_first and alone and head in self.aliases:
            return self.aliases[head]
        if head in self.merged:
            return self.merged[head] if alone else json_get(self.merged[head], path[1:], span)
        found = self._only(head, span, [each for each in self.relations if head in each.top_level])
        if found is not None:
            return found.field(path, span)
        if alone and head in self.aliases:
            return self.aliases[head]
        if alone and head in self.implicit:
            return self._implicit(head, span)
        below = [(each, value) for each in self.relations if (value := each.nested(path, span)) is not None]
        only = self._only(head, span, [each for each, _ in below])
        return None if only is None else below[0][1]

    def below(self, value: PathValue | Column, piece: str | int, span: Span) -> Expression | None:
        """Return what is under a key or index of a field, None where its relation is not one of these."""
        head, *rest = value.path if isinstance(value, PathValue) else (value.name,)
        for relation in self.relations:
            field_ = relation.field((head,), span)
            if isinstance(field_, PathValue | Column) and field_.source == value.source:
                return relation.field((head, *rest, piece), span)
        return None

    def relation(self, name: str) -> RelationNames | None:
        """Return the relation that the query calls ``name``."""
        return next((each for each in self.relations if each.alias == name), None)

    def _qualified(self, relation: RelationNames, path: TreePath, span: Span) -> Expression:
        head, alias = path[0], relation.alias
        found = None
        if isinstance(head, str):
            found = relation.field(path, span) or relation.nested(path, span)
        if found is None and alias is not None and alias in relation.top_level:
            # A function that gives one column lends its name to it.
            found = relation.field((alias, *path), span)
        if not isinstance(head, str) and found is None:
            message = f"`{alias}` is a relation, it has no element number {head}"
            raise BtqlError.of(errors.UNKNOWN_NAME, message, span, "not an array")
        if found is None:
            assert isinstance(head, str)
            return self._unknown(head, span, [relation])
        return found

    def _only(self, name: str, span: Span, relations: Sequence[RelationNames]) -> RelationNames | None:
        if len(relations) > 1:
            from btql_planner.binding.misnamed import of_several

            raise of_several(name, span, relations)
        return relations[0] if relations else None

    def resolve(self, path: TreePath, span: Span) -> Expression:
        """Return what a path means; where nothing has that name, null with a warning or an error."""
        found = self.find(path, span)
        return self._unknown(str(path[0]), span, self.relations) if found is None else found

    def _unknown(self, name: str, span: Span, relations: Sequence[RelationNames]) -> Expression:
        from btql_planner.binding.misnamed import unknown

        return unknown(self, name, span, relations)

    def _implicit(self, name: str, span: Span) -> Expression:
        expression = self.implicit[name]
        if expression is None:
            from btql_planner.binding.misnamed import of_two_paths

            raise of_two_paths(name, span)
        return expression


@dataclass(frozen=True, slots=True)
class BoundTable:
    """A common table of a WITH clause: its query, and where the names in it are looked up."""

    table: tree.CommonTable
    tables: Mapping[str, BoundTable]
    """The common tables before it."""
    recursive: bool = False
    """Whether its clause says RECURSIVE."""
    step: object = None
    """While its step is bound: what that reads."""
