"""The SQLite file of the registry: ``registry.sqlite`` in the database's folder.

Everything with a name is in ``entities``, members of organizations too; beside it stand ``keys``, and ``grants``, which
say what a member may do.

It has a version of its own. Every commit survives a power failure, and the processes of one
machine may share the file, as they share the catalog.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from btql_storage.databases.sqlite import explained
from btql_storage.errors import NewerFormat

FILE = "registry.sqlite"
SCHEMA_VERSION = 2

_SCHEMA = """
create table entities (
    seq integer primary key autoincrement,
    id text not null unique,
    kind text not null,
    scope text not null,
    key text,
    org_id text not null,
    project_id text,
    name text,
    slug text,
    user_id text,
    created text not null,
    deleted_at text,
    body blob not null
);
create unique index entities_by_key on entities (kind, scope, key) where deleted_at is null and key is not null;
create index entities_by_scope on entities (kind, scope, seq) where deleted_at is null;
create index entities_by_org on entities (kind, org_id, seq) where deleted_at is null;

create table keys (
    seq integer primary key autoincrement,
    id text not null unique,
    prefix text not null unique,
    hash blob not null,
    principal_id text not null,
    org_id text not null,
    name text not null,
    level integer not null,
    project_id text,
    created text not null,
    expires_at text,
    revoked_at text,
    last_used_at text,
    scram_salt blob,
    scram_stored_key blob,
    scram_server_key blob
);
create index keys_by_org on keys (org_id, seq);
create index keys_by_principal on keys (principal_id, seq);

create table grants (
    seq integer primary key autoincrement,
    id text not null unique,
    org_id text not null,
    principal_id text not null,
    object_type text not null,
    object_id text not null,
    permission text not null,
    created text not null,
    unique (principal_id, object_type, object_id, permission)
);
create index grants_by_object on grants (object_id, seq);
create index grants_by_org on grants (org_id, seq);
"""

_MIGRATIONS = {
    1: """
alter table keys add column scram_salt blob;
alter table keys add column scram_stored_key blob;
alter table keys add column scram_server_key blob;
"""
}
"""What makes the next version of each."""


def connect(folder: Path, wait_s: float = 30.0) -> sqlite3.Connection:
    """Open the registry of a database, made where it is missing."""
    path = folder / FILE
    with explained(path):
        # Transactions are begun and ended by hand; threads take turns through the registry's lock.
        connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        version = _make_schema(connection)
    if version > SCHEMA_VERSION:
        connection.close()
        raise NewerFormat(
            f"`{path}` has version {version}, this btql reads up to {SCHEMA_VERSION}", "install a newer btql"
        )
    return connection


def _make_schema(connection: sqlite3.Connection) -> int:
    """Make the tables where there are none, bring them up to date; return the version that is there."""
    connection.execute("begin immediate")
    try:
        (version,) = connection.execute("pragma user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
            version = SCHEMA_VERSION
        while version in _MIGRATIONS:
            for statement in filter(str.strip, _MIGRATIONS[version].split(";")):
                connection.execute(statement)
            version += 1
            connection.execute(f"pragma user_version = {version}")
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return int(version)
