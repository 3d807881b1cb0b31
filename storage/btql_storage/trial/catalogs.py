"""What a catalog is like, and what is allowed there."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, cast

from btql_storage.addresses import shown
from btql_storage.catalog.catalog import Catalog
from btql_storage.errors import AccessDenied, NewerFormat
from btql_storage.opening.identity import FILES, check_files, check_ids, check_own, empty
from btql_storage.opening.services import NUMBERS, check_numbered
from btql_storage.stores.local import LocalStore
from btql_storage.trial.tried import PATIENCE_S, Service, Tried, may_make

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from btql_storage.databases.interface import Row
    from btql_storage.databases.postgres_connections import Connection
    from btql_storage.opening.location import Location
    from btql_storage.opening.marker import Marker

_POSTGRES_MIN = 15


def try_sqlite(path: Path, location: Location, marker: Marker | None) -> list[Tried]:
    """Try a catalog in a file."""
    service = Service("catalog", str(path))

    def make() -> str:
        if marker is not None and not location.is_alone:
            raise empty(str(path), location.files)
        return may_make(path.parent)

    def read() -> str:
        catalog = Catalog.sqlite(LocalStore(path.parent), path.name, read_only=True, wait_s=PATIENCE_S)
        with closing(catalog):
            return _about(catalog, location, marker)

    def write() -> None:
        for each in (path, path.parent):
            if not os.access(each, os.W_OK):
                raise AccessDenied(f"cannot write `{each}`", "check owner and permissions of the folder")

    if not path.exists():
        service.attempt("make", make)
        return service.tried
    service.attempt("read", read)
    service.attempt("write", write)
    return service.tried


def try_postgres(location: Location, marker: Marker | None) -> list[Tried]:
    """Try PostgreSQL, and the catalog there."""
    address = cast("str", location.catalog)
    service = Service("catalog", shown(address))
    with ExitStack() as stack:
        opened: list[_Postgres] = []

        def connect() -> str:
            opened.append(_Postgres(address, service.place))
            stack.callback(opened[0].connections.close)
            return opened[0].version()

        def tables() -> str:
            found = opened[0].tables()
            if marker is not None and not opened[0].has_tables:
                raise empty(service.place, location.files)
            return found

        def read() -> str:
            with closing(Catalog.postgres(address, read_only=True, wait_s=PATIENCE_S)) as catalog:
                return _about(catalog, location, marker, "redis" if location.redis else "catalog")

        service.attempt("connect", connect)
        for server in opened:
            service.attempt("tables", tables)
            if service.works() and server.has_tables:
                service.attempt("read", read)
                service.attempt("write", server.write)
    return service.tried


class _Postgres:
    """A server, and what may be done there."""

    def __init__(self, address: str, label: str) -> None:
        from btql_storage.databases.postgres_connections import Connections

        self.connections = Connections(address, wait_s=PATIENCE_S)
        self.has_tables = False
        self._label = label

    def version(self) -> str:
        """Return which server it is, and who we are."""
        query = (
            "select current_setting('server_version'), cast(current_setting('server_version_num') as int), current_user"
        )
        ((name, number, user),) = self._ask(query)
        if number < _POSTGRES_MIN * 10_000:
            raise NewerFormat(f"PostgreSQL {name} is too old", f"btql needs PostgreSQL {_POSTGRES_MIN} or later")
        return f"PostgreSQL {name} as {user}"

    def tables(self) -> str:
        """Look for the tables of the catalog, or whether they can be made."""
        self.has_tables = bool(self._ask("select to_regclass('settings') is not null")[0][0])
        if self.has_tables:
            return "the catalog is there"
        schema = self.connections.address.schema
        # It is none for whoever may not use it, and what there is in it cannot be seen.
        query = "select has_schema_privilege(oid, 'USAGE') from pg_namespace where nspname = $1"
        if self._ask(query, schema) == [(False,)]:
            raise AccessDenied(f"the user may not use the schema of `{self._label}`", f"grant usage on schema {schema}")
        query = (
            "select has_database_privilege(current_database(), 'CREATE') or coalesce("
            "(select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = $1), false)"
        )
        if not self._ask(query, schema)[0][0]:
            raise AccessDenied(
                f"`{self._label}` has no catalog yet, and the user may not make a schema", "grant create on database"
            )
        return "there is no catalog yet; it will be made"

    def write(self) -> None:
        """Write what is there already, and take it back."""
        with self._connection() as connection:
            connection.execute("begin")
            try:
                connection.execute("update settings set value = value where name = 'database'")
            finally:
                connection.execute("rollback")

    def _ask(self, query: str, *values: str) -> list[Row]:
        with self._connection() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _connection(self) -> Generator[Connection]:
        from btql_storage.databases.postgres_connections import explained

        connection = self.connections.take()
        try:
            with explained(self._label):
                yield connection
        finally:
            self.connections.give(connection)


def _about(catalog: Catalog, location: Location, marker: Marker | None, numbered: str | None = None) -> str:
    """Check that a catalog is the right one, and say what it knows."""
    _check_belongs(catalog, location, marker)
    if numbered is not None:
        check_numbered(catalog.setting(NUMBERS), numbered, location.files)
    count = len(catalog.objects())
    return f"{count} object{'' if count == 1 else 's'}"


def _check_belongs(catalog: Catalog, location: Location, marker: Marker | None) -> None:
    """Raise OtherDatabase where a catalog and files are not of one database, as opening it would."""
    if location.is_alone:
        if marker is not None:
            check_own(marker, catalog, location.files, read_only=True)
    elif marker is not None:
        check_ids(marker, catalog, location.files, anew=False)
    else:
        place = location.files if location.folder is None else str(location.folder)
        check_files(catalog.setting(FILES) or place, catalog, place)
