"""How the times of one system grow with the data: the questions of a suite at several sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.beside.chart import lines
from benchmarks.beside.figures import Figures
from benchmarks.beside.report import milliseconds, table
from benchmarks.beside.suite import Suite

SYSTEM = "btql"

_ABOUT = f"""{SYSTEM} alone, warm: medians in milliseconds. The last column is the time at the largest size over that at
the smallest. Questions about all rows grow with the rows; those about the newest, one span or one trace should not."""


def picture(runs: Mapping[int, Figures], suite: Suite) -> str:
    """Return the lines of time over size."""
    rows: dict[str, dict[int, float]] = {}
    for size, figures in runs.items():
        for question, found in figures.times.items():
            if (middle := found[SYSTEM].median) is not None:
                rows.setdefault(question, {})[size] = middle
    return lines(f"{suite.name}: {SYSTEM}'s warm medians over size", sorted(runs), rows)


def page(runs: Mapping[int, Figures], suite: Suite, name: str) -> str:
    """Return a page of Markdown about runs by size."""
    newest = runs[max(runs)]
    parts = [
        f"# How time grows with size: {suite.name}",
        _ABOUT,
        f"![Time over size]({name}.svg)",
        table(_times(runs)),
        "## Load time and size",
        table(_loads(runs)),
        "The machine: " + "; ".join(f"{what}: {value}" for what, value in newest.machine.items()) + ".",
        f"Begun {newest.began}, {newest.minutes:.0f} minutes, with this command:",
        f"    {newest.command}",
    ]
    return "\n\n".join(parts) + "\n"


def _times(runs: Mapping[int, Figures]) -> Iterator[Sequence[str]]:
    sizes = sorted(runs)
    yield ["question", *(f"{size:,}" for size in sizes), "growth"]
    for question in runs[sizes[0]].times:
        medians = [runs[size].times[question][SYSTEM].median for size in sizes]
        first, last = medians[0], medians[-1]
        growth = "" if first is None or last is None else f"{last / first:.2f}"
        yield [question, *("-" if each is None else milliseconds(each) for each in medians), growth]


def _loads(runs: Mapping[int, Figures]) -> Iterator[Sequence[str]]:
    yield ["rows", "seconds", "rows a second", "MB on disk"]
    for _, figures in sorted(runs.items()):
        loaded = figures.loaded[SYSTEM]
        speed = figures.rows / loaded.seconds
        yield [f"{figures.rows:,}", f"{loaded.seconds:.0f}", f"{speed:,.0f}", f"{loaded.size / 1e6:,.0f}"]
