"""The dialect: what SQLAlchemy has to know of btql, and how it connects.

What differs from other databases:

- Each statement that writes is a transaction of its own, durable when it returns. ``commit`` has nothing to do, and
  what was written before a ``rollback`` stays, which a warning says.
- There are no sequences and no RETURNING: a row whose ``id`` is not given gets one that SQLAlchemy does not learn.
- Objects come into being with their first row, so CREATE, ALTER and DROP are refused, with a hint.
"""

from __future__ import annotations

from collections.abc import Collection
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote

from sqlalchemy import exc, util
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.engine import URL, Connection, default
from sqlalchemy.engine.interfaces import (
    ConnectArgsType,
    DBAPIModule,
    ReflectedPrimaryKeyConstraint,
    ReflectedTableComment,
)

from btql.alchemy import reflection as reflected
from btql.alchemy.compiler import BtqlCompiler, BtqlIdentifierPreparer
from btql.alchemy.types import COLSPECS
from btql.tables import Table, schemas
from btql_storage.location import PARAMETERS

if TYPE_CHECKING:
    import btql

_SCHEMA = "project_logs"
"""The schema of tables that are named without one, for the inspector; a statement finds them in any, if unique."""


class BtqlDialect(default.DefaultDialect):
    """A database in a folder: ``btql:////path/to/it``."""

    name = "btql"
    driver = "folder"
    scheme: ClassVar[str | None] = None
    """What the URL of the server begins with; None for a folder."""

    statement_compiler = BtqlCompiler
    type_compiler_cls = PGTypeCompiler
    preparer = BtqlIdentifierPreparer
    colspecs = COLSPECS
    default_paramstyle = "qmark"

    supports_statement_cache = True
    supports_alter = False
    supports_comments = True
    supports_default_values = False
    supports_empty_insert = False
    supports_multivalues_insert = True
    supports_native_boolean = True
    supports_native_uuid = False
    supports_sane_rowcount = True
    supports_sane_multi_rowcount = False
    supports_views = False
    postfetch_lastrowid = False
    div_is_floordiv = False
    tuple_in_values = False
    max_identifier_length = 1000

    # What the compiler for PostgreSQL asks of its dialect.
    _backslash_escapes = True
    _supports_jsonb_subscripting = False

    @classmethod
    def import_dbapi(cls) -> DBAPIModule:
        """Return the module of PEP 249."""
        import btql

        return cast("DBAPIModule", btql)

    def create_connect_args(self, url: URL) -> ConnectArgsType:
        """Return what :func:`btql.connect` is called with."""
        options = _options(url)
        if self.scheme is None:
            if url.host or not url.database:
                message = f"`{url}` names no folder: write btql:////absolute/path or btql:///relative/path"
                raise exc.ArgumentError(message)
            return [url.database], {"create": False, **options}
        if not url.host:
            raise exc.ArgumentError(f"`{url}` names no server: write btql+{self.driver}://KEY@host:port")
        key = url.password or url.username
        host = f"[{url.host}]" if ":" in url.host else url.host
        port = "" if url.port is None else f":{url.port}"
        path = f"/{url.database}" if url.database else ""
        return [f"{self.scheme}://{host}{port}{path}"], {**({"api_key": key} if key else {}), **options}

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: object = None) -> None:  # noqa: ANN401
        """Run a statement; one that takes no values is given none."""
        cursor.execute(statement, parameters or None)

    # Transactions.

    def do_rollback(self, dbapi_connection: Any) -> None:  # noqa: ANN401  as the base class has it
        """Warn where something was written: it stays."""
        import btql

        try:
            dbapi_connection.rollback()
        except btql.NotSupportedError as error:
            util.warn(str(error))

    def get_isolation_level_values(self, dbapi_conn: object) -> list[Any]:
        """Return the one way that there is: each statement by itself."""
        return ["AUTOCOMMIT"]

    def get_isolation_level(self, dbapi_connection: object) -> Any:  # noqa: ANN401
        """Return how statements belong together: not at all."""
        return "AUTOCOMMIT"

    def set_isolation_level(self, dbapi_connection: object, level: object) -> None:
        """Do nothing: there is one level."""

    def detect_autocommit_setting(self, dbapi_conn: object) -> bool:
        """Return that each statement is a transaction of its own."""
        return True

    def is_disconnect(self, e: Exception, connection: object, cursor: object) -> bool:
        """Return whether an error means that the server cannot be reached."""
        return str(getattr(e, "sqlstate", "")).startswith("08")

    # Reflection.

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
        return reflected.table(self._tables(connection, keywords), name, schema or _SCHEMA)

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
        return [*reflected.columns(self._table(connection, table_name, schema, keywords))]

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


