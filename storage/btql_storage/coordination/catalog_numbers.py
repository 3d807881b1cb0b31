"""The numbers of a database whose writers share its catalog's PostgreSQL, or a file of SQLite on one machine."""

from __future__ import annotations

from typing import Self

from btql_storage.coordination.shared import LEASE_S, SharedNumbers
from btql_storage.coordination.sql_register import SCHEMA, SqlRegister
from btql_storage.databases.interface import Database
from btql_storage.stores.interface import Store
from btql_storage.stores.local import LocalStore


class CatalogNumbers(SharedNumbers):
    """Numbers from tables beside those of the catalog."""

    @classmethod
    def postgres(cls, url: str, store: Store, *, read_only: bool, wait_s: float, lease_s: float = LEASE_S) -> Self:
        """Count in PostgreSQL, at the address of the catalog; the files are in ``store``."""
        from btql_storage.addresses import shown

        def connect() -> Database:
            from btql_storage.databases.postgres import PostgresDatabase

            return PostgresDatabase(url, SCHEMA, read_only=read_only, wait_s=wait_s)

        return cls(SqlRegister(f"PostgreSQL at `{shown(url)}`", connect), store, lease_s=lease_s, read_only=read_only)

    @classmethod
    def sqlite(
        cls, folder: LocalStore, name: str, store: Store, *, read_only: bool, wait_s: float, lease_s: float = LEASE_S
    ) -> Self:
        """Count in a file of a folder on this machine; the files of the database are in ``store``."""

        def connect() -> Database:
            from btql_storage.databases.sqlite import SqliteDatabase

            return SqliteDatabase(folder, name, SCHEMA, read_only=read_only, wait_s=wait_s)

        return cls(SqlRegister(f"`{folder.path(name)}`", connect), store, lease_s=lease_s, read_only=read_only)
