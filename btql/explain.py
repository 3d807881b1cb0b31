"""EXPLAIN: a query in each of its forms; with ANALYZE also what running it took."""

from __future__ import annotations

import time
from collections.abc import Mapping

from btql.database import Compiled, Database, run
from btql.execution.report import LEFT_OUT, RunReport
from btql_grammar import tree
from btql_grammar.parameters import Values
from btql_grammar.printer import print_btql, print_sql
from btql_grammar.span import Source
from btql_planner.explain import plan_text
from btql_planner.options import QueryOptions


def explain(
    database: Database,
    query: str | Mapping[str, object],
    *,
    options: QueryOptions | None = None,
    analyze: bool = False,
    parameters: Values | None = None,
) -> str:
    """Return the forms of a query as text, each under a heading."""
    started = time.perf_counter()
    compiled = database.compile(query, options=options, parameters=parameters)
    return _explained(database, compiled, started, analyze=analyze)


def explain_statement(
    database: Database, source: Source, statement: tree.Statement, options: QueryOptions | None, *, analyze: bool
) -> str:
    """Return the forms of a statement behind the word EXPLAIN."""
    started = time.perf_counter()
    return _explained(database, database.compile_statement(source, statement, options), started, analyze=analyze)


def _explained(database: Database, compiled: Compiled, started: float, *, analyze: bool) -> str:
    compile_seconds = time.perf_counter() - started
    runner = database.runner(compiled)
    runner.explaining = True
    rows = 0
    batches = run(runner, compiled.sources)
    if analyze:
        rows = sum(batch.num_rows for batch in batches)
    else:
        batches.close()
        compiled.sources.close()
    sections = _forms(compiled)
    if analyze:
        sections.append(("engine's own plan", "\n".join(runner.report.engine_plans).rstrip()))
        sections.append(("analysis", _analysis(runner.report, rows, compile_seconds)))
    if compiled.bound.warnings:
        sections.append(("warnings", "\n".join(compiled.bound.warnings)))
    return "\n\n".join(f"-- {heading}\n{body}" for heading, body in sections)


def _forms(compiled: Compiled) -> list[tuple[str, str]]:
    statement = compiled.statement
    is_btql = isinstance(statement, tree.Query) and statement.language == "btql"
    text = print_btql(statement) if is_btql else print_sql(statement)
    engine = compiled.engine
    statements = [f"{stage.name}: {stage.select.render()}" for stage in engine.stages]
    return [
        ("tree", text),
        ("typed plan", plan_text(compiled.bound.plan)),
        ("rewritten plan", plan_text(compiled.rewritten)),
        ("engine plan", "\n".join([*statements, f"answer: {engine.select.render()}"])),
    ]


def _analysis(report: RunReport, rows: int, compile_seconds: float) -> str:
    scans = report.scans.values()
    left_out = [f"{sum(scan.left_out.get(means, 0) for scan in scans):,} by {means}" for means in LEFT_OUT]
    lines = [
        f"rows out         {rows:,}",
        f"parts            {sum(scan.parts for scan in scans):,}",
        f"left out         {', '.join(left_out)}",
        f"rows in parts    {sum(scan.rows for scan in scans):,}",
        f"rows in tail     {sum(scan.tail_rows for scan in scans):,}",
        *(f"text index       {hits:,} rows for {phrase}" for scan in scans for phrase, hits in scan.hits.items()),
        f"compile          {compile_seconds * 1000:.1f} ms",
        *(f"{name:<16} {step.seconds * 1000:.1f} ms, {step.rows:,} rows" for name, step in report.steps.items()),
    ]
    return "\n".join(lines)
