"""Gathers what EXPLAIN says of a query, from its forms and from the report of its run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from btql.execution.pruning import ruled_out
from btql.execution.report import FILES, FileKind, LeftOut, RunReport, ScanReport, StepReport
from btql.execution.statements import FUNCTION_PREFIX
from btql.explaining.bounds import bounds_of, scan_bound
from btql.explaining.explanation import (
    VERSION,
    Cache,
    Explanation,
    File,
    Node,
    PythonFunction,
    Query,
    ScanFacts,
    Statement,
    Step,
)
from btql.explaining.operators import Operator, operators
from btql.explaining.scanned import scanned
from btql_grammar import tree
from btql_grammar.printing.printer import print_btql, print_sql
from btql_planner.explain import branches, node_text, plan_text
from btql_planner.plan import Alias, Plan, Project, Sort
from btql_planner.plan_traversal import inputs

if TYPE_CHECKING:
    from btql.database import Compiled
    from btql_planner.engine_plan import ScanSpec
    from btql_storage.usage import Usage

_SAME_ROWS = (Project, Sort, Alias)
"""Nodes that give the rows of their input, no more and no fewer."""


@dataclass(slots=True)
class Run:
    """What is known of a run beside its report."""

    report: RunReport
    compile_seconds: float
    before: Usage
    after: Usage


@dataclass(slots=True)
class _Facts:
    """What is known of the nodes of a plan, by their identity."""

    bounds: Mapping[int, int | None]
    rows: dict[int, int] = field(default_factory=dict[int, int])
    seconds: dict[int, float] = field(default_factory=dict[int, float])
    bytes: dict[int, Counter[FileKind]] = field(default_factory=dict[int, "Counter[FileKind]"])
    documents: dict[int, int] = field(default_factory=dict[int, int])
    scans: dict[int, list[ScanFacts]] = field(default_factory=dict[int, "list[ScanFacts]"])


def planned(compiled: Compiled) -> Explanation:
    """Return what is known of a query that has not run; its snapshots are still open."""
    facts = _Facts(_bounds(compiled))
    for spec in compiled.engine.scans:
        facts.scans.setdefault(id(spec.node), []).append(_expected(spec, compiled))
    return _explanation(compiled, facts, _statements(compiled, {}))


def after_run(compiled: Compiled, bounds: Mapping[int, int | None], run: Run) -> Explanation:
    """Return what is known of a query that has run; ``bounds`` are from before."""
    report = run.report
    found = {name: top for name, plans in report.plans.items() if (top := operators(plans)) is not None}
    facts = _Facts(bounds)
    for spec in compiled.engine.scans:
        if spec.name in report.scans:
            facts.scans.setdefault(id(spec.node), []).append(_read(report.scans[spec.name]))
    statements = _statements(compiled, found, report)
    _add_scans(facts, compiled, report, statements)
    for spec in compiled.engine.scans:
        if spec.name in report.scans:
            facts.bytes.setdefault(id(spec.node), Counter()).update(report.scans[spec.name].files.bytes)
    _add_steps(facts, compiled, report)
    made = _explanation(compiled, facts, statements)
    made.analyzed = True
    made.rows = report.rows
    made.steps = [
        Step(name="compile", seconds=run.compile_seconds),
        *(
            Step(name=name, seconds=step.seconds, rows=None if name == "open" else step.rows)
            for name, step in _ordered(compiled, report.steps).items()
        ),
    ]
    made.files = _files(report, found)
    made.functions = [
        PythonFunction(name=name.removeprefix(FUNCTION_PREFIX), rows=each.rows, seconds=each.seconds)
        for name, each in report.functions.items()
        if each.rows
    ]
    made.caches = _caches(run, compiled)
    made.calls = {
        name: count - run.before.calls.get(name, 0)
        for name, count in run.after.calls.items()
        if count > run.before.calls.get(name, 0)
    }
    return made


def _ordered(compiled: Compiled, steps: Mapping[str, StepReport]) -> dict[str, StepReport]:
    """Return the steps as rows go through them: one that streams begins before those whose rows it asks for."""
    stages = [name for stage in compiled.engine.stages for name in (stage.name, f"fetch for {stage.name}")]
    last = [*stages, "answer"]
    first = {name: step for name, step in steps.items() if name not in last}
    return first | {name: steps[name] for name in last if name in steps}


def bounds_before(compiled: Compiled) -> Mapping[int, int | None]:
    """Return how many rows each node can give at most; asked before the run, as it closes the snapshots."""
    return _bounds(compiled)


def _bounds(compiled: Compiled) -> Mapping[int, int | None]:
    scans: dict[int, int] = {}
    for spec in compiled.engine.scans:
        # One node may be lowered several times; each gives no more than this.
        scans[id(spec.node)] = scan_bound(spec, compiled.sources)
    return bounds_of(compiled.rewritten, scans)


def _explanation(compiled: Compiled, facts: _Facts, statements: list[Statement]) -> Explanation:
    statement = compiled.statement
    is_btql = isinstance(statement, tree.Query) and statement.language == "btql"
    return Explanation(
        version=VERSION,
        analyzed=False,
        query=Query(language="btql", text=print_btql(statement))
        if is_btql
        else Query(language="sql", text=print_sql(statement)),
        typed_plan=plan_text(compiled.bound.plan),
        plan=_node(compiled.rewritten, facts, set()),
        statements=statements,
        notes=list(compiled.bound.warnings),
    )


def _node(plan: Plan, facts: _Facts, shared: set[str]) -> Node:
    name, _, detail = node_text(plan).partition(" ")
    key = id(plan)
    scans = facts.scans.get(key, [])
    return Node(
        node=name,
        detail=detail,
        rows_max=facts.bounds.get(key),
        rows=facts.rows.get(key),
        seconds=facts.seconds.get(key),
        bytes=dict(facts.bytes.get(key, {})),
        documents=facts.documents.get(key),
        scan=scans[0] if len(scans) == 1 else None,
        inputs=[_node(each, facts, shared) for each in branches(plan, shared)],
    )


def _statements(compiled: Compiled, found: Mapping[str, Operator], report: RunReport | None = None) -> list[Statement]:
    engine = compiled.engine
    said = {} if report is None else report.said
    in_memory = {} if report is None else report.in_memory
    planned = {stage.name: stage.select.render() for stage in engine.stages} | {"answer": engine.select.render()}
    # What was split off ran first.
    texts = {name: sql for name, sql in said.items() if name not in planned} | planned | said
    return [
        Statement(name=name, sql=sql, operators=found.get(name), in_memory=in_memory.get(name))
        for name, sql in texts.items()
    ]


def _expected(spec: ScanSpec, compiled: Compiled) -> ScanFacts:
    """Return what a scan would read, as far as statistics alone tell."""
    snapshots = compiled.sources.snapshots(spec.objects)
    entries = [entry for snapshot in snapshots for entry in snapshot.parts]
    means: list[LeftOut | None] = [ruled_out(spec, entry.part) for entry in entries]
    left = [entry for entry, out in zip(entries, means, strict=True) if out is None]
    left_out = Counter[LeftOut]()
    for out in means:
        if out is not None:
            left_out[out] += 1
    chunks = [chunk for snapshot in snapshots for chunk in snapshot.tail if ruled_out(spec, chunk) is None]
    return ScanFacts(
        table=spec.name,
        parts=len(entries),
        parts_read=len(left),
        left_out=left_out,
        rows=sum(entry.part.stats.rows for entry in left),
        tail_rows=sum(chunk.stats.rows - len(chunk.superseded) for chunk in chunks),
    )


def _read(report: ScanReport) -> ScanFacts:
    return ScanFacts(
        table=report.name,
        parts=report.parts,
        parts_read=report.parts_read,
        left_out=dict(report.left_out),
        rows=report.rows,
        candidates=report.candidates,
        superseded=report.superseded,
        tail_rows=report.tail_rows,
        hits=dict(report.hits),
        hits_max={sought: count for sought, count in report.expected.items() if count},
    )


def _add_scans(facts: _Facts, compiled: Compiled, report: RunReport, statements: list[Statement]) -> None:
    engine = compiled.engine
    nodes = {spec.name: id(spec.node) for spec in engine.scans}
    for statement in statements:
        if statement.operators is None:
            continue
        for name, one in scanned(engine.scans, report.scans, statement, united=engine.united):
            key = nodes[name]
            if report.scans[name].files.parts.get("columns"):
                facts.bytes.setdefault(key, Counter())["columns"] += one.bytes
            if one.rows is not None and len(facts.scans[key]) == 1:
                facts.rows[key] = facts.rows.get(key, 0) + one.rows


def _add_steps(facts: _Facts, compiled: Compiled, report: RunReport) -> None:
    """Note what steps gave, at the nodes whose rows they hold."""
    for stage in compiled.engine.stages:
        node = stage.node
        step, fetch = report.steps.get(stage.name), report.steps.get(f"fetch for {stage.name}")
        if node is None or step is None:
            continue
        if stage.fetch.is_empty:
            _note(facts, node, step.rows, step.seconds)
            continue
        (below,) = inputs(node)
        _note(facts, below, step.rows, step.seconds)
        if fetch is not None:
            _note(facts, node, fetch.rows, fetch.seconds)
            facts.bytes.setdefault(id(node), Counter()).update(fetch.files.bytes)
            if fetch.files.without_keys:
                facts.documents[id(node)] = fetch.files.documents
    answer = report.steps.get("answer")
    _note(facts, compiled.rewritten, report.rows, 0.0 if answer is None else answer.seconds)


def _note(facts: _Facts, node: Plan, rows: int, seconds: float) -> None:
    facts.seconds[id(node)] = facts.seconds.get(id(node), 0.0) + seconds
    while True:
        facts.rows[id(node)] = rows
        if not isinstance(node, _SAME_ROWS):
            return
        node = node.input


def _files(report: RunReport, found: Mapping[str, Operator]) -> list[File]:
    """Return which files were opened, and what was read of them."""
    reports = [scan.files for scan in report.scans.values()] + [step.files for step in report.steps.values()]
    read: Counter[FileKind] = Counter()
    for each in reports:
        read.update(each.bytes)
    read["columns"] += sum(operator.bytes for top in found.values() for operator in top.walk())
    files: list[File] = []
    for kind in FILES:
        parts = {number: part for each in reports for number, part in each.parts.get(kind, {}).items()}
        if not parts:
            continue
        sizes = [part.file_bytes.get(kind) for part in parts.values()]
        known = [size for size in sizes if size is not None]
        files.append(
            File(
                kind=kind,
                files=len(parts),
                bytes=read[kind] if kind in ("columns", "rows") else None,
                file_bytes=sum(known) if len(known) == len(sizes) else None,
            )
        )
    return files


def _caches(run: Run, compiled: Compiled) -> list[Cache]:
    counts: Counter[tuple[str, bool]] = Counter()
    if compiled.plan_was_kept is not None:
        counts["plans", compiled.plan_was_kept] += 1
    counts.update(dict(run.after.lookups))
    counts.subtract(dict(run.before.lookups))
    for name, (misses, hits) in run.report.caches.items():
        counts[name, False] += misses
        counts[name, True] += hits
    names = dict.fromkeys(name for name, _ in counts)
    return [
        Cache(name=name, hits=counts[name, True], misses=counts[name, False])
        for name in names
        if counts[name, True] or counts[name, False]
    ]
