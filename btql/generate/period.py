"""The period in which all traces happen: seven days from 1 November 2026.

There is more traffic by day than by night and less at the weekend, and on the fourth
day something breaks for two hours: an error rate by hour shows it.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate

HOUR_MS = 3_600_000
START_MS = round(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)

_INCIDENT_HOURS = range(3 * 24 + 14, 3 * 24 + 16)
_HOUR_WEIGHTS = (2, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 11, 9, 10, 11, 11, 10, 9, 7, 6, 5, 4, 3, 2)
_DAY_WEIGHTS = (4, 10, 11, 12, 11, 9, 4)  # Sunday to Saturday.
_TOTALS = tuple(accumulate(day * hour for day in _DAY_WEIGHTS for hour in _HOUR_WEIGHTS))


def moment_ms(share: float) -> int:
    """Return the time at which the given share of the traffic, from 0 to 1, has passed."""
    target = share * _TOTALS[-1]
    hour = min(bisect_right(_TOTALS, target), len(_TOTALS) - 1)
    before = _TOTALS[hour - 1] if hour else 0
    return START_MS + hour * HOUR_MS + int((target - before) / (_TOTALS[hour] - before) * HOUR_MS)


def error_factor(time_ms: int) -> int:
    """Return how many times more often than usual spans fail at that time."""
    return 12 if (time_ms - START_MS) // HOUR_MS in _INCIDENT_HOURS else 1


def iso(time_ms: int) -> bytes:
    """Return the time as text: ``2026-11-01T00:00:00.000Z``."""
    minute, rest = divmod(time_ms, 60_000)
    return _minute(minute) + _SECONDS[rest]


def seconds(time_ms: int) -> bytes:
    """Return a time in unix seconds, or a length of time in seconds: ``1793491200.000``."""
    whole, rest = divmod(time_ms, 1000)
    return b"%d.%b" % (whole, _THOUSANDTHS[rest])


_SECONDS = tuple(b"%02d.%03dZ" % divmod(rest, 1000) for rest in range(60_000))
_THOUSANDTHS = tuple(b"%03d" % rest for rest in range(1000))


@lru_cache(4096)
def _minute(minute: int) -> bytes:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:").encode()
