"""Lower windows: columns more for each row, computed from the rows around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_planner import sql_text, value
from btql_planner.expressions import AggregateCall, Bound, Over
from btql_planner.lowering.long_values import over_long_values
from btql_planner.plan_relations import Numbered, Window
from btql_planner.select import Columns, Select
from btql_planner.types import Kind
from btql_planner.value import Value
from btql_planner.windows import lower_ranking, whole_rank

if TYPE_CHECKING:
    from btql_planner.lowering.expression import ExpressionLowering
    from btql_planner.lowering.relation import RelationLowering


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


def over(lowering: ExpressionLowering, windowed: Over, columns: Columns) -> Value:
    """Return the SQL of a function or an aggregate over the rows of a window."""
    words: list[str] = []
    below = columns.source if isinstance(columns, Select) else columns
    parts = [
        sql for each in windowed.partition for sql in value.comparable(lowering.expression(each, below)).parts.values()
    ]
    if parts:
        words.append(f"PARTITION BY {', '.join(lowering.window_key(sql, columns) for sql in parts)}")
    if order := lowering.order_below(windowed.order, columns):
        words.append(f"ORDER BY {', '.join(map(str, order))}")
    if windowed.frame is not None:
        words.append(
            f"{windowed.frame.unit.upper()} BETWEEN {_bound(windowed.frame.start)} AND {_bound(windowed.frame.end)}"
        )
    if isinstance(windowed.call, AggregateCall):
        return lowering.aggregate(windowed.call, columns, " ".join(words))
    arguments = [lowering.named_apart(lowering.expression(each, columns)) for each in windowed.call.arguments]
    return lower_ranking(windowed.call, arguments, " ".join(words))


def _bound(bound: Bound) -> str:
    if bound.distance is None:
        return bound.kind.upper()
    distance = f"INTERVAL '{bound.distance}'" if isinstance(bound.distance, str) else str(bound.distance)
    return f"{distance} {bound.kind.upper()}"
