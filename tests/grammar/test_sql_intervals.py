"""Texts of intervals, as Postgres reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from btql_grammar.intervals import interval_parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("7 days", [(7, "day")]),
        (" 1 Day  2 HOURS ", [(1, "day"), (2, "hour")]),
        ("1mon", [(1, "month")]),
        ("90 min", [(90, "minute")]),
        ("250 ms 10 us", [(250, "millisecond"), (10, "microsecond")]),
        ("-1 day +2 hours", [(-1, "day"), (2, "hour")]),
        ("3 weeks ago", [(-3, "week")]),
        ("1.5 hours", [(90, "minute")]),
        ("0.25 s", [(250, "millisecond")]),
        ("1.5 years", [(18, "month")]),
        ("2 quarters", [(6, "month")]),
        ("1 century", [(100, "year")]),
        ("1 day 02:30", [(1, "day"), (2, "hour"), (30, "minute")]),
        ("-02:30:15.5", [(-2, "hour"), (-30, "minute"), (-15500, "millisecond")]),
        ("P1Y2M3DT4H5M6S", [(1, "year"), (2, "month"), (3, "day"), (4, "hour"), (5, "minute"), (6, "second")]),
        ("PT0.5S", [(500, "millisecond")]),
        ("1 day 0 hours", [(1, "day")]),
        ("0 days", [(0, "day")]),
    ],
)
def test_parts(text: str, parts: list[tuple[int, str]]) -> None:
    assert interval_parts(text) == parts


@pytest.mark.parametrize(
    "text", ["", "soon", "7", "days", "1.5 months", "0.1 us", "P", "1 day soon", "1..5 days", "9" * 300]
)
def test_other_texts(text: str) -> None:
    assert interval_parts(text) is None


@given(st.text("0123456789.-+: PTYMDHSdayhour", max_size=12))
def test_any_text(text: str) -> None:
    parts = interval_parts(text)
    assert parts is None or all(isinstance(value, int) for value, _ in parts)
