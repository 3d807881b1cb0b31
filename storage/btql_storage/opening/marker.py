"""The marker of a database, ``btql.json``: the first file there is, and the only one with a name that is known.

It has the format version, the id that tells this database from every other one (what services keep for it has that
id, too), and where the catalog is, as a catalog that is not the right one would show an empty database. It never
changes. Markers of before had the version alone; such a database is a folder with its catalog.

While a database is restored there is a note in the place of its marker (:mod:`btql_storage.care.restoring`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import orjson

from btql_storage.errors import Damaged, NewerFormat, NotADatabase, OtherDatabase

if TYPE_CHECKING:
    from btql_storage.stores.interface import Store

MARKER = "btql.json"
RESTORING = "btql-restoring.json"
FORMAT_VERSION = 1
CatalogPlace: TypeAlias = Literal["folder", "sqlite", "postgresql"]
"""In the folder itself; a file of one machine; a server."""
_PLACES = {"folder": "in the folder itself", "sqlite": "in a file elsewhere", "postgresql": "in PostgreSQL"}
_WAYS = {
    "folder": "give the path of the folder, without a catalog",
    "sqlite": "give its path: ?catalog=sqlite:/path/catalog.sqlite",
    "postgresql": "give its address: ?catalog=postgresql://user@host/name",
}


@dataclass(frozen=True, slots=True)
class Marker:
    """What a database says of itself."""

    database: str | None
    """Its id; None where it is of before there were any."""
    catalog: CatalogPlace = "folder"

    @classmethod
    def new(cls, catalog: CatalogPlace) -> Marker:
        """Return the marker of a database that is being made."""
        from uuid import uuid4

        return cls(str(uuid4()), catalog)

    @property
    def content(self) -> bytes:
        """Its bytes."""
        document = {"format": FORMAT_VERSION, "database": self.database, "catalog": self.catalog}
        if self.catalog == "folder":
            del document["catalog"]
        return orjson.dumps(document) + b"\n"


def read_marker(content: bytes, path: object, place: str) -> Marker:
    """Return the marker that some bytes are; ``path`` and ``place`` are what to call the file and the database."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _damaged(path) from error
    found = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    version = found.get("format")
    if type(version) is not int:
        raise _damaged(path)
    if version > FORMAT_VERSION:
        raise NewerFormat(
            f"`{place}` has format {version}, this btql reads up to {FORMAT_VERSION}", "install a newer btql"
        )
    if version < 1:
        raise Damaged(f"`{path}` names the unknown format {version}", "`btql repair` writes it again")
    database, catalog = found.get("database"), found.get("catalog", "folder")
    if not isinstance(database, str | None) or catalog not in _PLACES:
        raise _damaged(path)
    return Marker(database, cast("CatalogPlace", catalog))


def check_catalog(marker: Marker, given: CatalogPlace, place: str) -> None:
    """Raise where a database is opened with a catalog of another kind than it was made with."""
    if marker.catalog != given:
        raise OtherDatabase(f"the catalog of `{place}` is {_PLACES[marker.catalog]}", _WAYS[marker.catalog])


def check_restored(store: Store) -> None:
    """Raise where there is no marker yet, as a database is being restored."""
    if store.size(RESTORING):
        raise NotADatabase(
            f"a restore to `{store.label}` has not come to its end",
            "where it runs no more, `btql restore` to the same place begins it anew",
        )


def _damaged(path: object) -> Damaged:
    return Damaged(f"`{path}` is not the marker of a btql database", "`btql repair` writes it again")
