"""Where the registry of a database is."""

from __future__ import annotations

from btql_server.registry.store import Registry
from btql_storage.errors import from_os_error
from btql_storage.location import Location


def open_registry(location: Location) -> Registry:
    """Open the registry of a database, made where it is missing: in its folder, or beside the file of its catalog."""
    path = location.catalog_file
    folder = location.own_folder if path is None else path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, "make", folder) from error
    return Registry(folder)
