"""One database: compiles a query, runs it on a snapshot, hands out the answer.

Every way in, from Python to a wire protocol, ends here, so that all of them
give the same rows and the same errors.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from btql.errors import EngineError, Error, QueryError
from btql.execution.run import Runner
from btql.execution.sources import Sources
from btql.result import Result
from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner.bind import BoundQuery, bind
from btql_planner.engine_plan import EnginePlan
from btql_planner.lower import lower
from btql_planner.plan import Plan
from btql_planner.rules import apply_rules
from btql_storage.errors import StorageError
from btql_storage.store import Storage


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement in each of its forms."""

    statement: tree.Statement
    bound: BoundQuery
    rewritten: Plan
    engine: EnginePlan
    sources: Sources
    """The snapshots that it reads; whoever runs it closes them."""


class Database:
    """Compiles and runs queries on one storage."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def compile(self, text: str, disabled_rules: Collection[str] = ()) -> Compiled:
        """Return every form of a query, on snapshots that the caller closes."""
        source = Source(text)
        sources = Sources(self.storage)
        try:
            statement = parse(text)
            bound = bind(statement, source, sources)
            rewritten = apply_rules(bound.plan, disabled_rules)
            return Compiled(statement, bound, rewritten, lower(rewritten), sources)
        except BaseException as error:
            sources.close()
            if isinstance(error, BtqlError):
                error.source = source
                raise QueryError(error) from None
            raise

    def query(self, text: str, disabled_rules: Collection[str] = ()) -> Result:
        """Return the answer to a query in either language."""
        compiled = self.compile(text, disabled_rules)
        runner = Runner(compiled.engine, compiled.sources)

        def schema() -> pa.Schema:
            with _engine_errors():
                return runner.schema()

        result = Result(compiled.engine.outputs, run(runner, compiled.sources), schema, compiled.bound.warnings)
        # An answer that nobody reads must not keep files for ever.
        weakref.finalize(result, compiled.sources.close)
        return result


def run(runner: Runner, sources: Sources) -> Generator[pa.RecordBatch]:
    """Yield the batches of a run, and close the snapshots behind it."""
    try:
        with _engine_errors():
            yield from runner.batches()
    finally:
        sources.close()


@contextmanager
def _engine_errors() -> Generator[None]:
    """Name what the engine says; its bindings raise plain exceptions."""
    try:
        yield
    except (Error, StorageError):
        raise
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise EngineError(f"the engine stopped: {lines[0]}") from error
