"""EXPLAIN: a query in each of its forms; with ANALYZE also what running it took.

This is the door. What is said is put together and written in :mod:`btql.explaining`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from btql.database import Compiled, Database
from btql.errors import ProgrammingError, drawn_over
from btql.running import run
from btql_grammar.parameters import Values
from btql_grammar.span import Source
from btql_grammar.tree_statements import Explain, ExplainFormat
from btql_planner.options import QueryOptions

if TYPE_CHECKING:
    from btql.execution.run import Runner
    from btql.explaining.explanation import Explanation

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
    watch = Watch(database)
    compiled = database.compile(query, options=options, parameters=parameters)
    return _explained(compiled, watch, analyze=analyze)


def explain_statement(database: Database, source: Source, statement: Explain, options: QueryOptions | None) -> str:
    """Return what a statement that begins with EXPLAIN says."""
    watch = Watch(database)
    compiled = database.compile_statement(source, statement.query, options)
    return written(_explained(compiled, watch, analyze=statement.analyze), statement.format)


class Watch:
    """Watches one query, from before it is compiled until its rows have been read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._before = database.storage.usage()
        self._started = time.perf_counter()

    def runner(self, compiled: Compiled) -> Runner:
        """Return what runs the query, and counts what takes time to count."""
        from btql.explaining.gather import bounds_before

        self._compiled, self._compile_seconds = compiled, time.perf_counter() - self._started
        # Now, as whoever has read the answer closes the snapshots.
        self._bounds = bounds_before(compiled)
        self._runner = self._database.runner(compiled)
        self._runner.explaining = True
        return self._runner

    def explanation(self) -> Explanation:
        """Return what is known of the query, once it has run."""
        from btql.explaining.advice import warnings
        from btql.explaining.gather import Run, after_run

        run = Run(self._runner.report, self._compile_seconds, self._before, self._database.storage.usage())
        made = after_run(self._compiled, self._bounds, run)
        made.warnings = warnings(self._compiled, made)
        return made


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


def _explained(compiled: Compiled, watch: Watch, *, analyze: bool) -> Explanation:
    if analyze:
        with drawn_over(compiled.source):
            for _ in run(watch.runner(compiled), compiled.sources):
                pass
        return watch.explanation()
    from btql.explaining.advice import warnings
    from btql.explaining.gather import planned

    try:
        made = planned(compiled)
    finally:
        compiled.sources.close()
    made.warnings = warnings(compiled, made)
    return made
