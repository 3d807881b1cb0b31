"""What a process has done with a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What this process has done with a database since it was opened."""

    calls: Mapping[str, int]
    """How often each call to the system was made."""
    lookups: Mapping[tuple[str, bool], int]
    """How often something was looked up that is kept in memory, and whether it was there."""
