"""Statements of the engine, run one after the other in the session of one run; each tells the report what it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from btql.errors import Error
from btql.execution.engine_threads import Run, runs
from btql.execution.goes_on import GoesOn
from btql.execution.weight import check_weight

if TYPE_CHECKING:
    import pyarrow as pa

    from btql.execution.admission import Grant
    from btql.execution.engine import DataFrame, RecordBatch, SessionContext
    from btql.execution.report import RunReport
    from btql.execution.stop import Stop

FUNCTION_PREFIX = "btql_"
"""How the names of functions begin that are written in Python; few statements call any."""


class Statements:
    """Runs statements within what one run was granted."""

    def __init__(
        self, context: SessionContext, report: RunReport, grant: Grant, stop: Stop | None, *, explaining: bool
    ) -> None:
        self.context = context
        self._report = report
        self._grant = grant
        self._stop = stop
        self._explaining = explaining
        self._goes_on = GoesOn()

    def run(self, text: str, name: str) -> Iterator[pa.RecordBatch]:
        """Yield what a statement gives; the report has it under a name."""
        step = self._report.step(name)
        with step:
            frame = self.frame(text)
            run = Run(self._stream(frame))
        ended = False
        exceeded: Error | None = None
        runs.begin(run)
        try:
            while not ended:
                with step:
                    batch = run.next()
                if batch is None:
                    ended = True
                elif (converted := batch.to_pyarrow()).num_rows:
                    step.rows += converted.num_rows
                    yield converted
        except Exception as error:
            from btql.execution.exceeded import explained

            exceeded = explained(error, frame, self._grant)
            if exceeded is None:
                raise
        finally:
            self._goes_on.given_up = not ended
            runs.end(run, given_up=not ended)
            if self._explaining:
                self._report.plans.setdefault(name, []).append(frame.execution_plan())
        if exceeded is not None:
            # Not where the other one was caught: it would come along, with the frames that hold the stream, and the
            # engine goes on for as long as somebody does.
            raise exceeded

    def frame(self, text: str) -> DataFrame:
        """Return a statement, planned by the engine but not run."""
        check_weight(text)
        if FUNCTION_PREFIX in text:
            from btql.execution.functions import register_functions

            register_functions(self.context, text, self._report.functions, self._goes_on)
        return self.context.sql(text)

    def replace_table(self, name: str, batches: Sequence[pa.RecordBatch]) -> None:
        """Make batches in memory a table, in the place of what was called so before."""
        if self.context.table_exist(name):
            self.context.deregister_table(name)
        self.context.register_record_batches(name, [batches])

    def _stream(self, frame: DataFrame) -> Iterator[RecordBatch]:
        if self._stop is None:
            return frame.execute_stream()
        from btql.execution.stoppable import stream

        return stream(frame, self._stop)
