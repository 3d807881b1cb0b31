"""Statements over a few rows that are in memory, done without the engine.

For the engine to plan a statement and to start it takes milliseconds on its threads, and it takes them for one row,
or for none, too. Where all rows of a scan are in memory and are few, and the statement only compares columns with
constants, sorts by columns, cuts and names columns, Arrow's own functions do the same in a fraction of that:

* a condition holds, does not hold, or is null, and only rows for which it holds stay;
* texts are ordered by their bytes, nulls are where the statement wants them;
* columns keep the types that they have.

Whatever else a statement says, the engine does it. :data:`ROWS_MAX` switches this off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, cast

import pyarrow as pa

from btql.execution.projection import Reader, reader
from btql_planner import sql_text
from btql_planner.columns import ScanColumns
from btql_planner.engine_plan import EnginePlan
from btql_planner.select import Select
from btql_storage.arrow import empty_batch
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import is_here as numpy_is_here

if TYPE_CHECKING:
    from btql_storage.arrow import Array

ROWS_MAX = 10_000
"""Of more rows than these the engine's threads make up for the start; less than 0: the engine does everything."""
COUNTED_TIMES = 10
"""Rows that are only compared and counted are few up to ten times as many: 100,000 take Arrow a millisecond."""

_Key: TypeAlias = tuple[str, str, str]
"""A column, its order, and where nulls are, in Arrow's words."""

_NEVER = "FALSE"
"""The condition of rows that the planner knows to be none."""
_EQUAL = rf"\(({sql_text.NAME}) = ({sql_text.TEXT})\)"
_ANY = re.compile(rf"\({_EQUAL}(?: OR {_EQUAL})*\)")
_EACH = re.compile(_EQUAL)
_ALONE = re.compile(sql_text.NAME)
_ORDERED = re.compile(
    rf"\(({sql_text.NAME}) (=|<|<=|>|>=) "
    rf"(?:arrow_cast\('([-0-9T:.+]+)', {re.escape(sql_text.INSTANT)}\)|({sql_text.TEXT}))\)"
)
_TIME = pa.timestamp("us", tz="UTC")
_COMPARED = {"=": "equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}


class WithoutEngine(Protocol):
    """What is done with the rows of a scan where all of them are in memory."""

    takes_codes: ClassVar[bool]
    """Whether any number of rows is welcome that have numbers for texts (:mod:`btql_storage.part.code_book`)."""

    @property
    def rows_max(self) -> int:
        """How many rows are few."""
        ...

    def fits(self, table: pa.Table) -> bool:
        """Whether this does with these rows what the engine would do."""
        ...

    def rows(self, table: pa.Table) -> pa.RecordBatch:
        """Return what the statement gives for the rows of its scan."""
        ...


@dataclass(frozen=True, slots=True)
class _Condition:
    """What must hold for a row."""

    column: str
    type: pa.DataType
    """What the column has to be for this to be right."""
    holds: Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class InMemory:
    """A statement over one scan, for the rows of that scan."""

    takes_codes: ClassVar[bool] = False
    outputs: Mapping[str, Reader]
    conditions: Sequence[_Condition]
    keys: Sequence[_Key]
    limit: int | None
    offset: int
    times: int = 1
    """So many times :data:`ROWS_MAX` are few rows."""

    @property
    def rows_max(self) -> int:
        """How many rows are few."""
        return ROWS_MAX * self.times

    def fits(self, table: pa.Table) -> bool:
        """Whether the rows are few, and Arrow compares and orders their columns as the engine does."""
        types = {each.name: each.type for each in table.schema}
        if len(table) > self.rows_max or any(types[each.column] != each.type for each in self.conditions):
            return False
        return all(_is_ordered_alike(types[name]) for name, _, _ in self.keys)

    def rows(self, table: pa.Table) -> pa.RecordBatch:
        """Return what the statement gives for the rows of its scan."""
        for condition in self.conditions:
            table = table.filter(condition.holds(table.column(condition.column)))
        if self.keys and len(table) > 1:
            table = table.take(pc.sort_indices(table, sort_keys=self.keys))
        if self.limit is not None or self.offset:
            table = table.slice(self.offset, self.limit)
        whole = table.combine_chunks().to_batches() or [empty_batch(table.schema)]
        return pa.RecordBatch.from_arrays([read(whole[0]) for read in self.outputs.values()], names=list(self.outputs))


def in_memory(plan: EnginePlan) -> dict[str, InMemory]:
    """Return the statements of a plan that need no engine where the rows of their scan are few, by that scan.

    A scan is read in one place. That it is this statement is certain where nothing else of the plan is a scan, and
    each statement reads one table. Arrow's functions come with NumPy: a process that lives for one query and does
    without (``btql.cli.start``) would import it for longer than the engine takes.
    """
    if len(plan.scans) != 1 or ROWS_MAX < 0 or not numpy_is_here():
        return {}
    (scan,) = plan.scans
    selects = [*(stage.select for stage in plan.stages), plan.select]
    tables = {scan.name, *(stage.name for stage in plan.stages)}
    if not all(each.source_name in tables for each in selects):
        return {}
    reading = [each for each in selects if each.source_name == scan.name]
    found = over_rows(reading[0]) if len(reading) == 1 and isinstance(reading[0].source, ScanColumns) else None
    return {} if found is None else {scan.name: found}


def over_rows(select: Select) -> InMemory | None:
    """Return a statement for the rows of the table that it reads; None where it says more than this can do."""
    if select.group is not None or not select.outputs:
        return None
    read = {name: reader(sql) for name, sql in select.outputs.items()}
    asked = [_condition(each) for each in select.conditions if each != _NEVER]
    outputs = {name: each for name, each in read.items() if each is not None}
    conditions = [each for each in asked if each is not None]
    keys = [_key(term) for term in select.order if sql_text.is_name(term.sql)]
    if len(outputs) < len(read) or len(conditions) < len(asked) or len(keys) < len(select.order):
        return None
    limit = 0 if _NEVER in select.conditions else select.limit
    return InMemory(outputs, conditions, keys, limit, select.offset)


def _condition(sql: str) -> _Condition | None:
    if _ALONE.fullmatch(sql) is not None:
        return _Condition(sql_text.unquoted(sql), pa.bool_(), lambda column: column)
    if (ordered := _ORDERED.fullmatch(sql)) is not None:
        name, operator, instant, text = ordered.groups()
        value = sql_text.unquoted(text) if instant is None else datetime.fromisoformat(instant)
        bound = pa.scalar(value, pa.string() if instant is None else _TIME)
        return _Condition(
            sql_text.unquoted(name), bound.type, lambda column: pc.call_function(_COMPARED[operator], [column, bound])
        )
    if _ANY.fullmatch(sql) is None:
        return None
    equal = cast("list[tuple[str, str]]", _EACH.findall(sql))
    (name, *others) = dict.fromkeys(sql_text.unquoted(quoted) for quoted, _ in equal)
    if others:
        return None
    wanted = pa.array([sql_text.unquoted(text) for _, text in equal], pa.string())
    return _Condition(name, pa.string(), lambda column: pc.is_in(column, value_set=wanted))


def _key(term: sql_text.OrderTerm) -> _Key:
    order = "descending" if term.descending else "ascending"
    return sql_text.unquoted(term.sql), order, "at_start" if term.nulls == "first" else "at_end"


def _is_ordered_alike(type_: pa.DataType) -> bool:
    """Whether Arrow orders values of a type as the engine does; of floats, some are no numbers."""
    return type_ in (pa.string(), pa.int64(), _TIME)
