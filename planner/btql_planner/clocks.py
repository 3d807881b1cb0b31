"""What clocks in time zones show, in Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from btql_planner.expressions import Constant

_START = datetime(1970, 1, 1, tzinfo=UTC)
_OF_SYSTEM = re.compile(r"(?:Factory|localtime|posixrules)$|(?:posix|right)/")
"""Names of files beside the time zones of a system, which the engine does not have."""


def is_zone(name: str) -> bool:
    """Whether there is a time zone of a name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return _OF_SYSTEM.match(name) is None


def from_timezone(shown: int, zone: str) -> datetime | None:
    """Return the instant at which a clock shows what one in UTC shows at ``shown``, in microseconds since 1970.

    None where either is of no year from 1 to 9999.
    """
    try:
        return _from_timezone(_START + timedelta(microseconds=shown), zone)
    except OverflowError:
        return None


def known_instant(arguments: Sequence[Constant]) -> datetime | None:
    """Return the same of constants; None where the zone is none, which is said where the call is lowered."""
    zone, shown = arguments
    if not isinstance(zone.value, str) or not isinstance(shown.value, datetime) or not is_zone(zone.value):
        return None
    return _from_timezone(shown.value, zone.value)


def _from_timezone(shown: datetime, zone: str) -> datetime:
    from zoneinfo import ZoneInfo

    there = shown.replace(tzinfo=ZoneInfo(zone))
    # The two differ where the clock is set, and shows an hour twice or leaves one out. Postgres takes the later.
    return max(there.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
