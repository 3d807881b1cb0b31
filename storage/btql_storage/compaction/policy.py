"""Which parts to write anew: log-structured, bounded write amplification.

0. A part that has had rows for long which were deleted is rewritten, so that their bytes go within the time that
   was promised.
1. A part in which more than 30 % of the rows are superseded is rewritten, the
   worst first: readers would carry the dead rows along.
2. Parts of one segment and of similar size, within the same power of eight
   rows, are merged once there are eight of them, the oldest first, as long as
   the outcome is at most as large as a part may be. Each merge lifts its rows
   at least one power, so a row is written about four times in its life.
   Four are enough where all of them have little to write: late events leave a
   small part in each old segment, which every question of all rows has to open.

Pure: it sees sizes and returns ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from btql_storage.catalog import PartSize

SUPERSEDED_PERCENT_MAX = 30
MERGE_PARTS_MIN = 8
MERGE_LITTLE_MIN = 4
LITTLE_BYTES_MAX = 4 << 20
"""Up to this much JSON is merged early: it is written anew in less than half a second of a core."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a part may become."""

    rows_max: int
    json_bytes_max: int
    purge_before: int = 0
    """Deletes up to this time, in Unix seconds, are purged now."""


def choose_parts(parts: Sequence[PartSize], limits: Limits) -> tuple[int, ...]:
    """Return the parts to write anew as one, oldest first; nothing where all is well."""
    overdue = min(parts, key=_purge_since, default=None)
    if overdue is not None and _purge_since(overdue) <= limits.purge_before:
        return (overdue.id,)
    worst = max(parts, key=_superseded, default=None)
    if worst is not None and _superseded(worst) > SUPERSEDED_PERCENT_MAX:
        return (worst.id,)
    tiers: defaultdict[tuple[int, int], list[PartSize]] = defaultdict(list)
    for part in parts:
        tiers[part.segment_id, _power_of_eight(part.rows_current)].append(part)
    for key in sorted(tiers):
        chosen = _fitting(tiers[key], limits)
        little = sum(part.json_bytes_current for part in chosen) <= LITTLE_BYTES_MAX
        if len(chosen) >= (MERGE_LITTLE_MIN if little else MERGE_PARTS_MIN):
            return tuple(part.id for part in chosen)
    return ()


def _purge_since(part: PartSize) -> float:
    return inf if part.purge_since is None else part.purge_since


def _superseded(part: PartSize) -> float:
    """Return how many of a hundred rows are superseded."""
    return (part.rows - part.rows_current) * 100 / max(part.rows, 1)


def _power_of_eight(rows: int) -> int:
    return max(rows.bit_length() - 1, 0) // 3


def _fitting(parts: Sequence[PartSize], limits: Limits) -> list[PartSize]:
    """Return the oldest parts that together do not exceed the limits."""
    chosen: list[PartSize] = []
    rows = json_bytes = 0
    for part in sorted(parts, key=lambda one: one.id):
        rows += part.rows_current
        json_bytes += part.json_bytes_current
        if rows > limits.rows_max or json_bytes > limits.json_bytes_max:
            break
        chosen.append(part)
    return chosen
