"""Groups that are made otherwise than the plan has it: the grouping of a scan, and what the query does with the groups.

The last statement of most questions that group or count is a statement over a grouping. Where the groups are known
without the engine, as the number of rows of which nothing else is asked, or come out of another statement
(:mod:`btql.execution.coded`), what is left is a statement over a table in memory, most often of few rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from btql.execution.in_memory import InMemory, over_rows
from btql_planner import sql_text
from btql_planner.engine_plan import EnginePlan, ScanSpec
from btql_planner.select import Select
from btql_storage.later import is_here as numpy_is_here

if TYPE_CHECKING:
    from btql.execution.coded import Coded

_COUNT = "count(1)"


@dataclass(frozen=True, slots=True)
class Grouping:
    """The last statement of a plan, and the statement in it that groups a scan."""

    table: ClassVar = "groups"
    """The table of the groups, and the step that makes them."""

    scan: ScanSpec
    statement: Select
    groups: Select
    in_memory: InMemory | None
    """The statement over the groups, where few of them need no engine."""

    @property
    def above(self) -> str | None:
        """The statement over the table of the groups; None where the groups are what is wanted."""
        if self.statement is self.groups:
            return None
        whole, inside = self.statement.render(), f"({self.groups.render()})"
        assert whole.count(inside) == 1, "a statement reads its groups once"
        return whole.replace(inside, sql_text.name(self.table))

    def coded(self) -> Coded | None:
        """Return what can do with numbers for texts, where that is so; none are kept in a process without NumPy."""
        if not numpy_is_here():
            return None
        from btql.execution.coded import coded

        return coded(self)

    def counted(self, rows: int) -> pa.Table | None:
        """Return the group of so many rows, where nothing but their number is asked."""
        asked = self.groups
        if (
            asked.group
            or asked.where
            or asked.order
            or asked.limit is not None
            or {*asked.outputs.values()} != {_COUNT}
        ):
            return None
        return pa.table({name: pa.array([rows], pa.int64()) for name in asked.outputs})


def grouping(plan: EnginePlan) -> Grouping | None:
    """Return the grouping in the last statement of a plan.

    The plan has to have one scan, which is read in one place: everybody who reads a table has to know what is in it.
    """
    if len(plan.scans) != 1 or plan.united:
        return None
    (scan,) = plan.scans
    groups = plan.select
    while isinstance(groups.source, Select):
        groups = groups.source
    if groups.group is None or groups.source_name != scan.name:
        return None
    statements = [*(stage.select for stage in plan.stages), plan.select]
    if sum(each.render().count(sql_text.name(scan.name)) for each in statements) != 1:
        return None
    return Grouping(scan, plan.select, groups, over_rows(plan.select) if plan.select.source is groups else None)
