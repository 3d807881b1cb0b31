"""What a statement takes and gives, told without running it: for protocols that ask before they send values.

1. The statement is bound with null for each parameter, and what stands beside a null says which kinds its value
   should have (:mod:`btql_planner.parameters`). A cast right behind a parameter says more than that, and so does the
   field that it is written to.
2. It is compiled again with nulls of these kinds, and the plan says which columns come out, and of which kinds.

Values may be of other kinds when they come; the columns may then hold other kinds, too. Where a protocol has promised
the kinds that were described, it converts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from btql.describe_samples import given, kinds_of, samples_of
from btql.errors import QueryError, drawn_over
from btql.fixed_answer import PLAN_COLUMN
from btql.values import arrow_type
from btql_grammar import tree
from btql_grammar.build import TYPES
from btql_grammar.parameters import Key, nodes_below, parameters_of, row_counts, with_values
from btql_grammar.span import Source, Span
from btql_grammar.tree_statements import Delete, Explain, Insert, Update
from btql_planner.engine_plan import OutputColumn
from btql_planner.names import SYSTEM_KINDS
from btql_planner.options import QueryOptions
from btql_planner.parameters import kinds_of_parameters
from btql_planner.types import INTEGER, JSON, LIST, NULL, NUMBER, NUMERIC, TEXT, Kind, Type
from btql_storage.fields import NUMBER_FIELDS, OBJECT_FIELDS

if TYPE_CHECKING:
    from btql.database import Compiled, Database

StatementKind = Literal["rows", "insert", "update", "delete", "explain"]
_CASTS = {Kind.BOOLEAN: "boolean", Kind.TEXT: "text", Kind.TIME: "datetime", Kind.INTERVAL: "interval"}
_KINDS = {
    "text": Kind.TEXT, "integer": Kind.INTEGER, "number": Kind.FLOAT, "boolean": Kind.BOOLEAN, "date": Kind.TIME,
    "datetime": Kind.TIME, "interval": Kind.INTERVAL, "json": Kind.JSON,
}  # fmt: skip
"""The kind of values of each type that a cast may name."""
_NOTHING = Span(0, 0)


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter of a statement."""

    key: Key
    """Its number, from 1, or its name."""
    kinds: Type
    """What its value should be; empty where nothing tells."""
    type_name: str | None = None
    """The type that the statement casts it to; of a list, the one that what it is compared with asks for."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a statement takes and gives."""

    kind: StatementKind
    parameters: tuple[ParameterInfo, ...]
    """Each once: numbers in their order, names as they stand in the text."""
    outputs: tuple[OutputColumn, ...]
    """The columns of its rows; none where it writes, or where only values will tell."""

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its rows."""
        return pa.schema([pa.field(output.name, arrow_type(output)) for output in self.outputs])


def described(
    database: Database,
    source: Source,
    statement: tree.Statement,
    options: QueryOptions | None,
    *,
    lenient: bool = False,
) -> Described:
    """Return what a statement takes and gives; :meth:`btql.database.Database.describe` has the arguments."""
    with drawn_over(source):
        places = parameters_of(statement)
    options = replace(options or QueryOptions(lint="off"), describing=True)
    told = _told(statement)
    told |= {span: TEXT if clause == "cursor" else INTEGER for span, clause in row_counts(statement).items()}
    match statement:
        case Insert() | Update() | Delete():
            kinds: dict[Span, Type] = {}
            if places and (query := _query_of(statement)) is not None:
                kinds = _kinds(database, source, query, options, places)
            return Described(_WRITES[type(statement)], _parameters(places, kinds, told, statement), ())
        case Explain():
            kind = Kind.JSON if statement.format == "json" else Kind.TEXT
            plan = OutputColumn(PLAN_COLUMN, {kind: PLAN_COLUMN})
            return Described("explain", _parameters(places, {}, told, statement), (plan,))
        case _:
            try:
                return _of_rows(database, source, statement, options, places, told)
            except QueryError:
                if not (lenient and places):
                    raise
                return Described("rows", _parameters(places, {}, told, statement), ())


def _of_rows(
    database: Database,
    source: Source,
    statement: tree.Statement,
    options: QueryOptions,
    places: dict[Span, Key],
    told: dict[Span, Type],
) -> Described:
    samples: dict[Key, object] = {}
    try:
        kinds = _kinds(database, source, statement, options, places) if places else {}
    except QueryError:
        samples = samples_of(database, source, statement, options, places)
        kinds = _kinds(database, source, with_values(statement, given(places, samples)), options, places)
    kinds |= {span: kinds_of(samples[key]) for span, key in places.items() if key in samples}
    parameters = _parameters(places, kinds, told, statement)
    nulls = {each.key: samples[each.key] if each.key in samples else _null(each) for each in parameters}
    try:
        typed = with_values(statement, given(places, nulls)) if places else statement
        engine = _compiled(database, source, typed, options).engine
    except QueryError:
        # Beside a whole number there may be a fraction; a function that takes whole numbers takes none.
        nulls |= {each.key: _whole() for each in parameters if each.kinds == INTEGER and each.key not in samples}
        engine = _compiled(database, source, with_values(statement, given(places, nulls)), options).engine
    shown = len(engine.outputs) - engine.answer.hidden
    return Described("rows", parameters, tuple(engine.outputs[:shown]))


def _compiled(database: Database, source: Source, statement: tree.Statement, options: QueryOptions) -> Compiled:
    compiled = database.compile_statement(source, statement, options)
    compiled.sources.close()
    return compiled


def _kinds(
    database: Database, source: Source, statement: tree.Statement, options: QueryOptions, places: dict[Span, Key]
) -> dict[Span, Type]:
    """Return what stands beside the parameters of a statement."""
    return kinds_of_parameters(_compiled(database, source, statement, options).bound.plan, places)


def _query_of(statement: Insert | Update | Delete) -> tree.Statement | None:
    """Return the query behind a statement that writes; None for one whose rows are spelled out."""
    from btql.write_statements import matching

    if isinstance(statement, Insert):
        return None if isinstance(statement.source, tree.Values) else statement.source
    return matching(statement)


def _told(statement: tree.Statement) -> dict[Span, Type]:
    """Return the kinds of parameters that only the form of a statement tells."""
    found: dict[Span, Type] = {}
    for node in nodes_below(statement):
        match node:
            case (
                tree.Quantified(right=tree.Parameter() as items)
                | tree.JsonOperator(op="?|" | "?&", right=tree.Parameter() as items)
            ):
                found[items.span] = LIST
            case tree.Cast(expression=tree.Parameter() as value) if (kind := _kind_of(node.type_name)) is not None:
                found[value.span] = frozenset({kind})
            case _:
                pass
    for path, written in _written(statement):
        if not isinstance(written, tree.Parameter):
            continue
        if len(path) == 1 and path[0] in SYSTEM_KINDS:
            found[written.span] = frozenset({SYSTEM_KINDS[str(path[0])]})
        elif len(path) == 1 and path[0] in OBJECT_FIELDS:
            found[written.span] = JSON
        elif len(path) > 1 and path[0] in NUMBER_FIELDS:
            found[written.span] = NUMBER
    return found


def _written(statement: tree.Statement) -> Iterator[tuple[tuple[str | int, ...], tree.Expression]]:
    """Yield the fields that a statement writes, each with its value."""
    if isinstance(statement, Update):
        yield from ((place.path, value) for place, value in statement.assignments)
    elif isinstance(statement, Insert) and isinstance(statement.source, tree.Values):
        for row in statement.source.rows:
            yield from zip(statement.columns, row, strict=False)


def _kind_of(type_name: str) -> Kind | None:
    """Return the kind of values of a type; those of arrays are lists of texts, or JSON."""
    base, brackets, _ = type_name.partition("[")
    known = _KINDS.get(TYPES.get(re.sub(r"\(.*?\)", "", base).strip(), ""))
    if not brackets:
        return known
    return Kind.LIST if known is Kind.TEXT else Kind.JSON


_WRITES: dict[type, StatementKind] = {Insert: "insert", Update: "update", Delete: "delete"}


def _parameters(
    places: dict[Span, Key], kinds: dict[Span, Type], told: dict[Span, Type], statement: tree.Statement
) -> tuple[ParameterInfo, ...]:
    found: dict[Key, Type] = {}
    for span, key in places.items():
        found[key] = found.get(key, NULL) | (told if span in told else kinds).get(span, NULL)
    casts: dict[Key, str] = {}
    for node in nodes_below(statement):
        match node:
            case tree.Cast(expression=tree.Parameter() as value):
                casts[places[value.span]] = node.type_name
            case tree.Quantified(right=tree.Parameter() as items) if beside := kinds.get(items.span, NULL):
                if beside <= NUMERIC:
                    casts[places[items.span]] = "float8[]"
            case _:
                pass
    numbers = [key for key in found if isinstance(key, int)]
    keys: Iterable[Key] = range(1, max(numbers) + 1) if numbers else found
    return tuple(ParameterInfo(key, found.get(key, NULL), casts.get(key)) for key in keys)


def _whole() -> tree.Expression:
    return tree.Cast(tree.Literal(None, span=_NOTHING), "integer", span=_NOTHING)


def _null(parameter: ParameterInfo) -> tree.Expression | None:
    null, kinds = tree.Literal(None, span=_NOTHING), parameter.kinds
    if parameter.type_name is not None:
        # The statement casts it.
        return None
    if kinds and kinds <= NUMERIC:
        return tree.Cast(null, "number", span=_NOTHING)
    if len(kinds) == 1 and (name := _CASTS.get(next(iter(kinds)))) is not None:
        return tree.Cast(null, name, span=_NOTHING)
    return tree.Cast(null, "text", span=_NOTHING)
