"""Times as datetimes: both ways against Python's own arithmetic, whatever the number."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from btql import instants

_LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = (_LATEST - _EPOCH) // timedelta(microseconds=1)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
_NUMBERS = st.lists(st.none() | st.integers(_FIRST - 1, _LAST + 1) | _INT64, max_size=20)


def _expected(numbers: list[int | None]) -> list[datetime | None]:
    return [
        None if number is None or not _FIRST <= number <= _LAST else _EPOCH + timedelta(microseconds=number)
        for number in numbers
    ]


@pytest.mark.parametrize("has_numpy", [True, False])
@given(numbers=_NUMBERS, start=st.integers(0, 5))
def test_any_number(has_numpy: bool, numbers: list[int | None], start: int) -> None:
    column = pa.array(numbers, instants.INSTANT).slice(start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instants, "is_here", lambda: has_numpy)
        found = instants.datetimes(column)
    assert found == _expected(numbers[start:])
    assert all(each is None or each.tzinfo is UTC for each in found)


@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_other_units_and_zones(unit: str) -> None:
    moments = [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), None]
    columns = (pa.array(moments, pa.timestamp(unit, tz=zone)) for zone in (None, "UTC", "Asia/Tokyo"))
    assert list(chain.from_iterable(map(instants.datetimes, columns))) == moments * 3