class _BucketDialect(BtqlDialect):
    """A database whose files are in a bucket; what stands behind the question mark is as in its own address."""

    bucket: ClassVar[str]
    """What the address begins with."""

    def create_connect_args(self, url: URL) -> ConnectArgsType:
        """Return what :func:`btql.connect` is called with."""
        if not url.host or url.username or url.port:
            message = f"`{self.bucket}` names no bucket: write btql+{self.bucket}://bucket/prefix?catalog=…"
            raise exc.ArgumentError(message)
        options = _options(url, without=PARAMETERS)
        services = [f"{key}={quote(_last(url.query[key]), safe='')}" for key in PARAMETERS if key in url.query]
        path = f"/{quote(url.database)}" if url.database else ""
        question = "?" if services else ""
        return [f"{self.bucket}://{url.host}{path}{question}{'&'.join(services)}"], {"create": False, **options}


class BtqlS3Dialect(_BucketDialect):
    """A bucket of S3: ``btql+s3://bucket/prefix?catalog=postgresql://…``."""

    driver = bucket = "s3"
    supports_statement_cache = True


class BtqlGsDialect(_BucketDialect):
    """A bucket of Google Cloud Storage: ``btql+gs://bucket/prefix?catalog=postgresql://…``."""

    driver = bucket = "gs"
    supports_statement_cache = True


class BtqlAzDialect(_BucketDialect):
    """A container of Azure: ``btql+az://container/prefix?catalog=postgresql://…``."""

    driver = bucket = "az"
    supports_statement_cache = True


class BtqlHttpDialect(BtqlDialect):
    """A server: ``btql+http://KEY@host:8000``."""

    driver = scheme = "http"
    supports_statement_cache = True


class BtqlHttpsDialect(BtqlDialect):
    """A server behind TLS: ``btql+https://KEY@host``."""

    driver = scheme = "https"
    supports_statement_cache = True


class BtqlGrpcDialect(BtqlDialect):
    """A server over Flight SQL: ``btql+grpc://KEY@host:31337``."""

    driver = scheme = "grpc"
    supports_statement_cache = True


class BtqlGrpcTlsDialect(BtqlDialect):
    """A server over Flight SQL with TLS: ``btql+grpcs://KEY@host:31337``."""

    driver, scheme = "grpcs", "grpc+tls"
    supports_statement_cache = True


def _options(url: URL, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the options of :func:`btql.connect` that a URL gives."""
    import btql

    known = [each.name for each in signature(btql.connect).parameters.values() if each.kind is each.KEYWORD_ONLY]
    options = {key: _option(value) for key, value in url.query.items() if key not in without}
    for wrong in options.keys() - set(known):
        raise exc.ArgumentError(f"`{wrong}` is no option of a btql URL: there are {', '.join([*without, *known])}")
    return options


def _option(value: str | tuple[str, ...]) -> object:
    """Return an option of :func:`btql.connect` that stands in a URL."""
    text = _last(value)
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _last(value: str | tuple[str, ...]) -> str:
    """Return what an option of a URL says, the last time that it stands there."""
    return value if isinstance(value, str) else value[-1]
