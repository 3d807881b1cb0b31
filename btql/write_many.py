"""One statement that writes, run for many sequences of values: ``executemany``.

1. Values are put into the statement for each sequence, so that what does not fit is an error before anything is
   written.
2. An INSERT with VALUES becomes one INSERT with the rows of all sequences, which is one transaction. Where there are
   more rows than a transaction holds, it is several, each as large as may be.
3. Any other statement runs for one sequence after the other, each as a transaction of its own: what it matches may
   depend on what the one before has written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from btql.errors import drawn_over
from btql.write_statements import WriteStatement, write
from btql_grammar import tree
from btql_grammar.parameters import each_with_values, with_values
from btql_grammar.span import Source
from btql_grammar.tree_statements import Insert
from btql_planner import errors
from btql_storage.ingest.accept import EVENTS_MAX

if TYPE_CHECKING:
    from btql.database import Database
    from btql_grammar.parameters import Values
    from btql_planner.options import QueryOptions

Row: TypeAlias = tuple[tree.Expression, ...]


def write_many(
    database: Database,
    source: Source,
    statement: tree.Statement,
    sequences: Sequence[Values],
    options: QueryOptions | None,
) -> int:
    """Run a statement for each sequence of values; return how many rows were written."""
    with drawn_over(source):
        if not isinstance(statement, WriteStatement):
            raise errors.not_supported(
                "a query with many sequences of values", statement.span, "run it once for each of them, with `execute`"
            )
        if isinstance(statement, Insert) and isinstance(statement.source, tree.Values):
            written = each_with_values(statement, statement.source.rows, sequences)
            statements = list(_joined(statement, statement.source, [row for rows in written for row in rows]))
        else:
            statements = [with_values(statement, values) for values in sequences]
    return sum(write(database, source, each, options) for each in statements)


def _joined(insert: Insert, values: tree.Values, rows: Sequence[Row]) -> Iterator[WriteStatement]:
    """Yield an INSERT with all rows, or several, each with as many as a transaction holds."""
    for start in range(0, len(rows), EVENTS_MAX):
        yield replace(insert, source=replace(values, rows=tuple(rows[start : start + EVENTS_MAX])))
