"""``btql backup`` and ``btql restore``: a database carried elsewhere and back, while it is in use."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from btql.cli import units
from btql.cli.console import note, progress
from btql.cli.examples import examples

if TYPE_CHECKING:
    from btql_storage.opening.location import Location
    from btql_storage.store import Storage

BACKUP_EXAMPLES = examples("btql backup ./db ./backups", "btql backup ./db s3://bucket/backups --keep 7")
RESTORE_EXAMPLES = examples("btql restore ./backups ./copy", "btql restore ./backups --list")


def backup(
    database: Annotated[str, typer.Argument(metavar="DB", help="The folder of the database, or its address.")],
    to: Annotated[str, typer.Argument(metavar="BACKUPS", help="A folder for backups, or s3://, gs:// or az://.")],
    *,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep", min=1, metavar="N", help="Remove all but the newest N backups of this database afterwards."
        ),
    ] = None,
) -> None:
    """Copy a database as of one moment, while others write to it.

    A folder or bucket can have many backups: they share what they have in common, so each further one copies only what
    is new. Everything that is copied is held against its checksums, and damage is told instead of backed up.
    """
    from btql_server.registry.copying import taken_along
    from btql_storage.opening.location import locate

    began = time.perf_counter()
    location = locate(database)
    with _opened(location) as storage, progress() as bars:
        task = bars.add_task("backing up", total=None, note="")
        report = storage.care.backup(
            to, keep=keep, beside=taken_along(location), progress=lambda name: bars.update(task, note=name)
        )
    note(
        f"backup {report.name}: {units.plural(report.parts, 'part')} and "
        f"{units.plural(report.log_files, 'log file')}, {units.size(report.bytes)}, of which "
        f"{units.size(report.copied_bytes)} were new, in {units.duration(time.perf_counter() - began)}"
    )
    for name in report.forgotten:
        note(f"removed backup {name}")


def _opened(location: Location) -> Storage:
    """Open a database, to read only where it cannot be written to: its disk may be full or failing."""
    from btql_storage.errors import DiskFull, ReadOnly
    from btql_storage.store import Storage

    try:
        return Storage.open(location)
    except (ReadOnly, DiskFull):
        return Storage.open(location, read_only=True)


def restore(
    backups: Annotated[str, typer.Argument(metavar="BACKUPS", help="The folder or bucket with backups.")],
    database: Annotated[
        str | None, typer.Argument(metavar="DB", help="Where the database is to be: a new folder, or an address.")
    ] = None,
    *,
    name: Annotated[
        str | None, typer.Option("--name", help="Which backup; the newest where all are of one database.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only list the backups there are.")] = False,
) -> None:
    """Make a database again from a backup, at a new place.

    It need not be of the same kind: what was in a folder may be restored to a bucket with PostgreSQL, and the other
    way round.
    """
    from btql_server.registry.copying import brought_back
    from btql_storage.care.facade import list_backups, restore_database
    from btql_storage.opening.location import locate

    if list_ or database is None:
        for one in list_backups(backups):
            typer.echo(f"{one.name}  {units.size(one.bytes)}  {units.plural(len(one.parts), 'part')}  of {one.source}")
        return
    with progress() as bars:
        task = bars.add_task("restoring", total=None, note="")
        location = locate(database)
        report = restore_database(backups, location, name=name, progress=lambda file: bars.update(task, note=file))
        brought_back(location)
    note(
        f"restored backup {report.name}: {units.plural(report.parts, 'part')}, "
        f"{units.plural(report.log_files, 'log file')} and {units.plural(report.files, 'other file')}, "
        f"{units.size(report.bytes)}"
    )
