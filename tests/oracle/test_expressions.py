"""The meaning of operators and functions, in examples that can be checked by reading."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from btql_conformance.operators import match
from oracle import expressions as x


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1.0, True),
        (1, "1", True),
        ("1", "1.0", False),
        (1, True, False),
        ("true", True, False),
        (10, "abc", False),
        (None, 1, None),
        (None, None, None),
        ([1, {"a": 2}], [1, {"a": 2}], True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (2**53 + 1, 2**53, False),
        (datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01", True),
    ],
)
def test_equality(left, right, expected):
    assert x.eq(left, right) is expected
    assert x.eq(right, left) is expected
    assert x.ne(left, right) is x.not_(expected)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 2, True),
        (2**63, 2**63 + 1, True),
        ("a", "b", True),
        ("Z", "a", True),
        ("10", 9, False),
        ("abc", 9, None),
        (True, False, None),
        (True, 2, None),
        ([1], [2], None),
        (None, 1, None),
        (datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01T00:00:00+01:00", False),
    ],
)
def test_order(left, right, expected):
    assert x.lt(left, right) is expected


def test_logic_with_nulls():
    assert x.and_(True, None) is None
    assert x.and_(False, None) is False
    assert x.or_(True, None) is True
    assert x.or_(False, None) is None
    assert x.not_(None) is None
    assert x.and_(True, "text") is None


def test_arithmetic():
    assert x.div(7, 2) == 3.5
    assert x.div(7, 0) is None
    assert x.add(1, "2") is None
    assert x.add(True, 1) is None
    assert x.mod(-7, 3) == -1
    assert x.round_(4.125, 2) == 4.13
    assert x.round_(-2.5, 0) == -3


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        ("abc", "a%", True),
        ("abc", "a_c", True),
        ("abc", "b", False),
        ("50% off", r"50\% off", True),
        ("50 x off", r"50\% off", False),
        ("a\nb", "a%b", True),
        ("a.c", "a.c", True),
        ("abc", "a.c", False),
        (None, "%", None),
        (5, "%", None),
        ([{"content": "over the rainbow"}], "%the rain%", True),
    ],
)
def test_like(value, pattern, expected):
    assert x.like(value, pattern) is expected


@pytest.mark.parametrize(
    ("value", "query", "expected"),
    [
        ("Somewhere over the rainbow", "OVER the", True),
        ("over rainbow the", "over the", False),
        (["over", "the"], "over the", False),
        ({"role": "user"}, "role", True),
        ("value-added", "value", True),
        ("snake_case", "case", True),
        ("apple", "app", False),
        ("今天彩虹之上", "彩虹", True),
        ("فوق قوس قزح", "قوس قزح", True),
        ("anything", "?!", False),
        (None, "a", None),
        ([1.5, True], "true", True),
    ],
)
def test_match(value, query, expected):
    assert match(value, query) is expected


def test_time():
    moment = datetime(2026, 11, 5, 13, 47, 56, 789000, tzinfo=UTC)

    assert x.date_trunc("hour", moment) == datetime(2026, 11, 5, 13, tzinfo=UTC)
    assert x.date_trunc("week", moment) == datetime(2026, 11, 2, tzinfo=UTC)
    assert x.date_trunc("month", moment) == datetime(2026, 11, 1, tzinfo=UTC)
    assert x.date_trunc("minute", moment, 15) == datetime(2026, 11, 5, 13, 45, tzinfo=UTC)
    assert x.date_trunc("day", None) is None


def test_aggregates():
    values = [3, None, 1, 2.5]

    assert x.count(values) == 3
    assert x.sum_(values) == 6.5
    assert x.avg(values) == pytest.approx(6.5 / 3)
    assert (x.min_(values), x.max_(values)) == (1, 3)
    assert x.percentile(values, 0.5) == 2.5
    assert x.percentile(values, 0.75) == 2.75
    assert x.count_distinct([1, 1.0, "1", True, None]) == 3
    assert x.count_if([True, None, False, True]) == 2
    assert x.sum_([True, False, True]) == 2
    assert (x.sum_([]), x.avg([]), x.percentile([], 0.5), x.min_([])) == (None, None, None, None)


def test_paths():
    document = {"a": [{"b": 1}, {"b": 2}], "": {"": 3}}

    assert x.get(document, "a", 0, "b") == 1
    assert x.get(document, "a", -1, "b") == 2
    assert x.get(document, "a", 2, "b") is None
    assert x.get(document, "a", "b") is None
    assert x.get(document, "", "") == 3
