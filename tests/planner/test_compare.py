"""Comparisons between values of every pair of kinds, against a table in plain Python.

The values come from one column for each kind, as a path with mixed values has
them, so the terms that ``compare.py`` makes are what is tested.
"""

from __future__ import annotations

from itertools import product

import orjson
import pyarrow as pa
import pytest
from datafusion import SessionContext

from btql_planner import compare, value
from btql_planner.types import Kind
from btql_planner.value import Value

SAMPLES: list[object] = [
    None,
    True,
    False,
    0,
    1,
    2,
    10,
    0.5,
    1e300,
    "",
    "1",
    "0.5",
    "10",
    "abc",
    "ABC",
    "é",
    [1],
    {"a": 1},
]
COLUMNS = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.string(),
}


def kind_of(sample: object) -> Kind | None:
    by_type: dict[type, Kind] = {bool: Kind.BOOLEAN, int: Kind.INTEGER, float: Kind.FLOAT, str: Kind.TEXT}
    return None if sample is None else by_type.get(type(sample), Kind.JSON)


def table(side: str, samples: list[object]) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {}
    for kind, arrow_type in COLUMNS.items():
        cells = [
            (orjson.dumps(each).decode() if kind is Kind.JSON else each) if kind_of(each) is kind else None
            for each in samples
        ]
        columns[f"{side}{kind}"] = pa.array(cells, arrow_type)
    return columns


def value_of(side: str) -> Value:
    return Value({kind: f'"{side}{kind}"' for kind in COLUMNS})


PAIRS = list(product(SAMPLES, SAMPLES))


@pytest.fixture(scope="module")
def context() -> SessionContext:
    context = SessionContext()
    columns = table("l", [left for left, _ in PAIRS]) | table("r", [right for _, right in PAIRS])
    context.register_record_batches("pairs", [[pa.record_batch(columns)]])
    return context


def evaluate(context: SessionContext, sql: str) -> list[object]:
    return context.sql(f"SELECT {sql} AS answer FROM pairs").to_arrow_table().column("answer").to_pylist()


def number(sample: object) -> float | None:
    """What a value is beside a number: a number itself, or a text that spells one."""
    if isinstance(sample, bool):
        return None
    if isinstance(sample, int | float):
        return sample
    try:
        return float(sample) if isinstance(sample, str) else None
    except ValueError:
        return None


def both(left: object, right: object) -> tuple[object, object] | None:
    """The two as values of one kind, None where they have no kind in common."""
    if kind_of(left) == kind_of(right):
        return left, right
    plain = {Kind.INTEGER, Kind.FLOAT}
    if plain & {kind_of(left), kind_of(right)} and None not in (one := (number(left), number(right))):
        return one
    return None


def expected_equal(left: object, right: object) -> bool | None:
    if left is None or right is None:
        return None
    pair = both(left, right)
    return pair is not None and pair[0] == pair[1]


def expected_less(left: object, right: object) -> bool | None:
    pair = both(left, right)
    if left is None or right is None or pair is None or isinstance(left, list | dict):
        return None
    return pair[0] < pair[1]  # type: ignore[operator]


def test_equal(context: SessionContext) -> None:
    answers = evaluate(context, compare.equal(value_of("l"), value_of("r"), exact=True))

    assert answers == [expected_equal(*pair) for pair in PAIRS]


def test_not_equal(context: SessionContext) -> None:
    answers = evaluate(context, compare.not_equal(value_of("l"), value_of("r"), exact=True))

    assert answers == [None if (equal := expected_equal(*pair)) is None else not equal for pair in PAIRS]


def test_less(context: SessionContext) -> None:
    answers = evaluate(context, compare.ordered("<", value_of("l"), value_of("r"), exact=True))

    assert answers == [expected_less(*pair) for pair in PAIRS]


def test_same_is_never_null(context: SessionContext) -> None:
    answers = evaluate(context, compare.same(value_of("l"), value_of("r")))

    assert answers == [(left is None and right is None) or bool(expected_equal(left, right)) for left, right in PAIRS]


@pytest.mark.parametrize("name", ["equal", "not_equal"])
def test_inexact_keeps_the_same_rows(context: SessionContext, name: str) -> None:
    function = getattr(compare, name)
    exact = evaluate(context, function(value_of("l"), value_of("r"), exact=True))
    loose = evaluate(context, function(value_of("l"), value_of("r"), exact=False))

    assert [bool(answer) for answer in loose] == [bool(answer) for answer in exact]


def test_key_tells_all_values_apart(context: SessionContext) -> None:
    keys = evaluate(context, value.key(value_of("l")))

    by_sample = {repr(left): key for (left, _), key in zip(PAIRS, keys, strict=True)}
    assert len(set(by_sample.values())) == len(SAMPLES)
