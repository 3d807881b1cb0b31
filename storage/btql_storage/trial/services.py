"""All services of a database, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from btql_storage.format import CATALOG
from btql_storage.trial.catalogs import try_postgres, try_sqlite
from btql_storage.trial.files import try_bucket, try_cache, try_folder
from btql_storage.trial.redis import try_redis

if TYPE_CHECKING:
    from btql_storage.opening.location import Location
    from btql_storage.trial.tried import Tried


def try_services(location: Location) -> list[Tried]:
    """Try all services of a database."""
    if location.is_bucket:
        found, marker = try_bucket(location)
        found += try_cache(location)
    else:
        found, marker = try_folder(Path(location.files), location)
    path = location.catalog_file
    if location.shares_catalog:
        found += try_postgres(location, marker)
    elif path is not None or marker is not None:
        found += try_sqlite(path or Path(location.files) / CATALOG, location, marker)
    if location.redis is not None:
        found += try_redis(location.redis)
    return found
