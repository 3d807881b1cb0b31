"""Amounts as people write them: how long, how much."""

from __future__ import annotations

import re

from btql.cli.console import UsageFailure

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONG = re.compile(r"(\d{1,6})([smhdw])")


def duration(text: str) -> int:
    """Return how many seconds ``30d``, ``12h`` or ``8w`` are."""
    found = _LONG.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise UsageFailure(f"`{text}` is no length of time: write 30d, 12h or 8w")
    return int(found[1]) * _UNITS_S[found[2]]


def count(text: str) -> int:
    """Return the number ``1_000_000`` or ``1,000,000``."""
    digits = text.strip().replace("_", "").replace(",", "")
    if not digits.isdecimal() or not int(digits):
        raise UsageFailure(f"`{text}` is no number over 0: write 1000000 or 1_000_000")
    return int(digits)


def size(text: str) -> int:
    """Return how many bytes ``500MB`` or ``10 GiB`` are."""
    from btql_storage.limits import size_of

    found = size_of(text)
    if not found:
        raise UsageFailure(f"`{text}` is no size: write 500MB, 10GB or 10GiB")
    return found
