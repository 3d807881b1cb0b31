"""What SQLAlchemy's inspector learns: objects as tables, their fields as columns.

All of it comes from :mod:`btql.tables`, as for the catalogs of the wire protocols, and holds what the connection may
read. It is read once for each inspector, which keeps what it was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

from sqlalchemy import exc, types
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Connection, default
from sqlalchemy.engine.interfaces import ReflectedPrimaryKeyConstraint, ReflectedTableComment

from btql.tables import ColumnType, Table, schemas

if TYPE_CHECKING:
    import btql

_SCHEMA = "project_logs"
"""The schema of tables that are named without one, for the inspector; a statement finds them in any, if unique."""
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


class ReflectingDialect(default.DefaultDialect):
    """The part of the dialect that an inspector asks."""

    def _tables(self, connection: Connection, keywords: dict[str, object]) -> list[Table]:
        """Return the tables that may be read; an inspector asks once."""
        cache = cast("dict[str, list[Table]] | None", keywords.get("info_cache"))
        if cache is not None and _SCHEMA in cache:
            return cache[_SCHEMA]
        import btql

        raw = cast("btql.Connection", connection.connection.dbapi_connection)
        try:
            found = raw.tables()
        except btql.Error as error:
            raise exc.DBAPIError.instance(None, None, error, btql.Error, dialect=self) from error
        if cache is not None:
            cache[_SCHEMA] = found
        return found

    def _table(self, connection: Connection, name: str, schema: str | None, keywords: dict[str, object]) -> Table:
        return _named(self._tables(connection, keywords), name, schema or _SCHEMA)

    def _get_default_schema_name(self, connection: Connection) -> str:
        return _SCHEMA

    def get_schema_names(self, connection: Connection, **keywords: object) -> list[str]:
        """Return the kinds of object."""
        return schemas(self._tables(connection, keywords))

    def get_table_names(self, connection: Connection, schema: str | None = None, **keywords: object) -> list[str]:
        """Return the objects of a kind."""
        return [each.name for each in self._tables(connection, keywords) if each.schema == (schema or _SCHEMA)]

    def has_table(self, connection: Connection, table_name: str, schema: str | None = None, **keywords: object) -> bool:
        """Return whether there is an object."""
        try:
            self._table(connection, table_name, schema, keywords)
        except exc.NoSuchTableError:
            return False
        return True

    def get_columns(
        self, connection: Connection, table_name: str, schema: str | None = None, **keywords: object
    ) -> list[Any]:
        """Return the fields that rows of an object are known to have."""
        return [*_columns(self._table(connection, table_name, schema, keywords))]

    def get_pk_constraint(
        self, connection: Connection, table_name: str, schema: str | None = None, **keywords: object
    ) -> ReflectedPrimaryKeyConstraint:
        """Return that ``id`` is what names a row."""
        self._table(connection, table_name, schema, keywords)
        return {"constrained_columns": ["id"], "name": None}

    def get_table_comment(
        self, connection: Connection, table_name: str, schema: str | None = None, **keywords: object
    ) -> ReflectedTableComment:
        """Return what an object is."""
        return {"text": self._table(connection, table_name, schema, keywords).note}

    def get_foreign_keys(
        self, connection: Connection, table_name: str, schema: str | None = None, **keywords: object
    ) -> list[Any]:
        """Return none: rows of one table name none of another."""
        self._table(connection, table_name, schema, keywords)
        return []

    def get_indexes(
        self, connection: Connection, table_name: str, schema: str | None = None, **keywords: object
    ) -> list[Any]:
        """Return none: what speeds queries up is made without being asked."""
        self._table(connection, table_name, schema, keywords)
        return []

    def get_unique_constraints(
        self, connection: Connection, table_name: str, schema: str | None = None, **keywords: object
    ) -> list[Any]:
        """Return none: only ``id`` is unique, which the primary key says."""
        self._table(connection, table_name, schema, keywords)
        return []

    def get_check_constraints(
        self, connection: Connection, table_name: str, schema: str | None = None, **keywords: object
    ) -> list[Any]:
        """Return none: documents may hold anything."""
        self._table(connection, table_name, schema, keywords)
        return []

    def get_view_names(self, connection: Connection, schema: str | None = None, **keywords: object) -> list[str]:
        """Return none: there are only tables."""
        return []

    def get_materialized_view_names(
        self, connection: Connection, schema: str | None = None, **keywords: object
    ) -> list[str]:
        """Return none: there are only tables."""
        return []

    def get_temp_table_names(self, connection: Connection, schema: str | None = None, **keywords: object) -> list[str]:
        """Return none: there are only tables."""
        return []

    def get_temp_view_names(self, connection: Connection, schema: str | None = None, **keywords: object) -> list[str]:
        """Return none: there are only tables."""
        return []

    def get_sequence_names(self, connection: Connection, schema: str | None = None, **keywords: object) -> list[str]:
        """Return none: there are only tables."""
        return []


def _named(of: Sequence[Table], name: str, schema: str) -> Table:
    """Return the table of a name, or of an id."""
    for each in of:
        if each.schema == schema and name in (each.name, each.id):
            return each
    raise exc.NoSuchTableError(f"{schema}.{name}")


def _columns(of: Table) -> list[ReflectedColumn]:
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
