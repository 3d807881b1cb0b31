"""The pivot of rows, on Arrow tables alone."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from btql.execution.pivot import pivot
from btql.values import python_values
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner.engine_plan import OutputColumn
from btql_planner.finish import Pivot
from btql_planner.types import Kind

KEY = OutputColumn("day", {Kind.TEXT: "d"})
VALUE = OutputColumn("model", {Kind.TEXT: "mt", Kind.INTEGER: "mi"})
CALLS = OutputColumn("calls", {Kind.INTEGER: "n"})
COST = OutputColumn("cost", {Kind.FLOAT: "c"})


def pivoted(rows: Sequence[tuple[object, ...]], *, keys: int = 1, limit: int | None = None, offset: int = 0):
    table = pa.table(
        {
            "d": pa.array([row[0] for row in rows], pa.string()),
            "mt": pa.array([row[1] if isinstance(row[1], str) else None for row in rows], pa.string()),
            "mi": pa.array([row[1] if isinstance(row[1], int) else None for row in rows], pa.int64()),
            "n": pa.array([row[2] for row in rows], pa.int64()),
            "c": pa.array([row[3] for row in rows], pa.float64()),
        }
    )
    outputs = [KEY, VALUE, CALLS, COST] if keys else [VALUE, CALLS, COST]
    finished, batch = pivot(Pivot(keys, limit, offset, Span(0, 1)), outputs, table)
    columns = {output.name: python_values(output, batch) for output in finished}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_a_row_for_each_key_and_a_column_for_each_value_and_measure() -> None:
    rows = [("tue", "b", 1, 0.5), ("mon", "a", 2, 1.5), ("tue", "a", 3, None)]

    assert pivoted(rows) == [
        {"day": "tue", "a_calls": 3, "a_cost": None, "b_calls": 1, "b_cost": 0.5},
        {"day": "mon", "a_calls": 2, "a_cost": 1.5, "b_calls": None, "b_cost": None},
    ]
    assert list(pivoted(rows)[0]) == ["day", "a_calls", "a_cost", "b_calls", "b_cost"]


def test_without_keys_there_is_one_row() -> None:
    assert pivoted([(None, "b", 1, 0.5), (None, None, 2, 1.5)], keys=0) == [
        {"b_calls": 1, "b_cost": 0.5, "null_calls": 2, "null_cost": 1.5}
    ]
    assert pivoted([], keys=0) == []


def test_a_number_and_its_digits_stay_apart() -> None:
    (row,) = pivoted([("x", "1", 10, None), ("x", 1, 20, None), ("x", "2", 30, None)])

    assert {name: value for name, value in row.items() if value is not None} == {
        "day": "x",
        "1_calls": 20,
        '"1"_calls': 10,
        "2_calls": 30,
    }


def test_limit_and_offset_count_the_rows_that_come_out() -> None:
    rows = [(day, model, 1, None) for day in "abcd" for model in "xy"]

    assert [row["day"] for row in pivoted(rows, limit=2, offset=1)] == ["b", "c"]


def test_too_many_columns_and_equal_names_are_errors() -> None:
    with pytest.raises(BtqlError, match="1,002 columns") as caught:
        pivoted([("x", number, 1, None) for number in range(501)])
    assert caught.value.code == "B0415"

    table = pa.table({"t": ["a", "a_b"], "n": [1, 2], "m": [3, 4]})
    outputs = [
        OutputColumn("v", {Kind.TEXT: "t"}),
        OutputColumn("b_c", {Kind.INTEGER: "n"}),
        OutputColumn("c", {Kind.INTEGER: "m"}),
    ]
    with pytest.raises(BtqlError, match="`a_b_c`"):
        pivot(Pivot(0, None, 0, Span(0, 1)), outputs, table)
