"""Say which filters can be checked in memory where only the first rows are wanted.

Before:  Limit(50, Sort(_pagination_key desc, Scan(filter=(is_root and _pagination_key < 'p5'), top=50, guessed)))
After:   Limit(50, Sort(_pagination_key desc, Scan(filter=…, top=50 among is_root, _pagination_key < 'p5')))

The times, transactions and keys of parts that are asked for their first rows are
kept in memory, and so is which rows are root spans. Where no other filter decides
which rows count, the first ones are known exactly: no more rows are read than are
wanted, and none is read twice because too few of them counted. So a page that
begins at a cursor costs as much as the first one. Beside other filters, the rows
that are looked at first are at least those that may count.

The filters stay: other rows between the first and the last one are dropped by them.

Not applied to conditions under OR and NOT, nor to texts that are no keys.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Literal, cast

from btql_planner.expressions import Column, Expression
from btql_planner.plan import Plan, Sort
from btql_planner.plan_scan import ROOTS, Check, Scan
from btql_planner.plan_traversal import rewrite
from btql_planner.rules.prune_parts import compared

_FORMS = {"_xact_id": re.compile("[0-9]{19}"), "_pagination_key": re.compile("p[0-9]{20}")}
_NUMBER_MAX = 2**64 - 1


def check_in_memory(plan: Plan) -> Plan:
    """Return the plan with scans that know which rows count before they read any."""
    return rewrite(plan, _on_node)


def _on_node(plan: Plan) -> Plan | None:
    match plan:
        case Scan(top=top) if top is not None:
            among = tuple(check for condition in plan.filters if (check := check_of(condition)))
            return replace(plan, top=replace(top, among=among)) if among else None
        case Sort(input=Scan(top=top) as scan) if top is not None:
            if top.asked is None and top.among and len(top.among) == len(scan.filters):
                return replace(plan, input=replace(scan, top=replace(top, filtered=False)))
            return None
        case _:
            return None


def check_of(condition: Expression) -> Check | None:
    """Return a condition as one that can be checked in memory; None where it cannot."""
    if isinstance(condition, Column):
        return ROOTS if condition.name == ROOTS.column and not condition.source else None
    match compared(condition):
        case Column(source="", name=column), operator, value if _has_form(column, value):
            return Check(column, cast("Literal['lt', 'le', 'gt', 'ge', 'eq']", operator), value)
        case _:
            return None


def _has_form(column: str, value: datetime | str) -> bool:
    """Whether values of the column are in the same order as the numbers that they stand for."""
    if isinstance(value, datetime):
        return True
    return _FORMS[column].fullmatch(value) is not None and int(value.lstrip("p")) <= _NUMBER_MAX
