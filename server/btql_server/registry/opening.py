"""Where the registry of a database is."""

from __future__ import annotations

from pathlib import Path

from btql_server.registry.store import Registry
from btql_storage.errors import from_os_error
from btql_storage.opening.location import Location


def place_of(location: Location) -> Path | str:
    """Return the address or the folder of a database's registry: beside its catalog, or in its folder."""
    if location.shares_catalog:
        assert location.catalog is not None
        return location.catalog
    return location.state_folder or location.own_folder


def open_registry(location: Location) -> Registry:
    """Open the registry of a database, made where it is missing."""
    place = place_of(location)
    if isinstance(place, Path):
        make_folder(place)
    return Registry(place)


def make_folder(place: Path) -> None:
    """Make the folder of a registry where it is missing."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, "make", place) from error
