"""Lower what combines relations: joins, set operations, windows, values, recursion.

Each function gets the lowering of relations for the nodes below its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from btql_planner import sql_text
from btql_planner.columns import FetchColumns, JoinColumns, NoColumns, TableColumns
from btql_planner.engine_plan import FetchSpec, Stage
from btql_planner.expressions import Apply, Constant, conjuncts
from btql_planner.functions.time_units import with_nanoseconds
from btql_planner.lowering.long_values import over_long_values
from btql_planner.plan import Aggregate, Nothing, Plan
from btql_planner.plan_relations import (
    Join,
    Numbered,
    Recursion,
    RecursiveTable,
    Series,
    SetOperation,
    Shared,
    ValuesTable,
    Window,
)
from btql_planner.relations import sources
from btql_planner.select import Columns, Select
from btql_planner.types import SQL_TYPES, Kind
from btql_planner.value import Value, comparable
from btql_planner.windows import whole_rank

if TYPE_CHECKING:
    from btql_planner.lowering.relation import RelationLowering

_GROWING = ("inner", "left", "right", "full")
"""Joins that may give more rows than they get."""
_JOINS = {
    "inner": "JOIN",
    "left": "LEFT JOIN",
    "right": "RIGHT JOIN",
    "full": "FULL JOIN",
    "semi": "LEFT SEMI JOIN",
    "anti": "LEFT ANTI JOIN",
}


def join(lowering: RelationLowering, plan: Join) -> Select:
    """Return pairs of rows; columns of either side are asked for by their names, which all differ.

    What reads a join that gives row after row does not give way until the join has read more; a join that compares
    all pairs does not while none fits. So the rows that come from the one and go into the other pass a function that
    ends the engine's work where nobody waits for it.
    """
    left, left_sql = _side(lowering, plan.left)
    right, right_sql = _side(lowering, plan.right)
    columns = JoinColumns(left, right, sources(plan.right))
    condition = "TRUE" if plan.condition is None else lowering.expressions.join_condition(plan.condition, columns)
    if not _has_keys(plan):
        left_sql, right_sql = (
            sql if isinstance(side, Join) else _watched(lowering, sql)
            for side, sql in ((plan.left, left_sql), (plan.right, right_sql))
        )

    def pairs() -> str:
        return f"{left_sql()} {_JOINS[plan.kind]} {right_sql()} ON {condition}"

    if plan.kind not in _GROWING:
        return Select(columns, pairs)
    lowering.expressions.filled |= plan.kind != "inner"
    name, going = _going(lowering)
    return Select(columns, lambda: f"({going} FROM {pairs()}) AS {name}", where=[f"_{name}"])


def _has_keys(plan: Join) -> bool:
    """Whether partners may be looked up in a hash table."""
    parts = () if plan.condition is None else conjuncts(plan.condition)
    return any(isinstance(each, Apply) and each.function.name == "eq" for each in parts)


def _watched(lowering: RelationLowering, source: Callable[[], str]) -> Callable[[], str]:
    """Return rows that pass the function."""
    name, going = _going(lowering)
    return lambda: f"(SELECT * FROM ({going} FROM {source()}) AS {name} WHERE _{name}) AS {name}"


def _going(lowering: RelationLowering) -> tuple[str, str]:
    """Return a name, and a SELECT with a column of that name behind a `_`: what the function says.

    It is a column first, as the engine would move a condition below a join.
    """
    name = f"w{next(lowering.expressions.numbers)}"
    return name, f"SELECT *, btql_goes_on(TRUE) AS _{name}"


def _side(lowering: RelationLowering, plan: Plan) -> tuple[Columns, Callable[[], str]]:
    """Return one side of a join: a table, or a statement in parentheses."""
    select = lowering.lower(plan)
    if select.is_bare and select.source_sql() and not isinstance(select.source, JoinColumns):
        return select.source, select.source_sql
    name = f"j{next(lowering.expressions.numbers)}"
    return select, lambda: f"({select.render()}) AS {name}"


def set_operation(lowering: RelationLowering, plan: SetOperation) -> Select:
    """Return both sides with the same columns, one for each kind that a value of either side may have."""
    below = lowering.lower(plan.left), lowering.lower(plan.right)
    (left, ones), (right, others) = (
        over_long_values(lowering.expressions, select, [pair[side] for pair in plan.columns])
        for side, select in enumerate(below)
    )
    pairs: list[tuple[Value, Value]] = []
    counts_copies = plan.all and plan.op != "union"
    for one, other in zip(ones, others, strict=True):
        sides = (
            lowering.expressions.expression(one, left.source),
            lowering.expressions.expression(other, right.source),
        )
        one_side, other_side = lowering.expressions.united(*sides)
        # Of equal rows only one may be the first copy; otherwise the engine itself takes minus zero for zero.
        pairs.append((comparable(one_side), comparable(other_side)) if counts_copies else (one_side, other_side))
    kinds: dict[str, tuple[Kind, ...]] = {}
    for name, values, columns in zip(plan.names, pairs, plan.columns, strict=True):
        kinds[name] = tuple(kind for kind in Kind if any(kind in each.parts for each in values))
        lowering.expressions.note(name, *values)
        lowering.expressions.hide(name, *columns)
        for kind in kinds[name]:
            for side, each in zip((left, right), values, strict=True):
                side.outputs[f"{name}#{kind}"] = sql_text.typed(kind, each.get(kind))
    if counts_copies:
        left, right = _numbered_copies(left), _numbered_copies(right)
    words = plan.op.upper() + (" ALL" if plan.all and plan.op == "union" else "")
    return _table(lowering, kinds, lambda: f"({left.render()}) {words} ({right.render()})")


def _numbered_copies(side: Select) -> Select:
    """Return the rows with a number for each copy: the engine itself does not count them."""
    copies = side.wrap()
    columns = ", ".join(copies.column(name) for name in side.outputs)
    copies.outputs["_copy"] = f"row_number() OVER ({f'PARTITION BY {columns}' if columns else ''})"
    return copies


def _table(
    lowering: RelationLowering, kinds: Mapping[str, Sequence[Kind]], body: Callable[[], str], *, columns: bool = False
) -> Select:
    """Return a statement over a table that has certain columns and no others."""
    name = f"s{next(lowering.expressions.numbers)}"
    listed = [sql_text.name(f"{each}#{kind}") for each, of_name in kinds.items() for kind in of_name]
    head = f"{name}({', '.join(listed) or '_none'})" if columns else name
    return Select(
        TableColumns({each: tuple(of_name) for each, of_name in kinds.items()}), lambda: f"({body()}) AS {head}"
    )


def window(lowering: RelationLowering, plan: Window) -> Select:
    """Return the rows with a column more for each function over a window."""
    below, items = lowering.over_long_values(lowering.open(plan.input), plan.items)
    select = below.wrap()
    for item in items:
        lowering.add(select, item)
    return select


def numbered(lowering: RelationLowering, plan: Numbered) -> Select:
    """Return the rows with a number that says which of them have the same keys."""
    below, keys = over_long_values(lowering.expressions, lowering.open(plan.input), plan.keys)
    for place, key in enumerate(keys):
        computed = lowering.expressions.expression(key, below.source)
        parts = {kind: lowering.expressions.key(sql) for kind, sql in computed.parts.items()}
        below.outputs.update({f"{plan.name}#{place}#{kind}": sql for kind, sql in parts.items()})
    # Of computed keys the engine does not know its own order again.
    order = ", ".join(map(sql_text.name, below.outputs))
    select = below.wrap()
    select.kinds[plan.name] = (Kind.INTEGER,)
    select.outputs[f"{plan.name}#i"] = whole_rank(f"dense_rank() OVER (ORDER BY {order or '1'})")
    return select


def shared(lowering: RelationLowering, plan: Shared) -> Select:
    """Return the rows of a stage of their own, which is planned where the plan first reads it."""
    nothing = FetchSpec({}, (), ())
    if plan.name not in lowering.shared:
        select = lowering.lower(plan.input)
        select = select.wrap() if select.group is not None else select
        lowering.shared[plan.name] = Stage(plan.name, select, nothing, plan)
        lowering.stages.append(lowering.shared[plan.name])
    # Without a source name: a stage that is read twice is no stream.
    return Select(FetchColumns(lowering.shared[plan.name].select, nothing), lambda: sql_text.name(plan.name))


def values_table(lowering: RelationLowering, plan: ValuesTable) -> Select:
    """Return the rows as SQL's VALUES."""
    nothing = NoColumns()
    rows = [[lowering.expressions.expression(each, nothing) for each in row] for row in plan.rows]
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
    return _table(lowering, kinds, lambda: body, columns=True)


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
        return _table(lowering, kinds, lambda: f"SELECT value FROM generate_series({listed})", columns=True)
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
    lowering.recursive[plan.table] = kinds
    sides: list[Select] = []
    for side, number in ((plan.anchor, 0), (plan.step, 1)):
        select = lowering.lower(side)
        for name, pair in zip(plan.names, plan.columns, strict=True):
            computed = lowering.expressions.expression(pair[number], select.source)
            for kind in kinds[name]:
                select.outputs[f"{name}#{kind}"] = _settled(computed, kind, kinds[name])
        sides.append(select)
    word = "UNION" if plan.distinct else "UNION ALL"

    def body() -> str:
        anchor, step = (select.render() for select in sides)
        return f"WITH RECURSIVE {plan.table} AS ({anchor} {word} {step}) SELECT * FROM {plan.table}"

    return _table(lowering, kinds, body)


