"""Which operators of the engine belong to which scan of a plan.

The engine's plan knows no names: a scan is the files that it has opened and the columns that it reads. They tell
which scan it is, mostly; where a statement reads the same columns of the same parts twice, nothing is said of these
scans rather than something wrong.

The rows of a scan are those that pass its conditions, of its parts and of the tail together. So the way leads up from
the files, through operators that only drop or add rows of this scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql.explaining.operators import SOURCE

if TYPE_CHECKING:
    from btql.execution.report import ScanReport
    from btql.explaining.explanation import Statement
    from btql.explaining.operators import Operator
    from btql_planner.engine_plan import ScanSpec

_KEEPS_TO_ONE_SCAN = frozenset({
    "FilterExec", "CoalesceBatchesExec", "CoalescePartitionsExec", "RepartitionExec", "CooperativeExec",
    "ProjectionExec",
})  # fmt: skip
_STAGE = re.compile(r"\b(?:stage|shared)_\w+")
"""The tables that statements leave to others."""
_BY_ROW_NUMBER = re.compile(r"on=\[\(_row@\d+, _row@\d+\)\]")
"""A join that only knows row numbers drops superseded rows, or those that no index has found; nobody else has them."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the engine did for a scan."""

    rows: int | None
    """Rows that passed its conditions; None where they were not counted apart from others."""
    bytes: int


def scanned(
    specs: Sequence[ScanSpec], reports: Mapping[str, ScanReport], statement: Statement, *, united: bool
) -> Iterator[tuple[str, Scanned]]:
    """Yield what the operators of one statement say of the scans that it names.

    Where rows are ``united`` the engine's unions may be those of the query, and not those of a scan's files and tail.
    """
    assert statement.operators is not None
    named = [spec for spec in specs if spec.name in reports and _is_named(spec.name, statement.sql)]
    parents = {id(child): parent for parent in statement.operators.walk() for child in parent.inputs}
    leaves = [each for each in statement.operators.walk() if each.name == SOURCE]
    for spec, operators in _assigned(named, reports, leaves, alone=not _STAGE.search(statement.sql)):
        report = reports[spec.name]
        tops = {id(top): top for top in (_highest(each, parents, united=united) for each in operators)}
        counts = [top.rows for top in tops.values() if top.rows is not None]
        # What is in memory has no files to be known by: it is counted where it is united with what has.
        in_memory = bool(report.tail_rows or report.files.parts.get("rows"))
        whole = len(counts) == len(tops) and (len(tops) == 1 or not in_memory) and not (in_memory and united)
        yield spec.name, Scanned(sum(counts) if whole else None, sum(each.bytes for each in operators))


def _is_named(name: str, sql: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", sql) is not None


def _assigned(
    named: Sequence[ScanSpec], reports: Mapping[str, ScanReport], leaves: Sequence[Operator], *, alone: bool
) -> Iterator[tuple[ScanSpec, Sequence[Operator]]]:
    """Yield the scans that are sure, each with its operators; ``alone`` says that nothing but scans is read."""
    if len(named) == 1 and alone and leaves:
        yield named[0], leaves
        return
    sources = [leaf for leaf in leaves if leaf.files]
    possible = {id(leaf): [spec for spec in named if _may_be(leaf, spec, reports[spec.name])] for leaf in sources}
    if len(sources) == len(named):
        # Each scan is there once: what is sure is ruled out for the others.
        for _ in sources:
            sure = {specs[0].name for specs in possible.values() if len(specs) == 1}
            for key, specs in possible.items():
                if len(specs) > 1:
                    possible[key] = [spec for spec in specs if spec.name not in sure]
    unclear = {spec.name for specs in possible.values() if len(specs) != 1 for spec in specs}
    for spec in named:
        mine = [leaf for leaf in sources if [each.name for each in possible[id(leaf)]] == [spec.name]]
        if mine and spec.name not in unclear:
            yield spec, mine


def _may_be(leaf: Operator, spec: ScanSpec, report: ScanReport) -> bool:
    """Whether an operator may be the scan: it opened files of no other parts, and reads no other columns."""
    folders = [f"{part.name}/" for part in report.files.parts.get("columns", {}).values()]
    if not {*leaf.columns} <= {*spec.columns, "_row"}:
        return False
    return all(any(folder in file for folder in folders) for file in leaf.files)


def _highest(leaf: Operator, parents: Mapping[int, Operator], *, united: bool) -> Operator:
    """Return the last operator above that has rows of this scan alone."""
    found = leaf
    above = parents.get(id(leaf))
    while above is not None:
        is_join = above.name == "HashJoinExec" and _BY_ROW_NUMBER.search(above.detail)
        is_union = above.name == "UnionExec" and not united
        if above.name not in _KEEPS_TO_ONE_SCAN and not is_join and not is_union:
            break
        if above.rows is not None:
            found = above
        above = parents.get(id(above))
    return found
