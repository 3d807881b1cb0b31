"""An answer that is there when the statement has run: a count of rows written, the lines of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.result import Result
from btql_planner.engine_plan import OutputColumn
from btql_planner.types import Kind

if TYPE_CHECKING:
    from btql.database import Database
    from btql.execution.infer import JsonSchema
    from btql_grammar.span import Source
    from btql_grammar.tree_statements import NoQuery
    from btql_planner.options import QueryOptions

PLAN_COLUMN = "QUERY PLAN"
"""The column in which EXPLAIN answers, called as PostgreSQL calls it."""


class FixedAnswer:
    """One column of values."""

    def __init__(self, name: str, kind: Kind, values: pa.Array) -> None:
        self._output = OutputColumn(name, {kind: name})
        self._batch = pa.record_batch({name: values})

    @property
    def has_cursor(self) -> bool:
        """Whether a next page can be asked for."""
        return False

    def outputs(self) -> Sequence[OutputColumn]:
        """Return the column."""
        return (self._output,)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        yield self._batch

    def cursor(self) -> str | None:
        """Return no token: there is no next page."""
        return None

    def inferred(self) -> JsonSchema | None:
        """Return no schema: it was not asked for."""
        return None


def answer_to(database: Database, source: Source, statement: NoQuery, options: QueryOptions | None) -> Result:
    """Run a statement that is no query; return what it says of itself."""
    from btql.explain import explain_statement
    from btql.write_statements import WriteStatement, write

    if isinstance(statement, WriteStatement):
        return written(write(database, source, statement, options))
    text = explain_statement(database, source, statement, options)
    is_json = statement.format == "json"
    kind, lines = (Kind.JSON, [text]) if is_json else (Kind.TEXT, text.splitlines())
    return Result(FixedAnswer(PLAN_COLUMN, kind, pa.array(lines, pa.string())))


def written(count: int) -> Result:
    """Return the answer to a statement that writes: how many rows it has written."""
    result = Result(FixedAnswer("count", Kind.INTEGER, pa.array([count], pa.int64())))
    result.rows_written = count
    return result
