"""The figures of a run as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.beside.figures import Figures, Times
from benchmarks.beside.question import Question
from benchmarks.beside.recipe import filled
from benchmarks.beside.suite import Suite
from benchmarks.beside.system import THREADS

_HOW = f"""Each system has a process of its own and {THREADS} threads. It is asked everything once before anything
is measured, twice where that took long, and its times count only where its answer is the one on which most agree;
numbers may differ by a hundred thousandth. Rounds go around: every system in turn, question by question, so that all of
them meet the same machine. A time ends when the whole answer is in the process that asked: as Arrow for btql, chDB and
DuckDB, as tuples for others.

- **warm**: the median of the rounds, in milliseconds, and from the fastest to the slowest. Where a slow system had
  fewer rounds than others, it says how many.
- **cold**: opening the database and the first answer, in a process that has just been started; a new connection for
  PostgreSQL, whose server runs on. The operating system's cache of files is not emptied: that cannot be done reliably,
  and not at all in most containers.
- **ratio**: btql's warm median divided by that of the fastest rival; below 1 btql is faster.
- **to the limit**: the same with a system that is no rival, where there is one: it shows what is possible."""

_STEPS = """The questions in which a rival or the limit is ahead, as EXPLAIN ANALYZE tells them, in milliseconds. It
counts, which takes some time. The plan is kept by then, so `compile` is short; `open` makes the snapshot and looks up
indexes; `fetch` reads documents; `answer` computes with them. Of answers in pages it is the first."""
_FIRST_STEPS = ("compile", "open")


def page(figures: Figures, suite: Suite, picture: str) -> str:
    """Return the whole page."""
    parts = [
        f"# {suite.title}",
        suite.about,
        f"![Warm medians]({picture})",
        "## Warm",
        table(_warm(figures, suite.questions)),
        *_slower(figures, suite.questions),
        "## Cold",
        table(_cold(figures, suite.questions)),
        "## Load time and size",
        table(_loads(figures)),
        "## The questions",
        table(_questions(figures, suite.questions)),
        *_failures(figures),
        "## How it was measured",
        _HOW,
        "The systems:",
        "\n".join(_systems(figures, suite)),
        "The data: " + ", ".join(f"{name} {_count(value)}" for name, value in figures.about.items()) + ".",
        "The machine: " + "; ".join(f"{name}: {value}" for name, value in figures.machine.items()) + ".",
        f"Begun {figures.began}, {figures.minutes:.0f} minutes, with this command:",
        f"    {figures.command}",
    ]
    return "\n\n".join(parts) + "\n"


def _warm(figures: Figures, questions: Sequence[Question]) -> Iterator[Sequence[str]]:
    yield ["question", *figures.systems, "ratio", "best rival", *(["to the limit"] if figures.limits else [])]
    most = max((len(times.warm) for found in figures.times.values() for times in found.values()), default=0)
    for name in _asked(figures, questions):
        found, best, ratio = figures.times[name], figures.best_rival(name), figures.ratio(name)
        cells = [_warm_cell(found[system], most, bold=_is_fastest(figures, name, system)) for system in figures.systems]
        compared = [_ratio_cell(ratio), "" if best is None else best[0]]
        yield [name, *cells, *compared, *([_ratio_cell(figures.to_the_limit(name))] if figures.limits else [])]


def _slower(figures: Figures, questions: Sequence[Question]) -> Iterator[str]:
    """Say of each question in which somebody is ahead of btql where its time goes."""
    behind = [
        name
        for name in _asked(figures, questions)
        if any((ratio or 0) > 1 for ratio in (figures.ratio(name), figures.to_the_limit(name)))
    ]
    rows = [(name, figures.steps[name]) for name in behind if name in figures.steps]
    if rows:
        yield "## Where btql's time goes"
        yield _STEPS
        yield table(_steps(rows))


def _steps(rows: Sequence[tuple[str, Mapping[str, float]]]) -> Iterator[Sequence[str]]:
    yield ["question", "compile", "open", "then, in order"]
    for name, steps in rows:
        others = [f"{step} {milliseconds(taken)}" for step, taken in steps.items() if step not in _FIRST_STEPS]
        first = [milliseconds(steps[step]) if step in steps else "" for step in _FIRST_STEPS]
        yield [name, *first, ", ".join(others)]


def _ratio_cell(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _is_fastest(figures: Figures, question: str, system: str) -> bool:
    medians = {
        name: times.median
        for name, times in figures.times[question].items()
        if name not in figures.limits and times.median is not None
    }
    return system in medians and medians[system] == min(medians.values())


def _warm_cell(times: Times, most: int, *, bold: bool) -> str:
    if times.median is None:
        return _no_time(times)
    middle = f"**{milliseconds(times.median)}**" if bold else milliseconds(times.median)
    few = f" ({len(times.warm)}x)" if len(times.warm) < most else ""
    return f"{middle}{few} <sub>{milliseconds(min(times.warm))}-{milliseconds(max(times.warm))}</sub>"


def _no_time(times: Times) -> str:
    return "-" if times.failed in {"", "not asked"} else "✗"


def _cold(figures: Figures, questions: Sequence[Question]) -> Iterator[Sequence[str]]:
    yield ["question", *figures.systems]
    for name in _asked(figures, questions):
        found = figures.times[name]
        medians = [found[system].cold_median for system in figures.systems]
        yield [name, *("-" if each is None else milliseconds(each) for each in medians)]


def _loads(figures: Figures) -> Iterator[Sequence[str]]:
    yield ["system", "seconds", "rows a second", "MB on disk", "share of the JSON"]
    for name, loaded in figures.loaded.items():
        share = f"{loaded.size / figures.json_bytes:.0%}" if figures.json_bytes else ""
        yield [
            name,
            f"{loaded.seconds:.1f}",
            f"{figures.rows / loaded.seconds:,.0f}",
            f"{loaded.size / 1e6:,.0f}",
            share,
        ]


def _questions(figures: Figures, questions: Sequence[Question]) -> Iterator[Sequence[str]]:
    yield ["question", "what it asks", "rows"]
    for question in questions:
        if question.name in figures.times:
            counts = [times.rows for times in figures.times[question.name].values() if times.rows is not None]
            about = filled(question.about, figures.parameters).replace("|", "\\|")
            yield [question.name, about, f"{counts[0]:,}" if counts else ""]


def _failures(figures: Figures) -> Iterator[str]:
    lines = [
        f"- {question}, {system}: {times.failed}"
        for question, found in figures.times.items()
        for system, times in found.items()
        if times.failed not in {"", "not asked"}
    ]
    lines += [f"- {name}: {why}" for name, why in figures.absent.items()]
    if lines:
        yield "## Without a time"
        yield "\n".join(lines)


def _systems(figures: Figures, suite: Suite) -> Iterator[str]:
    from pathlib import Path

    for name, version in figures.systems.items():
        yield f"- {name} {version}: {suite.systems[name](Path()).note}"


def _asked(figures: Figures, questions: Sequence[Question]) -> list[str]:
    return [question.name for question in questions if question.name in figures.times]


def table(rows: Iterator[Sequence[str]]) -> str:
    """Return rows as a table of Markdown; the first one has the names."""
    head, *body = rows
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, with about three digits."""
    value = 1000 * seconds
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _count(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value
