"""The tables of the registry: in ``registry.sqlite`` in the database's folder, or beside its catalog in PostgreSQL.

Everything with a name is in ``entities``, members of organizations too; beside it stand ``keys``, and ``grants``, which
say what a member may do.

They have a version of their own. Every commit survives a power failure, and the processes of one machine may share
the file, those of many machines the tables in PostgreSQL, as they share the catalog. ``registry_changes`` counts the
transactions that changed anything, so that whoever keeps some of it in memory can tell whether it still holds.
"""

from __future__ import annotations

from pathlib import Path

from btql_storage.databases.interface import Database, Schema
from btql_storage.databases.sqlite import SqliteDatabase
from btql_storage.stores.local import LocalStore

FILE = "registry.sqlite"
WAIT_S = 30.0

_TABLES = """
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

create table registry_changes (value integer not null);
insert into registry_changes values (1);
"""

_FROM_1_TO_2 = """
alter table keys add column scram_salt blob;
alter table keys add column scram_stored_key blob;
alter table keys add column scram_server_key blob;
"""
_FROM_2_TO_3 = """
create table registry_changes (value integer not null);
insert into registry_changes values (1);
"""
SCHEMA = Schema("registry", 3, _TABLES, {1: _FROM_1_TO_2, 2: _FROM_2_TO_3})


def connect(place: Path | str, *, read_only: bool = False) -> Database:
    """Open the registry in a folder or at an address of PostgreSQL, made where it is missing."""
    if isinstance(place, Path):
        return SqliteDatabase(LocalStore(place), FILE, SCHEMA, read_only=read_only, wait_s=WAIT_S)
    from btql_storage.databases.postgres import PostgresDatabase

    return PostgresDatabase(place, SCHEMA, read_only=read_only, wait_s=WAIT_S)
