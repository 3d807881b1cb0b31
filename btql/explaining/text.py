"""What EXPLAIN says as text: each form of the query under a heading, then what running it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from btql.cli import units
from btql.execution.report import FILES, LEFT_OUT
from btql.explaining.drawing import drawn, scan_words

if TYPE_CHECKING:
    from btql.explaining.explanation import Explanation, File
    from btql.explaining.operators import Operator

_WIDTH = 18
_LINE = 140
"""Longer lines of a drawn plan are cut: a query for all fields has a list of them."""


def as_text(explanation: Explanation) -> str:
    """Return everything, for people who want to know why."""
    sections = [
        ("tree", explanation.query.text),
        ("typed plan", explanation.typed_plan),
        ("rewritten plan", drawn(explanation.plan)),
        ("engine plan", "\n".join(f"{each.name}: {each.sql}" for each in explanation.statements)),
    ]
    if explanation.analyzed:
        sections += [
            ("engine's own plan", "\n".join(_engine(explanation))),
            ("analysis", "\n".join(_analysis(explanation))),
        ]
    return _joined(sections + _remarks(explanation))


def as_tree(explanation: Explanation) -> str:
    """Return the drawn plan, and in short what the run took."""
    sections = [("plan", drawn(explanation.plan, _LINE))]
    if explanation.analyzed:
        sections.append(("analysis", "\n".join(_analysis(explanation))))
    return _joined(sections + _remarks(explanation))


def _joined(sections: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"-- {heading}\n{body}" for heading, body in sections)


def _remarks(explanation: Explanation) -> list[tuple[str, str]]:
    lines = [f"{each.message}; {each.remedy} [{each.code}]" for each in explanation.warnings]
    lines += explanation.notes
    return [("warnings", "\n".join(lines))] if lines else []


def _engine(explanation: Explanation) -> Iterator[str]:
    for statement in explanation.statements:
        if statement.operators is not None:
            yield statement.name
            yield from _operator(statement.operators, "  ")
        elif statement.in_memory is not None:
            yield f"{statement.name}\n  done without the engine: {units.plural(statement.in_memory, 'row')} in memory"


def _operator(operator: Operator, margin: str) -> Iterator[str]:
    known = [] if operator.rows is None else [units.plural(operator.rows, "row")]
    known += [units.duration(operator.seconds)] * bool(operator.seconds)
    known += [f"{units.size(operator.bytes)} read"] * bool(operator.bytes)
    known += [f"{units.size(operator.spilled_bytes)} spilled"] * bool(operator.spilled_bytes)
    counted = f" [{', '.join(known)}]" if known else ""
    yield f"{margin}{operator.name}{counted}{': ' if operator.detail else ''}{operator.detail}"
    for each in operator.inputs:
        yield from _operator(each, f"{margin}  ")


def _analysis(explanation: Explanation) -> Iterator[str]:
    """Yield what the run took, a fact a line."""
    nodes = list(explanation.plan.walk())
    scans = [node.scan for node in nodes if node.scan is not None]
    yield _line("rows out", f"{explanation.rows or 0:,}")
    for scan in scans:
        for number, words in enumerate(scan_words(scan)):
            yield _line("" if number else scan.table, words)
    for means, words in LEFT_OUT.items():
        if any(means in scan.left_out for scan in scans):
            yield _line(f"by {means}", words)
    for file in explanation.files:
        yield _line(FILES[file.kind], _file(file))
    for function in explanation.functions:
        yield _line(
            "in Python", f"{function.name}: {units.plural(function.rows, 'row')}, {units.duration(function.seconds)}"
        )
    for cache in explanation.caches:
        yield _line(f"kept {cache.name}", f"{units.plural(cache.hits, 'hit')}, {cache.misses:,} missed")
    if explanation.calls:
        yield _line("calls", ", ".join(f"{count:,} {name}" for name, count in explanation.calls.items()))
    for step in explanation.steps:
        rows = "" if step.rows is None else f", {units.plural(step.rows, 'row')}"
        yield _line(step.name, f"{units.duration(step.seconds)}{rows}")


def _file(file: File) -> str:
    opened = units.plural(file.files, "file")
    of = "" if file.file_bytes is None else f" of {units.size(file.file_bytes)}"
    if file.bytes is None:
        return f"{opened}{of}, mapped"
    return f"{units.size(file.bytes)} read, {opened}{of}"


def _line(name: str, words: str) -> str:
    return f"{name:<{_WIDTH}} {words}"
