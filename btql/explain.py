"""EXPLAIN: a query in each of its forms; with ANALYZE also what running it took.

This is the door. What is said is put together and written in :mod:`btql.explaining`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from btql.database import Compiled, Database, run
from btql.errors import ProgrammingError
from btql_grammar import tree
from btql_grammar.parameters import Values
from btql_grammar.span import Source
from btql_planner.options import QueryOptions

if TYPE_CHECKING:
    from btql.explaining.explanation import Explanation
    from btql_grammar.tree import ExplainFormat
    from btql_storage.store import Usage

FORMATS = ("text", "json", "tree")


def explain(
    database: Database,
    query: str | Mapping[str, object],
    *,
    options: QueryOptions | None = None,
    analyze: bool = False,
    parameters: Values | None = None,
    form: ExplainFormat = "text",
) -> str:
    """Return how a query is understood and run, as text, as a drawn tree or as JSON."""
    check_format(form)
    return written(explained(database, query, options=options, analyze=analyze, parameters=parameters), form)


def explained(
    database: Database,
    query: str | Mapping[str, object],
    *,
    options: QueryOptions | None = None,
    analyze: bool = False,
    parameters: Values | None = None,
) -> Explanation:
    """Return how a query is understood and run."""
    before, started = database.storage.usage(), time.perf_counter()
    compiled = database.compile(query, options=options, parameters=parameters)
    return _explained(database, compiled, before, time.perf_counter() - started, analyze=analyze)


def explain_statement(database: Database, source: Source, statement: tree.Explain, options: QueryOptions | None) -> str:
    """Return what a statement that begins with EXPLAIN says."""
    before, started = database.storage.usage(), time.perf_counter()
    compiled = database.compile_statement(source, statement.query, options)
    seconds = time.perf_counter() - started
    return written(_explained(database, compiled, before, seconds, analyze=statement.analyze), statement.format)


def check_format(form: str) -> None:
    """Raise where there is no such format."""
    if form not in FORMATS:
        raise ProgrammingError(f"there is no format `{form}` of EXPLAIN: take {', '.join(FORMATS)}")


def written(explanation: Explanation, form: ExplainFormat) -> str:
    """Return an explanation in one of its forms."""
    match form:
        case "json":
            import msgspec

            return msgspec.json.encode(explanation).decode()
        case "text":
            from btql.explaining.text import as_text

            return as_text(explanation)
        case "tree":
            from btql.explaining.text import as_tree

            return as_tree(explanation)
        case _:
            assert_never(form)


def _explained(database: Database, compiled: Compiled, before: Usage, seconds: float, *, analyze: bool) -> Explanation:
    from btql.explaining.advice import warnings
    from btql.explaining.gather import Run, after_run, bounds_before, planned

    if analyze:
        runner = database.runner(compiled)
        runner.explaining = True
        bounds = bounds_before(compiled)
        for _ in run(runner, compiled.sources):
            pass
        made = after_run(compiled, bounds, Run(runner.report, seconds, before, database.storage.usage()))
    else:
        try:
            made = planned(compiled)
        finally:
            compiled.sources.close()
    made.warnings = warnings(compiled, made)
    return made
