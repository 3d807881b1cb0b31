"""Groups that are made otherwise than the plan has it: the grouping of a scan, and what the query does with the groups.

The last statement of most questions that group or count is a statement over a grouping. Where the groups are known
without the engine, as the number of rows of which nothing else is asked, or come out of another statement
(:mod:`btql.execution.coded`), what is left is a statement over a table in memory, most often of few rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from btql.execution.in_memory import COUNTED_TIMES, InMemory, WithoutEngine, over_rows
from btql_planner import sql_text
from btql_planner.engine_plan import EnginePlan, ScanSpec
from btql_planner.select import Select
from btql_storage.later import is_here as numpy_is_here

if TYPE_CHECKING:
    from btql.execution.coded import Coded

COUNT = "count(1)"


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
    few: WithoutEngine | None = None
    """What is done with rows in memory, where they need no engine: those that are counted, where nothing but their
    number is asked, or counts of the different texts that they have."""

    @property
    def above(self) -> str:
        """The statement over the table of the groups."""
        whole, inside = self.statement.render(), f"({self.groups.render()})"
        assert whole.count(inside) == 1, "a statement reads its groups once"
        return whole.replace(inside, sql_text.name(self.table))

    def coded(self) -> Coded | None:
        """Return what can do with numbers for texts, where that is so; none are kept in a process without NumPy."""
        if not numpy_is_here():
            return None
        from btql.execution.coded import coded

        return coded(self)

    def counted(self, rows: int) -> pa.Table:
        """Return the group of so many rows, of a grouping that asks for nothing but their number."""
        return pa.table({name: pa.array([rows], pa.int64()) for name in self.groups.outputs})

    @property
    def counts(self) -> bool:
        """Whether nothing but the number of rows is asked."""
        asked = self.groups
        is_cut = asked.group or asked.limit is not None or asked.offset
        return not is_cut and {*asked.outputs.values()} == {COUNT}


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
    if groups is plan.select or groups.group is None or groups.source_name != scan.name:
        return None
    statements = [*(stage.select for stage in plan.stages), plan.select]
    if sum(each.render().count(sql_text.name(scan.name)) for each in statements) != 1:
        return None
    above = over_rows(plan.select) if plan.select.source is groups else None
    found = Grouping(scan, plan.select, groups, above)
    if not numpy_is_here():
        return found
    if not found.counts:
        from btql.execution.distinct import distinct_counts

        return replace(found, few=distinct_counts(groups))
    rows = over_rows(Select(groups.source, groups.source_sql, scan.name, {"_row": sql_text.name("_row")}, groups.where))
    return replace(found, few=None if rows is None else replace(rows, times=COUNTED_TIMES))
