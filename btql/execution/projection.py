"""Statements that only name columns, done without the engine.

The last statement of most queries that fetch documents gives the columns of a
stage the names of the answer, and adds a constant or two. The engine would plan
it for two milliseconds for each batch that comes out of the fetch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from btql_planner import sql_text
from btql_planner.select import Select

if TYPE_CHECKING:
    from btql_storage.arrow import Array

Reader: TypeAlias = "Callable[[pa.RecordBatch], Array]"
Projection: TypeAlias = "Callable[[pa.RecordBatch], pa.RecordBatch]"


def projection(select: Select) -> Projection | None:
    """Return what makes a batch of the source one of the answer; None where that takes the engine."""
    if not select.is_rowwise or select.where or not select.outputs or isinstance(select.source, Select):
        return None
    read = {name: reader(sql) for name, sql in select.outputs.items()}
    readers = {name: reader for name, reader in read.items() if reader is not None}
    if len(readers) < len(read):
        return None
    names = list(readers)
    return lambda batch: pa.RecordBatch.from_arrays([read(batch) for read in readers.values()], names=names)


def reader(sql: str) -> Reader | None:
    """Return what reads an expression of a batch; None where that takes the engine."""
    if sql_text.is_name(sql):
        name = sql_text.unquoted(sql)
        return lambda batch: batch.column(name)
    if sql_text.is_text(sql):
        constant = pa.scalar(sql_text.unquoted(sql), pa.string())
        return lambda batch: pa.repeat(constant, batch.num_rows)
    return None
