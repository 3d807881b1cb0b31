"""The paths that rows of tables have by now, which no column tells: ``information_schema.paths``.

They are read from a snapshot of each table, so a table costs a little; a condition that names the table is looked for
in the statement, and the others are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from btql.cli.words import spelled
from btql.tables import paths
from btql_storage.errors import UnknownObject

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from btql.execution.stop import Stop
    from btql.tables import Table
    from btql_storage.snapshot import Snapshot

    Opening = Callable[[Table], AbstractContextManager[Snapshot]]

RELATION = ("information_schema", "paths")
PATH_SHAPE = pa.schema(
    [
        ("table_schema", pa.string()),
        ("table_name", pa.string()),
        ("path", pa.string()),
        ("kinds", pa.list_(pa.string())),
    ]
)


def path_rows(tables: Iterable[Table], opened: Opening, stop: Stop) -> pa.Table:
    """Return a row for each path of each table: as it is written in a query, and the kinds of its values."""
    columns: tuple[list[str], list[str], list[str], list[list[str]]] = ([], [], [], [])
    for table in tables:
        stop.check()
        try:
            with opened(table) as snapshot:
                seen = paths(snapshot)
        except UnknownObject:
            # It was deleted meanwhile.
            continue
        columns[0].extend([table.schema] * len(seen))
        columns[1].extend([table.name] * len(seen))
        columns[2].extend(spelled(each.path) for each in seen)
        columns[3].extend(list(each.kinds) for each in seen)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, PATH_SHAPE, strict=True)]
    return pa.Table.from_arrays(arrays, schema=PATH_SHAPE)


def asked_for(tree: exp.Query, tables: Sequence[Table]) -> Sequence[Table]:
    """Return the tables that a statement can be about: one that names its table reads no other."""
    where = tree.args.get("where")
    if where is None or tree.args.get("joins") or len(list(tree.find_all(exp.Table))) != 1:
        return tables
    for condition in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
        if isinstance(condition, exp.EQ) and isinstance(condition.this, exp.Column):
            field, value = condition.this.name.lower(), condition.expression
            if isinstance(value, exp.Literal) and value.is_string and field in ("table_name", "table_schema"):
                of = "name" if field == "table_name" else "schema"
                tables = [each for each in tables if getattr(each, of) == value.this]
    return tables
