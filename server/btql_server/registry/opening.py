"""Where the registry of a database is."""

from __future__ import annotations

from btql_server.registry.store import Registry
from btql_storage.errors import from_os_error
from btql_storage.location import Location


def open_registry(location: Location) -> Registry:
    """Open the registry of a database, made where it is missing: beside its catalog, or in its folder."""
    if location.shares_catalog:
        assert location.catalog is not None
        return Registry(location.catalog)
    folder = location.state_folder or location.own_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, "make", folder) from error
    return Registry(folder)
