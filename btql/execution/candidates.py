"""Candidates: the rows of a part, or of a chunk of the tail, that may pass a scan, by its keys and its text index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, cast

from btql_planner.engine_plan import ProbeSpec, ScanSpec
from btql_planner.plan_scan import Keys
from btql_storage.keys import KeyKind, fingerprints
from btql_storage.later import np
from btql_storage.part.reader import Part
from btql_storage.text.probe import AllOf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql.execution.report import LeftOut, ScanReport
    from btql.execution.sources import Sources
    from btql_storage.keys import Fingerprints
    from btql_storage.tail_chunk import TailChunk

Rows: TypeAlias = "NDArray[np.int64]"
GAIN_MIN = 2
"""Where fewer hits than this would be too many to look up, all rows are checked in the time that an index takes."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Looks up what a statement's scans ask for, and reports what it finds."""

    sources: Sources
    report: ScanReport
    _sought: dict[Keys, Fingerprints] = field(default_factory=dict[Keys, "Fingerprints"])
    """The ids that were asked for, as every part has them."""

    def rows(self, spec: ScanSpec, source: Part | TailChunk) -> Rows | None:
        """Return the rows of a part that may pass, None for all of them."""
        rows: Rows | None = None
        for keys in self.keys(spec):
            self.report.files.opened("keys", source)
            rows = _both(rows, self._lookup(source, keys))
            if len(rows) == 0:
                self._leave_out("key", source)
                return rows
        count = source.stats.rows if rows is None else len(rows)
        probes = [probe for probe in spec.probes if probe.required and _pays(probe, count)]
        found = self.find(source, _all(probes)) if probes else None
        if found is not None:
            rows = _both(rows, found)
            if len(rows) == 0:
                self._leave_out("text", source)
        return rows

    def keys(self, spec: ScanSpec) -> Sequence[Keys]:
        """Return the keys that the statement asks for, and those of who asks."""
        return [*spec.keys, *self.sources.keys(spec.objects)]

    def match(self, source: Part | TailChunk, probe: ProbeSpec) -> Rows:
        """Return the rows that a probe holds for."""
        rows = self.find(source, replace(probe, share_max=None))
        assert rows is not None, "only what is checked once more may be left undecided"
        return np.asarray(rows)

    def find(self, source: Part | TailChunk, probe: ProbeSpec) -> Rows | None:
        """Return the rows that a probe holds for, None where it does not pay to look them up."""
        rows_max = None
        if probe.share_max is not None:
            rows_max = int(source.stats.rows * probe.share_max)
        self._opened(source)
        # Where hits may be too many, what is left is checked row by row.
        loosely = probe.share_max is not None
        found = source.texts.find(probe.asked, rows_max, loosely=loosely, check=self.sources.check)
        rows = None if found.rows is None else len(found.rows)
        self.report.hit(str(probe.asked), rows, found.rows_max)
        return found.rows

    def count(self, part: Part, spec: ScanSpec) -> int:
        """Return how many rows of a part all probes hold for, current or not; each of them decides."""
        probe = _all([probe for probe in spec.probes if probe.required])
        self._opened(part)
        count = part.texts.count(probe.asked, self.sources.check)
        assert count is not None, "only what is checked once more may be left undecided"
        self.report.hit(str(probe.asked), count, count)
        return count

    def _opened(self, source: Part | TailChunk) -> None:
        indexed = not isinstance(source, Part) or source.has_text_index
        self.report.files.opened("text" if indexed else "rows", source)

    def _lookup(self, source: Part | TailChunk, keys: Keys) -> Rows:
        sought = self._sought.get(keys)
        if sought is None:
            sought = self._sought[keys] = fingerprints(keys.values)
        return source.lookup(cast("KeyKind", keys.column), sought)

    def _leave_out(self, means: LeftOut, source: Part | TailChunk) -> None:
        if isinstance(source, Part):
            self.report.leave_out(means)


def _all(probes: Sequence[ProbeSpec]) -> ProbeSpec:
    """Return probes as one: the index finds what they have in common faster than rows that only one has."""
    if len(probes) == 1:
        return probes[0]
    shares = [probe.share_max for probe in probes if probe.share_max is not None]
    share_max = max(shares) if len(shares) == len(probes) else None
    return replace(probes[0], asked=AllOf(tuple(probe.asked for probe in probes)), share_max=share_max)


def _pays(probe: ProbeSpec, rows: int) -> bool:
    """Whether a probe has anything to gain on so many rows."""
    return probe.share_max is None or rows * probe.share_max >= GAIN_MIN


def _both(rows: Rows | None, others: Rows) -> Rows:
    return others if rows is None else np.intersect1d(rows, others, assume_unique=True)
