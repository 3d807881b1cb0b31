"""Lower aggregates over an unpivot whose keys are columns: one for each column, and then a row for each.

1. One statement groups the rows by all keys but the unpivoted one. In it stands every
   aggregate once for each key of the object, over the values of that key's column.
2. Above it, each group becomes a row for each key.
3. Of these, those stay that any row had a value of.

For each key the aggregates see the value as the unpivot has it, with every kind
that any of the columns has, so that an answer does not depend on how it was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from btql_planner import sql_text, types, value
from btql_planner.expressions import AggregateCall, Apply, Constant, Expression, Reference
from btql_planner.functions import functions
from btql_planner.lowering.unnest import unnested
from btql_planner.plan import Aggregate, Filter, Named, Unnest
from btql_planner.select import Columns, Path, Select
from btql_planner.types import Kind
from btql_planner.value import Value

if TYPE_CHECKING:
    from btql_planner.engine_plan import ScanSpec
    from btql_planner.lowering.relation import RelationLowering


@dataclass
class EntryColumns:
    """The columns below an unpivot, and the two that it adds, for one of its keys."""

    below: Columns
    added: Mapping[str, Value]

    def column(self, name: str) -> str:
        """Return the SQL of a column; those below are read there."""
        column, _, kind = name.rpartition("#")
        return self.added[column].parts[Kind(kind)] if column in self.added else self.below.column(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a computed column."""
        return tuple(self.added[name].parts) if name in self.added else self.below.kinds_of(name)

    def fetched(self, source: str, path: Path) -> bool:
        """Whether the values of ``path`` were read from documents, below."""
        return self.below.fetched(source, path)

    def scan(self, source: str) -> ScanSpec:
        """Return the scan that the rows of a relation come from."""
        return self.below.scan(source)


def aggregate_apart(lowering: RelationLowering, plan: Aggregate) -> Select:
    """Return a row for each group, and for each key of an object that any row of the group has."""
    conditions: list[Expression] = []
    unnest = plan.input
    while isinstance(unnest, Filter):
        conditions.append(unnest.condition)
        unnest = unnest.input
    assert isinstance(unnest, Unnest)
    grouped = lowering.open(unnest.input)
    grouped.group = []
    entries = _entries(lowering, unnest, grouped.source)
    keys = [key.name for key in plan.keys if key.expression == unnest.key]
    for named in plan.keys:
        if named.name not in keys:
            lowering.add_key(grouped, named)
    spread = grouped.wrap()
    spread.outputs = {name: spread.source.column(name) for name in grouped.outputs}
    spread.kinds |= dict.fromkeys(keys, (Kind.TEXT,))
    spread.outputs |= {
        f"{key}#t": unnested([value.single(each.added[unnest.key.name]) for each in entries]) for key in keys
    }
    there = Named(f"{unnest.name}.there", _counted(unnest.value))
    for named in (*plan.measures, there):
        call = _of_rows_with_the_key(named.expression, unnest.value, conditions)
        values = [lowering.expressions.expression(call, entry) for entry in entries]
        lowering.expressions.note(named.name, *values)
        spread.kinds[named.name] = tuple(values[0].parts)
        for kind in values[0].parts:
            columns = {f"{named.name}#{kind}@{number}": each.parts[kind] for number, each in enumerate(values)}
            grouped.outputs |= columns
            spread.outputs[f"{named.name}#{kind}"] = unnested(list(map(sql_text.name, columns)))
    rows = spread.wrap()
    rows.where.append(f"{rows.source.column(f'{there.name}#i')} > 0")
    return rows


def _entries(lowering: RelationLowering, unnest: Unnest, below: Columns) -> list[EntryColumns]:
    """Return the columns for each key that has any value."""
    assert unnest.entries is not None
    values = {key: lowering.expressions.expression(each, below) for key, each in unnest.entries}
    kinds = [kind for kind in Kind if any(kind in each.parts for each in values.values())]
    return [
        EntryColumns(
            below,
            {
                unnest.key.name: value.of(Kind.TEXT, sql_text.text(key)),
                unnest.value.name: Value({kind: each.get(kind) for kind in kinds}),
            },
        )
        for key, each in values.items()
        if each.parts
    ]


def _counted(counted: Reference) -> AggregateCall:
    return AggregateCall(functions()["count"], (counted,), types.INTEGER)


def _of_rows_with_the_key(measure: Expression, of_key: Reference, conditions: Sequence[Expression]) -> AggregateCall:
    """Return an aggregate over the rows that have the key and pass the conditions.

    An aggregate of the value itself leaves out the others anyway, as in all of these null takes no part.
    """
    assert isinstance(measure, AggregateCall)
    call = measure
    if call.function.name == "count" and all(isinstance(each, Constant) and each.kind for each in call.arguments):
        call = replace(call, arguments=(of_key,))
    filters = [*conditions, *([] if call.filter is None else [call.filter])]
    if of_key not in call.arguments:
        filters.insert(0, Apply(functions()["isnotnull"], (of_key,), types.BOOLEAN))
    if len(filters) > 1:
        filters = [Apply(functions()["and"], tuple(filters), types.BOOLEAN)]
    return replace(call, filter=filters[0] if filters else None)
