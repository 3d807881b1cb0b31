"""The SQLite file under the catalog: opening, schema, and what its errors mean.

The schema has a version of its own (``user_version``) beside the folder's.
``synchronous=FULL`` makes every commit survive a power failure. Where nothing
may be written, the file is opened read-only; SQLite's WAL mode then needs the
side files of a writer, so without any the file is read as it stands.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from btql_storage.errors import (
    AccessDenied,
    Damaged,
    DiskFull,
    InputOutput,
    Locked,
    NewerFormat,
    ReadOnly,
    StorageError,
    from_os_error,
)
from btql_storage.stores.local import LocalStore

SCHEMA_VERSION = 2
"""1: before rows of the past were kept; such a file is read as it is, and brought up to date when it is written."""

_SCHEMA = """
create table numbers (name text primary key, value integer not null) without rowid;
insert into numbers values ('part', 0), ('processed_upto', 0);

create table objects (
    id integer primary key,
    kind text not null,
    name text not null,
    unique (kind, name)
);

create table segments (
    id integer primary key,
    object_id integer not null references objects (id),
    events integer not null
);
create index segments_by_object on segments (object_id);

create table assignments (
    xact_id integer not null,
    segment_id integer not null references segments (id),
    object_id integer not null references objects (id),
    rows blob not null,
    events integer not null,
    json_bytes integer not null,
    primary key (xact_id, segment_id)
) without rowid;
create index assignments_by_object on assignments (object_id);

create table parts (
    id integer primary key,
    object_id integer not null references objects (id),
    segment_id integer not null references segments (id),
    stats blob not null,
    file_bytes blob not null,
    superseded blob not null,
    replaced_at integer,
    until blob,
    until_max integer
);
create index parts_by_object on parts (object_id) where replaced_at is null;

create table done_files (xact_id integer primary key, done_at integer not null);
"""

_FROM_1_TO_2 = """
alter table parts add column until blob;
alter table parts add column until_max integer;
insert or ignore into numbers
select 'compacted_upto ' || id, (select value from numbers where name = 'processed_upto') from objects
where (select coalesce(sum(events), 0) from segments where object_id = objects.id)
    > (select coalesce(sum(events), 0) from assignments where object_id = objects.id);
"""
"""What is in parts by then has no history, so it is noted up to where; the oldest files did not note it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open catalog file."""

    connection: sqlite3.Connection
    lasting: bool
    """False where it does not see what others write from now on: open it anew for every transaction."""


def connect(store: LocalStore, path: Path, *, read_only: bool, wait_s: float) -> Opened:
    """Open the catalog, make its tables where they are missing, and check its version."""
    lasting = True
    with explained(path):
        if read_only:
            connection, lasting = _connect_to_read(store, path, wait_s)
        else:
            store.step("open", path)
            connection = _open(f"file:{quote(str(path))}", wait_s)
            _make_schema(connection, wait_s)
            # A catalog that was just made must still be there after a power failure.
            store.sync_folder(path.parent)
        version = schema_version(connection)
    if version > SCHEMA_VERSION:
        connection.close()
        raise NewerFormat(
            f"`{path}` has version {version}, this btql reads up to {SCHEMA_VERSION}", "install a newer btql"
        )
    return Opened(connection, lasting)


def _open(uri: str, wait_s: float) -> sqlite3.Connection:
    # Transactions are begun and ended by hand; threads take turns through the catalog's lock.
    return sqlite3.connect(uri, uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False)


def _connect_to_read(store: LocalStore, path: Path, wait_s: float) -> tuple[sqlite3.Connection, bool]:
    store.step("open", path)
    if not path.is_file():
        return _empty(), False
    connection = _open(f"file:{quote(str(path))}?mode=ro", wait_s)
    try:
        version = schema_version(connection)
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        # No writer is there, and none of its side files can be made: just now nobody changes the file.
        return _open(f"file:{quote(str(path))}?mode=ro&immutable=1", wait_s), False
    if version == 0:
        connection.close()
        return _empty(), False
    return connection, True


def _empty() -> sqlite3.Connection:
    """Stand in for the catalog of a database that is only being made."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _make_schema(connection, 0)
    return connection


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the version of an open catalog; older than ours only where it is opened to read."""
    with closing(connection.execute("pragma user_version")) as cursor:
        version: int = cursor.fetchone()[0]
        return version


def _use_wal(connection: sqlite3.Connection, wait_s: float) -> None:
    """Switch to SQLite's WAL. Where others have the file open, SQLite itself does not wait to do this."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            busy = (error.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _make_schema(connection: sqlite3.Connection, wait_s: float) -> None:
    _use_wal(connection, wait_s)
    connection.execute("pragma synchronous = full")
    if schema_version(connection) >= SCHEMA_VERSION:
        return
    connection.execute("begin immediate")
    try:
        # Another process may have been first.
        steps = {0: _SCHEMA, 1: _FROM_1_TO_2}.get(schema_version(connection))
        if steps is not None:
            for statement in steps.split(";"):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn what SQLite says into one clear line."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise from_os_error(error, "write", path) from error
    except sqlite3.Error as error:
        raise _explain(error, path) from error


def _explain(error: sqlite3.Error, path: Path) -> StorageError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = f"catalog `{path}`: {error}"
    match code:
        case sqlite3.SQLITE_FULL:
            return DiskFull(text, "free some space and try again, nothing was changed")
        case sqlite3.SQLITE_READONLY:
            return ReadOnly(text, "open the database read-only or copy it elsewhere")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Locked(text, "wait for the other process to finish and try again")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return AccessDenied(text, "check owner and permissions of the folder")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Damaged(text, "restore the database from a backup")
        case _:
            return InputOutput(text, "check the disk and try again")
