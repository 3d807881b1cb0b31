"""Runs an engine plan: statements, fetches between them, a stream of batches at the end.

Nothing is computed before the first batch is asked for. A statement that looks
at one row at a time runs on each fetched batch by itself, so that documents
stream through; one that sorts or groups waits for the rows it needs, which by
then are narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.errors import ResourceLimit
from btql.execution.admission import Grant, Turns, Work, admission
from btql.execution.fetch import Fetcher
from btql.execution.first_rows import enough, more
from btql.execution.grouping import Grouping, grouping
from btql.execution.in_memory import WithoutEngine, in_memory
from btql.execution.projection import projection
from btql.execution.reader import HalfRead, Reader
from btql.execution.report import RunReport
from btql.execution.scan import ScanBuilder
from btql.execution.sessions import FOOTERS_SHARE, SessionSpec, sessions
from btql.execution.sources import Sources
from btql.execution.statements import Statements
from btql.execution.stop import Stop
from btql_planner.engine_plan import EnginePlan, ScanSpec, Stage
from btql_planner.select import Select
from btql_storage.arrow import empty_batch
from btql_storage.limits import DEFAULT, Limits
from btql_storage.machine import of_caches

if TYPE_CHECKING:
    from btql.execution.engine import SessionContext


class Runner:
    """Runs one engine plan on the snapshots of its statement, once."""

    def __init__(
        self,
        plan: EnginePlan,
        sources: Sources | None,
        stop: Stop | None = None,
        limits: Limits = DEFAULT,
        work: Work = "interactive",
    ) -> None:
        self._plan = plan
        self._sources = sources
        self._stop = stop
        self._limits = limits
        self._turns = Turns(work, limits, stop)
        self.report = RunReport()
        self._statements: Statements | None = None
        self._grant: Grant | None = None
        self._fetcher = Fetcher(sources.all_snapshots, stop) if sources is not None else None
        self._stages = {stage.name: stage for stage in plan.stages}
        selects = [*(stage.select for stage in plan.stages), plan.select]
        self._holds_rows = not all(each.is_rowwise for each in selects)
        self._streamed = {each.source_name for each in selects if each.source_name in self._stages and each.is_rowwise}
        """Stages that another statement reads batch by batch."""
        self._in_memory: dict[str, WithoutEngine] = dict(in_memory(plan))
        """Statements that need no engine where the rows of their scan are few, by scan."""
        self._grouping = grouping(plan)
        if self._grouping is not None and self._grouping.few is not None:
            self._in_memory[self._grouping.scan.name] = self._grouping.few
        self._coded = None if self._grouping is None else self._grouping.coded()
        self._limited = {each.source_name for each in selects if each.limit}
        self._enough: dict[str, int | None] = {}
        """How many rows of a scan to look at first, where its statement wants those that come first."""
        self._guessed: ScanSpec | None = None
        """A scan of which the first rows are looked at first, where their documents decide which of them count."""
        self.explaining = False
        """Set to have the report tell what takes time to find out: the engine's own plans, and bytes."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the answer; columns are those of ``plan.outputs``."""
        try:
            yield from self._within(full=False)
        except ResourceLimit:
            if self.report.rows or self._grant is None or self._grant.is_full:
                raise
            # It got less memory than it may have, because there were others.
            self.report = RunReport()
            yield from self._within(full=True)

    def _within(self, *, full: bool) -> Iterator[pa.RecordBatch]:
        """Yield the answer, computed with a grant of memory."""
        self._grant = admission.grant(self._limits, self._turns.work, self._stop, holds=self._holds_rows, full=full)
        run = HalfRead(self._grant, Reader() if self._stop is None else self._stop.reader)
        try:
            with self._in_session() as session:
                batches = self._computed()
                run.hold(batches, session)
                while (batch := self._turns.next(batches)) is not None:
                    self.report.rows += batch.num_rows
                    if self.report.rows > self._limits.answer_rows_max:
                        from btql.execution.exceeded import too_many_rows

                        raise too_many_rows(self._limits.answer_rows_max)
                    admission.hand_out(run)
                    yield batch
                    admission.go_on(run)
        finally:
            admission.end(run)

    @contextmanager
    def _in_session(self) -> Generator[SessionContext]:
        """Have an engine session, which is kept for others once the whole answer was read."""
        assert self._grant is not None
        footers = max(of_caches(self._limits) // FOOTERS_SHARE, 1 << 20)
        spec = SessionSpec(self._grant.memory_bytes, self._grant.spill_bytes, self._plan.united, footers)
        session = sessions.lend(spec)
        self._statements = Statements(session, self.report, self._grant, self._stop, explaining=self.explaining)
        try:
            yield session
        finally:
            self._statements = None
        sessions.give_back(spec, session)

    def _computed(self) -> Generator[pa.RecordBatch]:
        self._register()
        if self._guessed is None:
            yield from self._answer()
        else:
            yield from self._guess(self._guessed)

    def _answer(self) -> Iterator[pa.RecordBatch]:
        for stage in self._plan.stages:
            if stage.name not in self._streamed:
                self._materialise(stage)
        yield from self._select(self._plan.select, "answer")

    def _guess(self, spec: ScanSpec) -> Iterator[pa.RecordBatch]:
        """Yield the answer over the first rows of a scan; where too few of them pass, over more."""
        assert spec.top is not None
        assert spec.top.asked is not None
        yield from self._until_enough(spec, enough(spec.top, 1), spec.top.asked, self._answer)

    def _register(self) -> None:
        """Register every scan: from here on the statements can be planned."""
        with self.report.step("open"):
            if self._sources is not None:
                self._scans = ScanBuilder(
                    self._engine.context, self._sources, self.report, measured=self.explaining,
                    statements=self._in_memory, grouping=self._grouping, coded=self._coded,
                )  # fmt: skip
                for spec in self._plan.scans:
                    first = None
                    if spec.top is not None and (spec.name in self._limited or spec.top.asked is not None):
                        first = enough(spec.top, len(self._sources.snapshots(spec.objects)))
                        if spec.top.asked is None:
                            first = None if self._is_sooner_read(spec) else first
                            self._enough[spec.name] = first
                        elif first is not None:
                            self._guessed = spec
                    self._scans.register(spec, first)

    def _is_sooner_read(self, spec: ScanSpec) -> bool:
        """Whether all rows of a scan are read sooner than NumPy is imported; documents are not read without it."""
        assert self._sources is not None
        fetches = any(not stage.fetch.is_empty for stage in self._plan.stages)
        return not fetches and self._sources.are_sooner_read(spec.objects)

    @property
    def _engine(self) -> Statements:
        assert self._statements is not None
        return self._statements

    def _select(self, select: Select, name: str) -> Iterator[pa.RecordBatch]:
        if select.source_name in self._streamed:
            text, projected = select.render(), projection(select)
            step = self.report.step(name)
            for batch in self._stage(self._stages[select.source_name]):
                if projected is not None:
                    step.rows += batch.num_rows
                    yield projected(batch)
                    continue
                self._engine.replace_table(select.source_name, [batch])
                yield from self._engine.run(text, name)
        elif select.source_name in self._enough:
            yield from self._first_rows(select, name)
        else:
            yield from self._scanned(select, name)

    def _scanned(self, select: Select, name: str) -> Iterator[pa.RecordBatch]:
        """Yield what a statement gives, where its rows are in memory without the engine."""
        if self._grouping is not None and select is self._grouping.statement:
            groups = self._groups(self._grouping)
            if groups is not None:
                yield from self._above(self._grouping, groups, name)
                return
        rows = None if self._sources is None else self._scans.held.get(select.source_name)
        if rows is None:
            yield from self._engine.run(select.render(), name)
            return
        yield from self._without_engine(self._in_memory[select.source_name], rows, name)

    def _without_engine(self, statement: WithoutEngine, rows: pa.Table, name: str) -> Iterator[pa.RecordBatch]:
        """Yield what a statement gives for rows that are in memory."""
        step = self.report.step(name)
        with step:
            batch = statement.rows(rows)
        self.report.in_memory[name] = self.report.in_memory.get(name, 0) + rows.num_rows
        if batch.num_rows:
            step.rows += batch.num_rows
            yield batch

    def _groups(self, grouping: Grouping) -> pa.Table | None:
        """Return the groups of a scan, where they are not made by the statement of the plan."""
        counted, held = self._scans.counted.get(grouping.scan.name), self._scans.held.get(grouping.scan.name)
        if counted is not None and grouping.counts:
            return grouping.counted(counted)
        if held is not None and grouping.few is not None:
            if self.explaining:
                self.report.said[grouping.table] = grouping.groups.render()
            batches = list(self._without_engine(grouping.few, held, grouping.table))
            return grouping.counted(sum(map(len, batches))) if grouping.counts else pa.Table.from_batches(batches)
        if self._coded is None or not self._scans.books:
            return None
        text = self.report.said[grouping.table] = self._coded.render(self._scans.books)
        batches = list(self._engine.run(text, grouping.table)) or [empty_batch(self._engine.frame(text).schema())]
        with self.report.step(grouping.table):
            return pa.Table.from_batches([self._coded.decoded(each, self._scans.books) for each in batches])

    def _above(self, grouping: Grouping, groups: pa.Table, name: str) -> Iterator[pa.RecordBatch]:
        """Yield what a statement gives whose groups are in memory."""
        if self.explaining:
            self.report.said[name] = grouping.above
        if grouping.in_memory is not None and grouping.in_memory.fits(groups):
            yield from self._without_engine(grouping.in_memory, groups, name)
        else:
            self._engine.replace_table(grouping.table, groups.to_batches() or [empty_batch(groups.schema)])
            yield from self._engine.run(grouping.above, name)

    def _first_rows(self, select: Select, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the first rows of a scan; where too few of those that were looked at count, look at more."""
        spec = next(each for each in self._plan.scans if each.name == select.source_name)
        assert select.limit is not None
        yield from self._until_enough(spec, self._enough[spec.name], select.limit, lambda: self._scanned(select, name))

    def _until_enough(
        self, spec: ScanSpec, looked_at: int | None, wanted: int, run: Callable[[], Iterator[pa.RecordBatch]]
    ) -> Iterator[pa.RecordBatch]:
        """Yield what ``run`` gives over the first rows of a scan, once it is enough or there are no more."""
        assert spec.top is not None
        while True:
            batches = list(run())
            rows = sum(batch.num_rows for batch in batches)
            if rows >= wanted or looked_at is None or spec.name not in self._scans.withheld:
                break
            looked_at = more(spec.top, looked_at, rows)
            with self.report.step("open"):
                self._scans.widen(spec, looked_at)
        yield from batches

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
        assert self._grant is not None
        batches: list[pa.RecordBatch] = []
        held = 0
        for batch in self._stage(stage):
            batches.append(batch)
            held += batch.nbytes
            if held > self._grant.memory_bytes:
                from btql.execution.exceeded import too_many_documents

                raise too_many_documents(self._grant, stage.name, sum(each.num_rows for each in batches))
        if not batches:
            batches = [self._empty(stage)]
        self._engine.replace_table(stage.name, batches)

    def _empty(self, stage: Stage) -> pa.RecordBatch:
        """Return a batch without rows that has the columns of a stage."""
        assert self._fetcher is not None
        below = stage.select
        if below.source_name in self._streamed:
            self._engine.replace_table(below.source_name, [self._empty(self._stages[below.source_name])])
        held = self._scans.held.get(below.source_name)
        if held is not None:
            return self._fetcher.add(self._in_memory[below.source_name].rows(held.slice(0, 0)), stage.fetch)
        return self._fetcher.add(empty_batch(self._engine.frame(below.render()).schema()), stage.fetch)
