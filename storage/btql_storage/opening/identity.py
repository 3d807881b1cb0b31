"""Whether the files and the catalog of a database belong to each other.

The marker beside the files and the settings of the catalog have the same id. A catalog with another one, or an empty
one where there is a database already, would show a database without its rows, and take new ones that nobody else sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from btql_storage.errors import Damaged, OtherDatabase

if TYPE_CHECKING:
    from collections.abc import Callable

    from btql_storage.catalog.catalog import Catalog
    from btql_storage.opening.marker import Marker

DATABASE = "database"
"""The setting of a catalog with the id."""
FILES = "files"
"""The setting of a catalog that is elsewhere with the place of the files for which it was made."""
_WAY = "give the catalog that it was made with"


def agreed(catalog: Catalog, name: str, value: str) -> str:
    """Return a setting of a catalog; it is this one, where there is none yet."""
    known = catalog.setting(name)
    if known is None:
        with catalog.database.writing() as run:
            query = "insert into settings (name, value) values (?, ?) on conflict (name) do nothing"
            run.execute(query, (name, value))
        known = catalog.setting(name)
    return cast("str", known)


def check_ids(marker: Marker, catalog: Catalog, place: str, *, anew: bool) -> str:
    """Return the id of a database; OtherDatabase where its catalog has another one, or none unless made ``anew``."""
    known = catalog.setting(DATABASE)
    if known is None and anew and marker.database is not None:
        return marker.database
    if known is None:
        raise empty(catalog.database.label, place)
    _compare(marker, known, catalog, place)
    return known


def empty(catalog: str, place: str) -> OtherDatabase:
    """Return the error for an empty catalog beside a database that is there."""
    return OtherDatabase(f"the catalog `{catalog}` is empty, but there is a database at `{place}`", _WAY)


def check_files(files: str, catalog: Catalog, place: str) -> None:
    """Raise OtherDatabase where a catalog was made for ``files``, and a new database is to be at another place."""
    if files != place:
        raise OtherDatabase(
            f"the catalog `{catalog.database.label}` is the one of the database at `{files}`",
            "give each its own; in PostgreSQL that may be a schema: ?catalog=postgresql://user@host/name?schema=other",
        )


def check_own(
    marker: Marker, catalog: Catalog, place: str, *, read_only: bool, has_files: Callable[[], bool] = lambda: False
) -> None:
    """Check the catalog in the folder of the files: one that is new there becomes the database's."""
    if marker.database is None:
        # It is of before there were any.
        return
    known = catalog.setting(DATABASE)
    # One that was made before catalogs had ids is not empty.
    if known is None and not catalog.objects() and has_files():
        # It has its id before there is any file, so one that was made just now has it by now.
        known = catalog.setting(DATABASE)
        if known is None:
            raise Damaged(
                f"the catalog `{catalog.database.label}` is empty, but there is a database at `{place}`",
                "`btql repair` makes it again from the files",
            )
    if known is None and not read_only:
        known = agreed(catalog, DATABASE, marker.database)
    if known is not None:
        _compare(marker, known, catalog, place)


def _compare(marker: Marker, known: str, catalog: Catalog, place: str) -> None:
    if known != marker.database:
        label = catalog.database.label
        raise OtherDatabase(f"the catalog `{label}` is the one of another database than that at `{place}`", _WAY)
