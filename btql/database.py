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
from btql.execution.fields import NoFields, SnapshotFields
from btql.execution.run import Runner
from btql.result import Result
from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner import errors
from btql_planner.bind import BoundQuery, bind
from btql_planner.engine_plan import EnginePlan
from btql_planner.lower import lower
from btql_planner.plan import Plan
from btql_planner.rules import apply_rules
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import StorageError, UnknownObject
from btql_storage.snapshot import Snapshot
from btql_storage.store import Storage


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query in each of its forms."""

    query: tree.Query
    bound: BoundQuery
    rewritten: Plan
    engine: EnginePlan
    snapshot: Snapshot | None


class Database:
    """Compiles and runs queries on one storage."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def compile(self, text: str, disabled_rules: Collection[str] = ()) -> Compiled:
        """Return every form of a query, on a snapshot that the caller closes."""
        source = Source(text)
        snapshot: Snapshot | None = None
        try:
            query = parse(text)
            snapshot = self._snapshot(query)
            bound = bind(query, source, SnapshotFields(snapshot) if snapshot else NoFields())
            rewritten = apply_rules(bound.plan, disabled_rules)
            return Compiled(query, bound, rewritten, lower(rewritten), snapshot)
        except BaseException as error:
            if snapshot is not None:
                snapshot.close()
            if isinstance(error, BtqlError):
                error.source = source
                raise QueryError(error) from None
            raise

    def query(self, text: str, disabled_rules: Collection[str] = ()) -> Result:
        """Return the answer to a query in either language."""
        compiled = self.compile(text, disabled_rules)
        snapshot = compiled.snapshot
        runner = Runner(compiled.engine, snapshot)

        def schema() -> pa.Schema:
            with _engine_errors():
                return runner.schema()

        result = Result(compiled.engine.outputs, run(runner, snapshot), schema, compiled.bound.warnings)
        if snapshot is not None:
            # An answer that nobody reads must not keep files for ever.
            weakref.finalize(result, snapshot.close)
        return result

    def _snapshot(self, query: tree.Query) -> Snapshot | None:
        if query.source is None:
            return None
        return self.storage.snapshot(self._object(query.source))

    def _object(self, source: tree.From) -> ObjectInfo:
        if len(source.arguments) != 1:
            what = "a query over several objects" if source.arguments else "a source without a name"
            way_out = "query one object at a time" if source.arguments else f"name it: `{source.kind}('name')`"
            raise errors.not_supported(what, source.span, way_out)
        (name,) = source.arguments
        try:
            return self.storage.object(source.kind, name)
        except UnknownObject:
            pass
        objects = self.storage.objects()
        close = errors.close_to(name, [each.name for each in objects if each.kind == source.kind])
        kinds = sorted({each.kind for each in objects})
        if source.kind not in kinds:
            listed = ", ".join(f"`{kind}`" for kind in kinds)
            way_out = f"objects here are of kind {listed}" if kinds else "the database is empty: ingest something first"
        else:
            way_out = f"did you mean `{close}`?" if close else "`btql status DB` lists all of them"
        raise BtqlError.of(
            errors.UNKNOWN_SOURCE, f"there is no {source.kind} called `{name}`", source.span, "not found", help=way_out
        )


def run(runner: Runner, snapshot: Snapshot | None) -> Generator[pa.RecordBatch]:
    """Yield the batches of a run, and close the snapshot behind it."""
    try:
        with _engine_errors():
            yield from runner.batches()
    finally:
        if snapshot is not None:
            snapshot.close()


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
