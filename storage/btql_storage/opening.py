"""Opens a database wherever it is: puts its services together, and checks that they belong to each other."""

from __future__ import annotations

from pathlib import Path

from btql_storage.clock import Clock
from btql_storage.errors import BadLocation
from btql_storage.folder import Folder, Settings
from btql_storage.format import open_folder
from btql_storage.location import Location
from btql_storage.stores.local import LocalStore


def open_at(location: Location, *, create: bool, read_only: bool, settings: Settings | None, clock: Clock) -> Folder:
    """Open the database at a location; with ``create``, make it where there is none."""
    if location.is_alone:
        return Folder.at(Path(location.files), create=create, read_only=read_only, settings=settings, clock=clock)
    if location.folder is not None:
        catalog = "postgresql" if location.shares_catalog else "sqlite"
        open_folder(LocalStore(location.folder), create=False, read_only=read_only, catalog=catalog)
    raise BadLocation(f"`{location}` needs services that cannot be opened yet", "give the folder of a database")
