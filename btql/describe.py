"""What a statement takes and gives, told without running it: for protocols that ask before they send values.

1. The statement is bound with null for each parameter, and what stands beside a null says which kinds its value
   should have (:mod:`btql_planner.parameters`).
2. It is compiled again with nulls of these kinds, and the plan says which columns come out, and of which kinds.

Values may be of other kinds when they come; the columns may then hold other kinds, too. Where a protocol has promised
the kinds that were described, it converts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from btql.values import arrow_type
from btql_grammar import tree
from btql_grammar.parameters import Key, parameters_of, row_counts, with_values
from btql_grammar.span import Source, Span
from btql_planner.engine_plan import OutputColumn
from btql_planner.options import QueryOptions
from btql_planner.parameters import kinds_of_parameters
from btql_planner.types import INTEGER, NULL, NUMERIC, TEXT, Kind, Type

if TYPE_CHECKING:
    from btql.database import Database

StatementKind = Literal["rows", "insert", "update", "delete", "explain"]
_CASTS = {Kind.BOOLEAN: "boolean", Kind.TEXT: "text", Kind.TIME: "datetime", Kind.INTERVAL: "interval"}
_NOTHING = Span(0, 0)


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter of a statement."""

    key: Key
    """Its number, from 1, or its name."""
    kinds: Type
    """What its value should be; empty where nothing tells."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a statement takes and gives."""

    kind: StatementKind
    parameters: tuple[ParameterInfo, ...]
    """Each once: numbers in their order, names as they stand in the text."""
    outputs: tuple[OutputColumn, ...]
    """The columns of its rows; none where it writes."""

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its rows."""
        return pa.schema([pa.field(output.name, arrow_type(output)) for output in self.outputs])


def described(database: Database, source: Source, statement: tree.Statement, options: QueryOptions | None) -> Described:
    """Return what a statement takes and gives."""
    places = parameters_of(statement)
    match statement:
        case tree.Insert() | tree.Update() | tree.Delete():
            kind = _WRITES[type(statement)]
            return Described(kind, _parameters(places, {}), ())
        case tree.Explain():
            plan = OutputColumn("plan", {Kind.TEXT: "plan"})
            return Described("explain", _parameters(places, {}), (plan,))
        case _:
            pass
    options = replace(options or QueryOptions(lint="off"), describing=True)
    kinds: dict[Span, Type] = {}
    if places:
        first = database.compile_statement(source, statement, options)
        first.sources.close()
        counts = {span: TEXT if clause == "cursor" else INTEGER for span, clause in row_counts(statement).items()}
        kinds = kinds_of_parameters(first.bound.plan, places) | counts
    parameters = _parameters(places, kinds)
    typed = with_values(statement, _nulls(parameters)) if places else statement
    compiled = database.compile_statement(source, typed, options)
    compiled.sources.close()
    return Described("rows", parameters, tuple(compiled.engine.outputs))


_WRITES: dict[type, StatementKind] = {tree.Insert: "insert", tree.Update: "update", tree.Delete: "delete"}


def _parameters(places: dict[Span, Key], kinds: dict[Span, Type]) -> tuple[ParameterInfo, ...]:
    found: dict[Key, Type] = {}
    for span, key in places.items():
        found[key] = found.get(key, NULL) | kinds.get(span, NULL)
    numbers = [key for key in found if isinstance(key, int)]
    if numbers:
        return tuple(ParameterInfo(key, found.get(key, NULL)) for key in range(1, max(numbers) + 1))
    return tuple(ParameterInfo(key, kinds) for key, kinds in found.items())


def _nulls(parameters: tuple[ParameterInfo, ...]) -> list[object] | dict[str, object]:
    """Return a null of the right kind for each parameter."""
    values = [_null(each.kinds) for each in parameters]
    if parameters and isinstance(parameters[0].key, str):
        return {str(each.key): value for each, value in zip(parameters, values, strict=True)}
    return list(values)


def _null(kinds: Type) -> tree.Expression:
    null = tree.Literal(None, span=_NOTHING)
    if kinds and kinds <= NUMERIC:
        return tree.Cast(null, "number", span=_NOTHING)
    if len(kinds) == 1 and (name := _CASTS.get(next(iter(kinds)))) is not None:
        return tree.Cast(null, name, span=_NOTHING)
    return tree.Cast(null, "text", span=_NOTHING)
