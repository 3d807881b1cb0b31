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
from typing import Any, ClassVar, cast
from urllib.parse import quote

from sqlalchemy import exc, util
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import ConnectArgsType, DBAPIModule

from btql.alchemy.compiler import BtqlCompiler, BtqlIdentifierPreparer
from btql.alchemy.reflection import ReflectingDialect
from btql.alchemy.types import COLSPECS
from btql_storage.opening.address import PARAMETERS


class BtqlDialect(ReflectingDialect):
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
