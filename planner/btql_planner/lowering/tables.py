"""Lower relations that are in no object: VALUES, series, and recursive tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from btql_planner import sql_text, types
from btql_planner.columns import NoColumns, TableColumns
from btql_planner.expressions import Constant
from btql_planner.functions.time_units import with_nanoseconds
from btql_planner.plan import Nothing
from btql_planner.plan_relations import Recursion, RecursiveTable, Series, ValuesTable
from btql_planner.select import Select
from btql_planner.types import SQL_TYPES, Kind
from btql_planner.value import Value, lists_as_json

if TYPE_CHECKING:
    from btql_planner.lowering.relation import RelationLowering


def table(
    lowering: RelationLowering, kinds: Mapping[str, Sequence[Kind]], body: Callable[[], str], *, columns: bool = False
) -> Select:
    """Return a statement over a table that has certain columns and no others."""
    name = f"s{next(lowering.expressions.numbers)}"
    listed = [sql_text.name(f"{each}#{kind}") for each, of_name in kinds.items() for kind in of_name]
    head = f"{name}({', '.join(listed) or '_none'})" if columns else name
    return Select(
        TableColumns({each: tuple(of_name) for each, of_name in kinds.items()}), lambda: f"({body()}) AS {head}"
    )


def values_table(lowering: RelationLowering, plan: ValuesTable) -> Select:
    """Return the rows as SQL's VALUES."""
    nothing = NoColumns()
    columns = (
        [lowering.expressions.expression(each, nothing) for each in column] for column in zip(*plan.rows, strict=True)
    )
    rows = list(zip(*map(lowering.expressions.united, columns), strict=True))
    kinds: dict[str, tuple[Kind, ...]] = {}
    for number, name in enumerate(plan.names):
        kinds[name] = tuple(kind for kind in Kind if any(kind in row[number].parts for row in rows))
        lowering.expressions.note(name, *(row[number] for row in rows))
    listed = [
        ", ".join(
            _listed(kind, each.get(kind)) for name, each in zip(plan.names, row, strict=True) for kind in kinds[name]
        )
        for row in rows
    ]
    body = "VALUES " + ", ".join(f"({row or 'NULL'})" for row in listed)
    return table(lowering, kinds, lambda: body, columns=True)


def _listed(kind: Kind, sql: str) -> str:
    """Return a value of VALUES: which type of text a CASE has, the engine finds out when the table has another one."""
    if SQL_TYPES[kind] == SQL_TYPES[Kind.TEXT] and not sql_text.is_text(sql):
        return f"arrow_cast({sql}, 'Utf8')"
    return sql_text.typed(kind, sql)


def series(lowering: RelationLowering, plan: Series) -> Select:
    """Return a row for each number or time.

    Numbers whose ends are known come one batch after the other, however many they are; others by the engine's UNNEST
    over a list of them, which has to fit into memory.
    """
    if numbers := _known_numbers(plan):
        listed = ", ".join(map(str, numbers))
        kinds = {plan.name: (Kind.INTEGER,)}
        return table(lowering, kinds, lambda: f"SELECT value FROM generate_series({listed})", columns=True)
    select = lowering.open(plan.input).wrap()
    arguments = [lowering.expressions.expression(each, select.source) for each in plan.arguments]
    kind = Kind.TIME if Kind.TIME in plan.arguments[0].type else Kind.INTEGER
    ends = [sql_text.typed(kind, each.get(kind)) for each in arguments[:2]]
    step = arguments[2].get(Kind.INTERVAL if kind is Kind.TIME else kind) if len(arguments) > 2 else "1"
    if kind is Kind.TIME:
        ends = [f"CAST({with_nanoseconds(each)} AS TIMESTAMP)" for each in ends]
    select.kinds[plan.name] = (kind,)
    counted = [
        f"date_part('epoch', {each})" if kind is Kind.TIME else f"CAST({each} AS DOUBLE)" for each in (*ends, step)
    ]
    # In the argument, so that the engine does not make the series before it runs.
    last = f"CASE WHEN btql_series_fits({', '.join(counted)}) THEN {ends[1]} END"
    # Where a row has a step of zero the engine would end the query.
    length = f"date_part('epoch', {step})" if kind is Kind.TIME else step
    moving = f"CASE WHEN {length} <> 0 THEN {step} END" if len(arguments) > 2 else step
    value = f"unnest(generate_series({ends[0]}, {last}, {moving}))"
    # The engine's series of times counts nanoseconds, all other times here microseconds.
    select.outputs[f"{plan.name}#{kind}"] = f"arrow_cast({value}, {sql_text.INSTANT})" if kind is Kind.TIME else value
    return select


def _known_numbers(plan: Series) -> list[int]:
    """Return first, last and step where all are known and the step leads anywhere; else none."""
    known = [each.value for each in plan.arguments if isinstance(each, Constant) and each.kind is Kind.INTEGER]
    numbers = [value for value in known if isinstance(value, int)]
    if not isinstance(plan.input, Nothing) or len(numbers) < len(plan.arguments) or numbers[2:] == [0]:
        return []
    return numbers


def recursion(lowering: RelationLowering, plan: Recursion) -> Select:
    """Return the rows that the step before found."""
    kinds = lowering.recursive[plan.table]
    table = f"r{next(lowering.expressions.numbers)}"
    select = Select(TableColumns(kinds), lambda: f"{plan.table} AS {table}")
    for inside, outside in zip(kinds, plan.columns, strict=True):
        select.kinds[outside.name] = kinds[inside]
        for kind in kinds[inside]:
            select.outputs[f"{outside.name}#{kind}"] = select.source.column(f"{inside}#{kind}")
    return select


def recursive_table(lowering: RelationLowering, plan: RecursiveTable) -> Select:
    """Return a statement with a recursive table; its columns have the kinds that were found while binding."""
    kinds = {
        name: tuple(kind for kind in Kind if kind in one.type | other.type)
        for name, (one, other) in zip(plan.names, plan.columns, strict=True)
    }
    for name, of_name in kinds.items():
        if {*of_name} >= types.CONTENTS:
            kinds[name] = tuple(kind for kind in of_name if kind is not Kind.LIST)
    lowering.recursive[plan.table] = kinds
    sides: list[Select] = []
    for side, number in ((plan.anchor, 0), (plan.step, 1)):
        select = lowering.lower(side)
        for name, pair in zip(plan.names, plan.columns, strict=True):
            computed = lowering.expressions.expression(pair[number], select.source)
            if Kind.LIST not in kinds[name]:
                computed = lists_as_json(computed)
            for kind in kinds[name]:
                select.outputs[f"{name}#{kind}"] = _settled(computed, kind, kinds[name])
        sides.append(select)
    word = "UNION" if plan.distinct else "UNION ALL"

    def body() -> str:
        anchor, step = (select.render() for select in sides)
        return f"WITH RECURSIVE {plan.table} AS ({anchor} {word} {step}) SELECT * FROM {plan.table}"

    return table(lowering, kinds, body)


def _settled(computed: Value, kind: Kind, kinds: tuple[Kind, ...]) -> str:
    """Return a column of a recursive table; a number that has grown beyond its whole numbers stops the query.

    The engine has several types of texts, and refuses a step whose texts are not of that of its anchor.
    """
    sql = sql_text.typed(kind, computed.get(kind))
    if kind is Kind.INTEGER and Kind.FLOAT in computed.parts and Kind.FLOAT not in kinds:
        return f"coalesce({sql}, CAST({computed.parts[Kind.FLOAT]} AS BIGINT))"
    return f"CAST({sql} AS VARCHAR)" if SQL_TYPES[kind] == "VARCHAR" else sql
