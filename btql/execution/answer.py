"""Answers: what becomes of the engine's batches before they are handed out.

Most answers are the batches as they come. A pivot waits for all of them, an
inference reads rows and hands out none; both are done when the answer is first
looked at. Where there is a next page, the last rows say where it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.stop import Stop, go_on
from btql.values import python_values
from btql_planner.catalog import FieldCatalog
from btql_planner.clauses.cursor import encode, key_number
from btql_planner.engine_plan import EnginePlan, OutputColumn
from btql_planner.finish import Infer, NextPage, Pivot
from btql_planner.types import Kind

if TYPE_CHECKING:
    from btql.execution.infer import JsonSchema


_PIECE_ROWS = 256


class EngineAnswer:
    """The answer to one query, as columns and batches of the engine's kinds."""

    def __init__(
        self,
        plan: EnginePlan,
        batches: Iterator[pa.RecordBatch],
        catalogs: Callable[[], Sequence[FieldCatalog]],
        stop: Stop | None = None,
    ) -> None:
        self._plan = plan
        self._check = go_on if stop is None else stop.check
        self._batches = batches
        self._catalogs = catalogs
        shown = len(plan.outputs) - plan.answer.hidden
        self._outputs: Sequence[OutputColumn] = plan.outputs[:shown]
        self._marks = _Marks(plan.answer.next_page, plan.outputs[shown:]) if plan.answer.next_page else None
        self._finished = False
        self._read = False
        self._schema: JsonSchema | None = None

    def outputs(self) -> Sequence[OutputColumn]:
        """Return the columns; a pivot is computed for it."""
        self._finish()
        return self._outputs

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        self._finish()
        try:
            for batch in self._batches:
                if self._marks is not None:
                    self._marks.see(batch)
                yield batch
        finally:
            # Whoever reads no further leaves nothing running, though he keeps the answer.
            if isinstance(self._batches, Generator):
                self._batches.close()
        self._read = True

    def inferred(self) -> JsonSchema | None:
        """Return the schema that was asked for with ``infer``."""
        self._finish()
        return self._schema

    @property
    def has_cursor(self) -> bool:
        """Whether a next page can be asked for."""
        return self._marks is not None

    def cursor(self) -> str | None:
        """Return the token of the next page, None where no row was found; all rows have been read."""
        assert self._read, "the last row says where the next page begins"
        return None if self._marks is None else self._marks.token()

    def _finish(self) -> None:
        if self._finished:
            return
        self._finished = True
        match self._plan.answer.finish:
            case Pivot() as spec:
                names = [name for output in self._outputs for name in output.parts.values()]
                batches = [batch.select(names) for batch in self._batches]
                table = pa.Table.from_batches(batches) if batches else None
                from btql.execution.pivot import pivot

                self._outputs, finished = pivot(spec, self._outputs, table, self._check)
                self._batches = iter([finished])
            case Infer():
                from btql.execution.infer import infer

                self._schema = infer(self._names(), self._rows(), self._catalogs())
                self._batches = iter(())
            case None:
                pass

    def _names(self) -> dict[str, tuple[str | int, ...]]:
        names = [output.name for output in self._outputs]
        return dict(zip(names, self._plan.answer.paths, strict=True))

    def _rows(self) -> Iterator[dict[str, object]]:
        for batch in _pieces(self._batches):
            self._check()
            columns = {output.name: python_values(output, batch) for output in self._outputs}
            for row in zip(*columns.values(), strict=True):
                self._check()
                yield dict(zip(columns, row, strict=True))


def _pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches of few rows, between which somebody may look whether to go on."""
    for batch in batches:
        for start in range(0, batch.num_rows, _PIECE_ROWS):
            yield batch.slice(start, _PIECE_ROWS)


class _Marks:
    """Where the page ends, as far as it was read."""

    def __init__(self, page: NextPage, columns: Sequence[OutputColumn]) -> None:
        self._page = page
        self._columns = [column.parts[Kind.TEXT] for column in columns]
        self._last: list[str] | None = None
        self._lowest: str | None = None
        self._highest: str | None = None

    def see(self, batch: pa.RecordBatch) -> None:
        """Take in some rows, in order."""
        if not batch.num_rows:
            return
        columns = [batch.column(name) for name in self._columns]
        self._last = [column[-1].as_py() for column in columns]
        if self._page.paging.by == "trace":
            keys, newest = columns[0].to_pylist(), columns[-1].to_pylist()
            self._lowest = min(keys if self._lowest is None else [*keys, self._lowest])
            self._highest = max(newest if self._highest is None else [*newest, self._highest])

    def token(self) -> str | None:
        """Return the token of the next page."""
        if self._last is None:
            return None
        paging = self._page.paging
        match paging.by:
            case "key":
                return encode(key_number(self._last[0]))
            case "transaction":
                return encode(int(self._last[0]), key_number(self._last[1]))
            case "trace":
                assert self._lowest is not None
                assert self._highest is not None
                if not paging.descending:
                    return encode(key_number(self._highest))
                newest = self._page.newest
                return encode(key_number(self._lowest), key_number(self._highest) if newest is None else newest)
