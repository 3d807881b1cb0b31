"""What a check found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong."""

    DAMAGED = "damaged"
    """A file is not what was written."""
    MISSING = "missing"
    """A file that is needed is not there."""
    CATALOG = "catalog"
    """The catalog contradicts itself or the files."""
    QUARANTINED = "quarantined"
    """A part was found damaged before, and is not read."""
    ORPHAN = "orphan"
    """A file that nobody needs; compaction removes it, or it was put there by hand."""
    NO_CHECKSUM = "no checksum"
    """A file of before there were checksums."""


_HARMLESS = frozenset({Kind.ORPHAN, Kind.NO_CHECKSUM})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    kind: Kind
    subject: str
    """The file, relative to the database, or what of the catalog."""
    message: str
    object: str | None = None
    """The object it belongs to, where one is known."""
    part: int | None = None
    xact_id: int | None = None

    @property
    def is_serious(self) -> bool:
        """Whether queries may fail or be wrong because of it."""
        return self.kind not in _HARMLESS

    def __str__(self) -> str:
        """Return it as one line."""
        owner = f" (of `{self.object}`)" if self.object else ""
        return f"{self.kind}: `{self.subject}`{owner}: {self.message}"


@dataclass(slots=True)
class Report:
    """All that a check found, and what it looked at."""

    findings: list[Finding] = field(default_factory=list[Finding])
    looked_at: Counter[str] = field(default_factory=Counter[str])
    """How many objects, parts, rows, files and bytes were looked at."""

    @property
    def serious(self) -> Sequence[Finding]:
        """The findings that matter."""
        return [one for one in self.findings if one.is_serious]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found that matters."""
        return not self.serious
