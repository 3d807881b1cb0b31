"""Pivot: rows to columns, once all rows are there.

The rows come with their keys, one value to spread and the measures. Rows with
equal keys become one row; for each value there is a column for each measure,
called ``<value>_<measure>``. Values stand in their order of sorting, rows in the
order in which their keys came first; a combination that no row has is null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import pyarrow as pa

from btql.execution.stop import go_on
from btql.values import json_of, natural, python_values
from btql_grammar.diagnostic import BtqlError
from btql_planner import errors
from btql_planner.engine_plan import OutputColumn
from btql_planner.finish import PIVOT_COLUMNS_MAX, Pivot
from btql_storage import json_text
from btql_storage.arrow import one_array


def pivot(
    spec: Pivot, outputs: Sequence[OutputColumn], table: pa.Table | None, check: Callable[[], None] = go_on
) -> tuple[list[OutputColumn], pa.RecordBatch]:
    """Return the columns of the pivoted answer, and all of its rows; there is no table where there are no rows.

    ``check`` raises where the query may not go on.
    """
    keys, spread, measures = outputs[: spec.keys], outputs[spec.keys], outputs[spec.keys + 1 :]
    if table is None:
        return [OutputColumn(key.name, {}) for key in keys], pa.RecordBatch.from_arrays([pa.nulls(0)], ["_none"])
    batch = _one_batch(table, outputs)
    rows = _Numbering(batch, keys, check)
    values = _Numbering(batch, [spread], check)
    shown = python_values(spread, batch.take(pa.array(values.firsts, pa.int64())))
    _check_width(spec, len(shown) * len(measures))
    cells: list[list[int | None]] = [[None] * len(rows.firsts) for _ in shown]
    for number, (row, value) in enumerate(zip(rows.of, values.of, strict=True)):
        cells[value][row] = number
    kept = slice(spec.offset, None if spec.limit is None else spec.offset + spec.limit)
    finished = _Columns(batch)
    for key in keys:
        finished.add(key.name, key, rows.firsts[kept])
    names = _names(shown)
    for value in sorted(range(len(shown)), key=lambda each: _order(shown[each])):
        for measure in measures:
            finished.add(f"{names[value]}_{measure.name}", measure, cells[value][kept])
    _check_names(spec, [output.name for output in finished.outputs])
    count = len(rows.firsts[kept])
    return finished.outputs, pa.RecordBatch.from_arrays(
        list(finished.arrays.values()) or [pa.nulls(count)], list(finished.arrays) or ["_none"]
    )


class _Numbering:
    """Gives equal combinations of columns the same number, in the order in which they come."""

    def __init__(self, batch: pa.RecordBatch, columns: Sequence[OutputColumn], check: Callable[[], None]) -> None:
        parts = [batch.column(name).to_pylist() for column in columns for name in column.parts.values()]
        numbers: dict[tuple[object, ...], int] = {}
        self.of: list[int] = []
        self.firsts: list[int] = []
        """The first row of each number."""
        for row in range(batch.num_rows):
            check()
            key = tuple(tuple(part[row]) if isinstance(part[row], list) else part[row] for part in parts)
            number = numbers.setdefault(key, len(numbers))
            if number == len(self.firsts):
                self.firsts.append(row)
            self.of.append(number)


class _Columns:
    """The columns of the answer so far."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self.outputs: list[OutputColumn] = []
        self.arrays: dict[str, pa.Array] = {}

    def add(self, name: str, column: OutputColumn, rows: Sequence[int | None]) -> None:
        """Add a column with the values that ``column`` has in these rows, null for None."""
        index = pa.array(rows, pa.int64())
        parts = {kind: f"c{len(self.outputs)}#{kind}" for kind in column.parts}
        for kind, new in parts.items():
            self.arrays[new] = self._batch.column(column.parts[kind]).take(index)
        self.outputs.append(OutputColumn(name, parts, column.wide))


def _one_batch(table: pa.Table, outputs: Sequence[OutputColumn]) -> pa.RecordBatch:
    """Return the rows in the Arrow types that values have outside: Arrow takes no rows out of some of the engine's."""
    whole = table.combine_chunks()
    batch = pa.RecordBatch.from_arrays([one_array(column) for column in whole.columns], schema=whole.schema)
    parts = {name: natural(batch, kind, name) for output in outputs for kind, name in output.parts.items()}
    return pa.RecordBatch.from_arrays(list(parts.values()), list(parts))


def _check_width(spec: Pivot, columns: int) -> None:
    if columns > PIVOT_COLUMNS_MAX:
        raise BtqlError.of(
            errors.BAD_PIVOT, f"the pivot would have {columns:,} columns", spec.span, "too many values",
            help=f"at most {PIVOT_COLUMNS_MAX:,} are possible: filter the values, or leave them in rows",
        )  # fmt: skip


def _check_names(spec: Pivot, names: Sequence[str]) -> None:
    (name, times), *_ = Counter(names).most_common(1) or [("", 0)]
    if times > 1:
        raise BtqlError.of(
            errors.BAD_PIVOT, f"{times} columns of the pivot would be called `{name}`", spec.span, "this pivot",
            help="give the measures and dimensions other names with `as`",
        )  # fmt: skip


def _names(values: Sequence[object]) -> list[str]:
    """Return what to call the values; where a text looks like another value it is quoted."""
    plain = [_plain(value) for value in values]
    times = Counter(plain)
    return [
        json_of(value) if times[name] > 1 and isinstance(value, str) else name
        for value, name in zip(values, plain, strict=True)
    ]


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        # 2.0 and 2 are one number, whether it was computed or not.
        return json_text.canonical(value)
    return json_of(value).strip('"') if isinstance(value, datetime) else json_of(value)


def _order(value: object) -> tuple[int, object]:
    """Return what to sort values of any kind by: as ``sort:`` does, null last."""
    ranks: list[tuple[type | tuple[type, ...], Callable[[object], object]]] = [
        (bool, bool),
        ((int, float), lambda number: number),
        (datetime, lambda moment: moment),
        (str, lambda text: text),
        (list, json_of),
        (dict, json_of),
    ]
    for rank, (kind, sorted_by) in enumerate(ranks):
        if isinstance(value, kind):
            return rank, sorted_by(value)
    return len(ranks), ""
