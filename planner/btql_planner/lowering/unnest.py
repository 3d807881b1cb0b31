"""Lower Unnest: the engine's UNNEST over lists that are made for it.

Where the keys of an object are known, their values have columns: the lists are
made of those, one of keys and one for each kind of value, and no document is
read. Else a function takes the JSON apart, into a list of structs with a field
for each kind. A column that is a list already is unnested as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_planner import sql_text, value
from btql_planner.lowering.long_values import over_long_values
from btql_planner.plan import Unnest
from btql_planner.select import Select
from btql_planner.spelling import as_json
from btql_planner.types import ANY, LIST, Kind

if TYPE_CHECKING:
    from btql_planner.lowering.relation import RelationLowering

ELEMENT_KINDS = tuple(sorted(ANY))
"""The fields of the structs, beside ``key`` and ``position``."""


def unnest(lowering: RelationLowering, plan: Unnest) -> Select:
    """Return a row for each element or key, with all columns of the row that it is from."""
    select = lowering.lower(plan.input)
    if not select.is_rowwise or select.outputs:
        select = select.wrap()
    if plan.entries is not None:
        return _known_keys(lowering, plan, select)
    select, (expression,) = over_long_values(lowering.expressions, select, [plan.expression])
    operand = lowering.expressions.expression(expression, select.source)
    if operand.type == LIST:
        return _list(plan, select, value.single(operand))
    return _json(plan, select, as_json(operand))


def _known_keys(lowering: RelationLowering, plan: Unnest, select: Select) -> Select:
    assert plan.entries is not None
    values = [lowering.expressions.expression(each, select.source) for _, each in plan.entries]
    kinds = [kind for kind in Kind if any(kind in each.parts for each in values)]
    keys = [sql_text.text(key) for key, _ in plan.entries]
    select.outputs[f"{plan.key.name}#t"] = unnested(keys)
    for kind in kinds:
        select.outputs[f"{plan.value.name}#{kind}"] = unnested([each.get(kind) for each in values])
    rows = select.wrap()
    select.kinds[plan.key.name] = (Kind.TEXT,)
    select.kinds[plan.value.name] = tuple(kinds)
    columns = [select.column(f"{plan.value.name}#{kind}") for kind in kinds]
    rows.where.append(sql_text.any_of([f"{column} IS NOT NULL" for column in columns]))
    return rows


def unnested(items: list[str]) -> str:
    """Return a row for each of some values of one row."""
    return f"unnest(make_array({', '.join(items)}))"


def _list(plan: Unnest, select: Select, items: str) -> Select:
    select.outputs[f"{plan.value.name}#t"] = f"unnest({items})"
    select.outputs[f"{plan.position.name}#i"] = f"unnest(generate_series(1, CAST(array_length({items}) AS BIGINT)))"
    rows = select.wrap()
    select.kinds[plan.value.name] = (Kind.TEXT,)
    select.kinds[plan.position.name] = (Kind.INTEGER,)
    return rows


def _json(plan: Unnest, select: Select, text: str) -> Select:
    of_object = plan.kind == "object"
    select.outputs[plan.name] = f"unnest({'btql_json_entries' if of_object else 'btql_json_elements'}({text}))"
    structs = select.wrap()
    one = select.column(plan.name)
    structs.outputs[f"{plan.key.name}#t"] = f"get_field({one}, 'key')"
    structs.outputs[f"{plan.position.name}#i"] = f"get_field({one}, 'position')"
    for kind in ELEMENT_KINDS:
        structs.outputs[f"{plan.value.name}#{kind}"] = f"get_field({one}, '{kind}')"
    rows = structs.wrap()
    structs.kinds[plan.key.name] = (Kind.TEXT,)
    structs.kinds[plan.position.name] = (Kind.INTEGER,)
    structs.kinds[plan.value.name] = ELEMENT_KINDS
    return rows
