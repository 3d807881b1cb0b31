"""Lower joins, rows that are read in several places, and groups by several sets of keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from btql_planner import compare, sql_text
from btql_planner.columns import FetchColumns, JoinColumns
from btql_planner.engine_plan import FetchSpec, Stage
from btql_planner.expression_traversal import conjuncts
from btql_planner.expressions import Apply, Expression
from btql_planner.plan import Aggregate, Plan
from btql_planner.plan_relations import Join, Shared
from btql_planner.relations import sources
from btql_planner.select import Columns, Select
from btql_planner.types import Kind

if TYPE_CHECKING:
    from btql_planner.lowering.expression import ExpressionLowering
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
    condition = "TRUE" if plan.condition is None else _join_condition(lowering.expressions, plan.condition, columns)
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


def _join_condition(lowering: ExpressionLowering, expression: Expression, columns: Columns) -> str:
    """Return a condition between two relations.

    Beside an equality of several kinds stands one of keys that follows from it: by that the
    engine can look partners up in a hash table instead of trying all pairs.
    """
    terms: list[str] = []
    for part in conjuncts(expression):
        if isinstance(part, Apply) and part.function.name == "eq":
            left, right = (lowering.expression(each, columns) for each in part.arguments)
            keys = compare.meeting_key(left), compare.meeting_key(right)
            if len(left.parts) * len(right.parts) > 1 and all(keys):
                terms.append(f"({keys[0]} = {keys[1]})")
        terms.append(lowering.condition(part, columns))
    return sql_text.all_of(terms)


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
