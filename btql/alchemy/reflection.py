"""What SQLAlchemy's inspector learns: objects as tables, their fields as columns.

All of it comes from :mod:`btql.tables`, as for the catalogs of the wire protocols, and holds what the connection may
read. It is read once for each inspector, which keeps what it was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from sqlalchemy import exc, types
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from btql.tables import ColumnType, Table

_TYPES: dict[ColumnType, types.TypeEngine[Any]] = {
    "text": types.Text(),
    "text[]": ARRAY(types.Text),
    "timestamptz": types.DateTime(timezone=True),
    "boolean": types.Boolean(),
    "jsonb": JSONB(),
}


class ReflectedColumn(TypedDict):
    """A column as SQLAlchemy wants it."""

    name: str
    type: types.TypeEngine[Any]
    nullable: bool
    default: None
    comment: str | None
    autoincrement: bool


def table(of: Sequence[Table], name: str, schema: str) -> Table:
    """Return the table of a name, or of an id."""
    for each in of:
        if each.schema == schema and name in (each.name, each.id):
            return each
    raise exc.NoSuchTableError(f"{schema}.{name}")


def columns(of: Table) -> list[ReflectedColumn]:
    """Return the columns of a table."""
    return [
        {
            "name": each.name,
            "type": _TYPES[each.type],
            "nullable": each.nullable,
            "default": None,
            "comment": each.note,
            "autoincrement": False,
        }
        for each in of.columns
    ]
