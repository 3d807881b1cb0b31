"""Runs an engine plan: statements, fetches between them, a stream of batches at the end.

Nothing is computed before the first batch is asked for. A statement that looks
at one row at a time runs on each fetched batch by itself, so that documents
stream through; one that sorts or groups waits for the rows it needs, which by
then are narrow.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.engine import DataFrame, SessionContext
from btql.execution.engine_threads import runs
from btql.execution.fetch import Fetcher
from btql.execution.report import RunReport
from btql.execution.scan import ScanBuilder
from btql.execution.sources import Sources
from btql.execution.stop import Stop
from btql_planner.engine_plan import EnginePlan, Stage
from btql_planner.select import Select

if TYPE_CHECKING:
    from btql.execution.engine import RecordBatch

FUNCTION_PREFIX = "btql_"
"""How the names of functions begin that are written in Python; few statements call any."""
MEMORY_BYTES = 1 << 30
"""What the engine's operators may hold before they spill to disk."""
SPILL_BYTES = 10 << 30
"""What one query may spill; the engine's own bound is ten times as much, and one join could fill a disk."""
SETTINGS = {
    "datafusion.execution.parquet.pushdown_filters": "true",
    "datafusion.execution.parquet.reorder_filters": "true",
    "datafusion.execution.parquet.schema_force_view_types": "false",
    "datafusion.sql_parser.enable_ident_normalization": "false",
    "datafusion.execution.time_zone": "UTC",
    # Its own 50 refuses joins of 20 relations. Deeper than this, planning may need more stack than a thread has.
    "datafusion.sql_parser.recursion_limit": "200",
    # Its own rules change whether a column may be null, and then it refuses its own plan.
    "datafusion.execution.skip_physical_aggregate_schema_check": "true",
}
UNITED = {"datafusion.optimizer.enable_topk_dynamic_filter_pushdown": "false"}
"""For a union whose sides differ in a constant that is sorted by: with a limit, the engine (55) sorts each side by
the other keys alone, and then drops rows of one side by what it has found in another."""


class Runner:
    """Runs one engine plan on the snapshots of its statement, once."""

    def __init__(self, plan: EnginePlan, sources: Sources | None, stop: Stop | None = None) -> None:
        self._plan = plan
        self._sources = sources
        self._stop = stop
        self.report = RunReport()
        self._context = new_context(UNITED if plan.united else {})
        self._fetcher = Fetcher(sources.all_snapshots, stop) if sources is not None else None
        self._stages = {stage.name: stage for stage in plan.stages}
        selects = [*(stage.select for stage in plan.stages), plan.select]
        self._streamed = {each.source_name for each in selects if each.source_name in self._stages and each.is_rowwise}
        """Stages that another statement reads batch by batch."""
        self._prepared = False
        self.explaining = False
        """Set to have the report tell what takes time to find out: the engine's own plans, and bytes."""

    def prepare(self) -> None:
        """Register every scan: from here on the statements can be planned."""
        if self._prepared:
            return
        self._prepared = True
        with self.report.step("open"):
            if self._sources is not None:
                builder = ScanBuilder(self._context, self._sources, self.report)
                for spec in self._plan.scans:
                    builder.register(spec)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the answer; columns are those of ``plan.outputs``."""
        self.prepare()
        for stage in self._plan.stages:
            if stage.name not in self._streamed:
                self._materialise(stage)
        for batch in self._select(self._plan.select, "answer"):
            self.report.rows += batch.num_rows
            yield batch

    def _select(self, select: Select, name: str) -> Iterator[pa.RecordBatch]:
        if select.source_name in self._streamed:
            text = select.render()
            for batch in self._stage(self._stages[select.source_name]):
                self._replace_table(select.source_name, [batch])
                yield from self._sql(text, name)
        else:
            yield from self._sql(select.render(), name)

    def _stage(self, stage: Stage) -> Iterator[pa.RecordBatch]:
        assert self._fetcher is not None
        if stage.fetch.is_empty:
            yield from self._select(stage.select, stage.name)
            return
        self.report.step(stage.name)
        step = self.report.step(f"fetch for {stage.name}")
        for batch in self._select(stage.select, stage.name):
            for piece in self._fetcher.pieces(batch, stage.fetch):
                with step:
                    fetched = self._fetcher.add(piece, stage.fetch, step.files if self.explaining else None)
                step.rows += fetched.num_rows
                yield fetched

    def _materialise(self, stage: Stage) -> None:
        batches = list(self._stage(stage))
        if not batches:
            batches = [self._empty(stage)]
        self._replace_table(stage.name, batches)

    def _empty(self, stage: Stage) -> pa.RecordBatch:
        """Return a batch without rows that has the columns of a stage."""
        assert self._fetcher is not None
        below = stage.select
        if below.source_name in self._streamed:
            self._replace_table(below.source_name, [self._empty(self._stages[below.source_name])])
        schema = self._frame(below.render()).schema()
        empty = pa.RecordBatch.from_arrays([pa.nulls(0, each.type) for each in schema], schema=schema)
        return self._fetcher.add(empty, stage.fetch)

    def _replace_table(self, name: str, batches: list[pa.RecordBatch]) -> None:
        if self._context.table_exist(name):
            self._context.deregister_table(name)
        self._context.register_record_batches(name, [batches])

    def _sql(self, text: str, name: str) -> Iterator[pa.RecordBatch]:
        step = self.report.step(name)
        with step:
            frame = self._frame(text)
            stream = self._stream(frame)
        ended = False
        runs.begin()
        try:
            while not ended:
                with step:
                    batch = next(stream, None)
                if batch is None:
                    ended = True
                elif (converted := batch.to_pyarrow()).num_rows:
                    step.rows += converted.num_rows
                    yield converted
        finally:
            runs.end(given_up=not ended)
            if self.explaining:
                self.report.plans.setdefault(name, []).append(frame.execution_plan())

    def _stream(self, frame: DataFrame) -> Iterator[RecordBatch]:
        if self._stop is None:
            return frame.execute_stream()
        from btql.execution.stoppable import stream

        return stream(frame, self._stop)

    def _frame(self, text: str) -> DataFrame:
        """Return a statement, planned by the engine but not run."""
        if FUNCTION_PREFIX in text:
            from btql.execution.functions import register_functions

            register_functions(self._context, text, self.report.functions)
        return self._context.sql(text)


def new_context(more: Mapping[str, str]) -> SessionContext:
    """Return an engine session: its tables are seen by one query only."""
    settings = {**SETTINGS, **more, "datafusion.execution.target_partitions": str(os.cpu_count() or 1)}
    return SessionContext(settings, MEMORY_BYTES, SPILL_BYTES)