def _settled(computed: Value, kind: Kind, kinds: tuple[Kind, ...]) -> str:
    """Return a column of a recursive table; a number that has grown beyond its whole numbers stops the query.

    The engine has several types of texts, and refuses a step whose texts are not of that of its anchor.
    """
    sql = sql_text.typed(kind, computed.get(kind))
    if kind is Kind.INTEGER and Kind.FLOAT in computed.parts and Kind.FLOAT not in kinds:
        return f"coalesce({sql}, CAST({computed.parts[Kind.FLOAT]} AS BIGINT))"
    return f"CAST({sql} AS VARCHAR)" if SQL_TYPES[kind] == "VARCHAR" else sql


def grouping_sets(lowering: RelationLowering, plan: Aggregate) -> Select:
    """Return the rows grouped once for each set of keys, which are columns of a statement below."""
    assert plan.sets is not None
    below, keys = lowering.over_long_values(lowering.open(plan.input), plan.keys)
    parts: list[list[str]] = []
    for named in keys:
        computed = lowering.add(below, named)
        columns = [f"{named.name}#{kind}" for kind in computed.parts]
        parts.append([sql_text.name(column) for column in columns])
        # What is one value in all rows is null in some above.
        below.outputs.update({column: sql_text.varying(below.outputs[column]) for column in columns})
    select = below.wrap()
    for named in plan.keys:
        select.kinds[named.name] = below.kinds[named.name]
        select.outputs.update(
            {name: select.source.column(name) for name in (f"{named.name}#{k}" for k in below.kinds[named.name])}
        )
    for named in plan.measures:
        call = named.expression
        if isinstance(call, Apply) and call.function.name == "grouping":
            places = [next(n for n, key in enumerate(plan.keys) if key.expression == each) for each in call.arguments]
            bits = [f"{2**n} * grouping({parts[place][0]})" for n, place in enumerate(reversed(places))]
            select.kinds[named.name] = (Kind.INTEGER,)
            select.outputs[f"{named.name}#i"] = f"CAST({' + '.join(bits)} AS BIGINT)"
        else:
            lowering.add(select, named)
    sets = ", ".join(f"({', '.join(sql for place in each for sql in parts[place])})" for each in plan.sets)
    select.group = [f"GROUPING SETS ({sets})"]
    return select
