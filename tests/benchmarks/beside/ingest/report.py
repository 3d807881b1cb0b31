"""The page of the suite ``ingest``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.beside.ingest.compacting import Compacted
from benchmarks.beside.ingest.mixed import Asked, Load
from benchmarks.beside.ingest.writers import BATCH, Written
from benchmarks.beside.report import milliseconds, table

_WRITES = f"""The same events, {BATCH:,} a batch, each batch durable before the next one is sent, by one writer. Of
several rounds the middle one; its batches have a median and a 99th percentile."""
_COMPACTION = """All of these events, from the log into parts: merged by id, a column for every path, the text of every
field indexed. Times are the medians of the rounds."""


@dataclass(slots=True)
class IngestFigures:
    """Everything that one run found."""

    size: int
    written: dict[str, list[Written]] = field(default_factory=dict[str, list[Written]])
    """By system, one for each round."""
    absent: dict[str, str] = field(default_factory=dict[str, str])
    compacted: dict[str, list[Compacted]] = field(default_factory=dict[str, list[Compacted]])
    """By profile."""
    idle: Asked = field(default_factory=Asked)
    under_writes: Asked = field(default_factory=Asked)
    under_export: Asked = field(default_factory=Asked)
    load: Load | None = None
    exported_per_second: float = 0.0
    machine: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str = ""
    began: str = ""
    minutes: float = 0.0

    def medians(self) -> dict[str, dict[str, float]]:
        """Return the medians of all questions: idle, under writes, under an export."""
        phases = {
            "idle": self.idle,
            "while events come in": self.under_writes,
            "while all is exported": self.under_export,
        }
        return {
            question: {name: phase.at(question, 50) for name, phase in phases.items()} for question in self.idle.seconds
        }

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def page(figures: IngestFigures, picture: str) -> str:
    """Return the whole page."""
    load = figures.load
    assert load is not None
    parts = [
        "# Ingest, beside other systems",
        "Events of spans as `btql generate` makes them, two or three for each span.",
        "## Durable writes",
        _WRITES,
        table(_writes(figures)),
        *(f"Without {name}: {why}." for name, why in figures.absent.items()),
        "## Compaction",
        _COMPACTION,
        table(_compactions(figures)),
        "## Questions meanwhile",
        _meanwhile(figures, load),
        f"![Medians]({picture})",
        table(_questions(figures)),
        "## How it was measured",
        "The machine: " + "; ".join(f"{name}: {value}" for name, value in figures.machine.items()) + ".",
        f"Begun {figures.began}, {figures.minutes:.0f} minutes, with this command:",
        f"    {figures.command}",
    ]
    return "\n\n".join(parts) + "\n"


def _meanwhile(figures: IngestFigures, load: Load) -> str:
    return f"""The questions of the suite `spans` over {figures.size:,} spans, asked one after the other, round after
round, by one process.

- While events come in: another process writes {load.wanted_per_second:,.0f} events a second, in ten batches, and
  compacts in its background. It wrote {load.done_per_second:,.0f}; a batch took {milliseconds(load.write_median)} ms,
  the 99th percentile is {milliseconds(load.write_p99)} ms, and at the end {load.waiting:,} events waited.
- While all is exported: a query for everything, again and again, in the process that asks. It got
  {figures.exported_per_second:,.0f} rows a second."""


def _writes(figures: IngestFigures) -> Iterator[Sequence[str]]:
    yield ["system", "events a second", "MB of JSON a second", "batch, ms", "99th percentile", "what it keeps"]
    for name, rounds in figures.written.items():
        middle = sorted(rounds, key=lambda written: written.seconds)[len(rounds) // 2]
        yield [
            name,
            f"{middle.events_per_second:,.0f}",
            f"{middle.megabytes_per_second:.1f}",
            milliseconds(middle.batch_median),
            milliseconds(middle.batch_p99),
            middle.note,
        ]


def _compactions(figures: IngestFigures) -> Iterator[Sequence[str]]:
    yield [
        *("spans", "events a second", "MB of JSON a second", "per second of a core", "on disk", "of the rows' JSON"),
        *("columns", "documents", "text index", "keys"),
    ]
    for profile, rounds in figures.compacted.items():
        one = rounds[0]
        seconds, cpu = median(each.seconds for each in rounds), median(each.cpu_seconds for each in rounds)
        size = sum(one.files.values())
        kinds = [one.files.get(kind, 0) for kind in ("columns", "rows", "text", "keys")]
        yield [
            profile,
            f"{one.events / seconds:,.0f}",
            f"{one.json_bytes / seconds / 1e6:.1f}",
            f"{one.json_bytes / cpu / 1e6:.1f}",
            f"{size / 1e6:,.0f} MB",
            f"{size / one.row_bytes:.0%}",
            *(f"{kind / one.row_bytes:.0%}" for kind in kinds),
        ]


def _questions(figures: IngestFigures) -> Iterator[Sequence[str]]:
    yield ["question, ms", "idle", "while events come in", "ratio", "while all is exported", "ratio"]
    phases = (figures.under_writes, figures.under_export)
    for question in figures.idle.seconds:
        before = figures.idle.at(question, 50)
        cells = [_beside(before, phase.at(question, 50)) for phase in phases]
        yield [question, milliseconds(before), *(cell for pair in cells for cell in pair)]
    for percent in (50, 95, 99):
        before = figures.idle.all_at(percent)
        cells = [_beside(before, phase.all_at(percent)) for phase in phases]
        name = "**all, median**" if percent == 50 else f"**all, {percent}th percentile**"
        yield [name, milliseconds(before), *(cell for pair in cells for cell in pair)]


def _beside(before: float, after: float) -> tuple[str, str]:
    return milliseconds(after), f"{after / before:.2f}"
