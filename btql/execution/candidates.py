"""Candidates: the rows of a part, or of a chunk of the tail, that may pass a scan, by its keys and its text index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from btql_planner.engine_plan import ProbeSpec, ScanSpec
from btql_planner.plan import Keys
from btql_storage.keys import KeyKind
from btql_storage.later import np
from btql_storage.part.reader import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql.execution.report import LeftOut, ScanReport
    from btql.execution.sources import Sources
    from btql_storage.tail_chunk import TailChunk

Rows: TypeAlias = "NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Candidates:
    """Looks up what a statement's scans ask for, and reports what it finds."""

    sources: Sources
    report: ScanReport

    def rows(self, spec: ScanSpec, source: Part | TailChunk) -> Rows | None:
        """Return the rows of a part that may pass, None for all of them."""
        rows: Rows | None = None
        for keys in self.keys(spec):
            self.report.files.opened("keys", source)
            rows = _both(rows, _lookup(source, keys))
            if len(rows) == 0:
                self._leave_out("key", source)
                return rows
        for probe in spec.probes:
            if probe.required:
                rows = _both(rows, self.match(source, probe))
                if len(rows) == 0:
                    self._leave_out("text", source)
                    return rows
        return rows

    def restrict(self, spec: ScanSpec) -> bool:
        """Return whether a scan reads only rows that keys or required probes name."""
        return bool(self.keys(spec)) or any(probe.required for probe in spec.probes)

    def keys(self, spec: ScanSpec) -> Sequence[Keys]:
        """Return the keys that the statement asks for, and those of who asks."""
        return [*spec.keys, *self.sources.keys(spec.objects)]

    def match(self, source: Part | TailChunk, probe: ProbeSpec) -> Rows:
        """Return the rows with the phrase of a probe."""
        rows = source.match(probe.field, probe.tokens)
        phrase = f"{probe.field} MATCH '{' '.join(probe.tokens)}'"
        self.report.files.opened("text", source)
        self.report.hit(phrase, len(rows))
        return rows

    def _leave_out(self, means: LeftOut, source: Part | TailChunk) -> None:
        if isinstance(source, Part):
            self.report.leave_out(means)


def _both(rows: Rows | None, others: Rows) -> Rows:
    return others if rows is None else np.intersect1d(rows, others, assume_unique=True)


def _lookup(source: Part | TailChunk, keys: Keys) -> Rows:
    return np.unique(source.lookup(cast("KeyKind", keys.column), keys.values))
