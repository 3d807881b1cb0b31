"""The registry in a backup, and out of it.

A backup has the files of a database's folder. A registry that is elsewhere, beside the catalog in PostgreSQL or in the
folder of what one machine keeps, goes with it as the file that it would be in the folder, and comes back to wherever
the new database has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from btql_server.registry.opening import make_folder, place_of
from btql_server.registry.schema import FILE, connect
from btql_storage.care.load import count_on
from btql_storage.databases.interface import Database
from btql_storage.databases.sqlite import content_of
from btql_storage.errors import NotADatabase, NotYetMade
from btql_storage.opening.location import Location
from btql_storage.opening.services import store_at

COLUMNS = {
    "entities": ("seq, id, kind, scope, key, org_id, project_id, name, slug, user_id, created, deleted_at, body"),
    "keys": (
        "seq, id, prefix, hash, principal_id, org_id, name, level, project_id, created, expires_at, revoked_at,"
        " last_used_at, scram_salt, scram_stored_key, scram_server_key"
    ),
    "grants": "seq, id, org_id, principal_id, object_type, object_id, permission, created",
}
"""Every table that tells of something, and its columns."""


def taken_along(location: Location) -> Mapping[str, bytes]:
    """Return the registry of a database as a file for its backup; nothing where it is in the folder, or nowhere."""
    place = place_of(location)
    if isinstance(place, Path):
        path = place / FILE
        return {FILE: content_of(path)} if place != location.folder and path.is_file() else {}
    try:
        source = connect(place, read_only=True)
    except NotYetMade:
        return {}
    with closing(source), TemporaryDirectory(prefix="btql-registry-") as folder:
        with closing(connect(Path(folder))) as copy:
            _copy(source, copy)
        # Nobody else has it, so all of it is in the file once it is closed.
        return {FILE: Path(folder, FILE).read_bytes()}


def brought_back(location: Location) -> None:
    """Move the registry that a backup has brought to where the database has its own.

    :class:`~btql_storage.errors.NotADatabase` where there is one already; the file stays in the folder then.
    """
    place = place_of(location)
    if place == location.folder:
        return
    with closing(store_at(location)) as store, TemporaryDirectory(prefix="btql-registry-") as folder:
        content = store.read(FILE)
        if content is None:
            return
        Path(folder, FILE).write_bytes(content)
        if isinstance(place, Path):
            make_folder(place)
        with closing(connect(Path(folder))) as source, closing(connect(place)) as target:
            _copy(source, target)
        store.delete(FILE)


def _copy(source: Database, target: Database) -> None:
    """Fill a new registry with what another one has."""
    statements = [(f"select {columns} from {table}", ()) for table, columns in COLUMNS.items()]  # noqa: S608  our words
    found = source.read(lambda _: statements)
    with target.writing() as run:
        for (table, columns), rows in zip(COLUMNS.items(), found, strict=True):
            if run.execute(f"select 1 from {table} limit 1").fetchone() is not None:  # noqa: S608  our words
                raise NotADatabase(
                    f"there is a registry in `{target.label}` already, so the one of the backup stays in `{FILE}`",
                    "restore to a place that has none",
                )
            places = ", ".join("?" * len(columns.split(",")))
            run.executemany(f"insert into {table} ({columns}) values ({places})", rows)  # noqa: S608  our words
            count_on(target, run, table, "seq")
        run.execute("update registry_changes set value = value + 1")
