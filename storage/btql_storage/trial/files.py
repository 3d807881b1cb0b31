"""What is allowed where the files are, and where copies of them are kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING
from uuid import uuid4

from btql_storage.errors import InputOutput, StorageError
from btql_storage.format import begin_folder, find_marker
from btql_storage.opening.marker import MARKER, Marker, check_catalog, read_marker
from btql_storage.opening.services import catalog_place
from btql_storage.stores.interface import AlreadyThere
from btql_storage.stores.local import LocalStore
from btql_storage.trial.tried import PATIENCE_S, Service, Tried, gib, may_make

if TYPE_CHECKING:
    from btql_storage.opening.location import Location

_FOLDER = "tried"
"""The folder of files that are made to see whether that is allowed."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of files, by what is done there."""

    label: str
    read: Callable[[str], bytes | None]
    put: Callable[[str, bytes], object]
    list: Callable[[str], Sequence[str]]
    remove: Callable[[str], object]


def try_bucket(location: Location) -> tuple[list[Tried], Marker | None]:
    """Try a bucket; return the marker of the database in it, too."""
    from btql_storage.stores.remote import Patience, Remote

    service = Service("files", location.files + (f" at {location.endpoint}" if location.endpoint else ""))
    known: list[Marker] = []

    def read() -> str:
        content = remotes[0].read(MARKER)
        if content is None:
            return "there is no database yet"
        marker = read_marker(content, f"{location.files}/{MARKER}", location.files)
        check_catalog(marker, catalog_place(location), location.files)
        known.append(marker)
        return _named(marker)

    def connect() -> None:
        remotes.append(Remote(location.files, endpoint=location.endpoint, patience=Patience(PATIENCE_S, PATIENCE_S)))

    remotes: list[Remote] = []
    service.attempt("connect", connect)
    service.attempt("read", read)
    if service.works():
        remote = remotes[0]
        place = _Place(location.files, remote.read, remote.put_new, remote.entries, lambda name: remote.delete([name]))
        _try_writing(service, place, lambda: remote.has_conditional_put)
    return service.tried, known[0] if known else None


def try_folder(folder: Path, location: Location) -> tuple[list[Tried], Marker | None]:
    """Try a folder; return the marker of the database in it, too."""
    service = Service("files", str(folder))
    store = LocalStore(folder)
    known: list[Marker] = []

    def read() -> str:
        marker = find_marker(store)
        if marker is None:
            return "there is no database yet"
        check_catalog(marker, catalog_place(location), str(folder))
        known.append(marker)
        return _named(marker)

    def make() -> str:
        if folder.exists():
            # It must be empty.
            begin_folder(folder)
        return may_make(folder)

    service.attempt("read", read)
    if known:
        place = _Place(str(folder), store.read, store.put, store.list, store.delete)
        service.attempt("make a folder", lambda: store.make_folder(_FOLDER))
        _try_writing(service, place, lambda: True)
        service.attempt("remove a folder", lambda: store.delete(_FOLDER))
    elif service.works():
        service.attempt("make", make)
    service.attempt("room", lambda: _room(folder))
    return service.tried, known[0] if known else None


def _try_writing(service: Service, place: _Place, has_conditions: Callable[[], bool]) -> None:
    """Write a file, see that it is kept as it is, and remove it."""
    leaf, content = uuid4().hex, uuid4().bytes
    name = f"{_FOLDER}/{leaf}"

    def write_again() -> str | None:
        try:
            place.put(name, b"other")
        except AlreadyThere:
            return None if has_conditions() else "without conditional puts, which this store does not know"
        raise InputOutput(
            f"`{place.label}/{name}` was written twice", "use a store that knows conditional puts: If-None-Match"
        )

    def read_back() -> None:
        if place.read(name) != content:
            raise InputOutput(f"`{place.label}/{name}` was read otherwise than it was written", "look at the store")

    def list_names() -> None:
        if leaf not in place.list(_FOLDER):
            raise InputOutput(f"`{place.label}/{name}` was written and is not listed", "look at the store")

    def remove() -> None:
        place.remove(name)
        if place.read(name) is not None:
            raise InputOutput(f"`{place.label}/{name}` was removed and is still there", "look at the store")

    service.attempt("write", lambda: _done(place.put(name, content)))
    if not service.works():
        return
    for what, call in (("read back", read_back), ("list", list_names), ("write once only", write_again)):
        service.attempt(what, call)
    if service.works():
        service.attempt("remove", remove)
    else:
        with suppress(StorageError):
            place.remove(name)


def try_cache(location: Location) -> list[Tried]:
    """Try the folder for copies of files."""
    folder = location.cache_folder
    service = Service("cache", str(folder))

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"tried")

    def room() -> str:
        free = shutil.disk_usage(folder).free
        return f"{gib(free)} free, {gib(location.cache_bytes)} for copies of files"

    service.attempt("write", write)
    service.attempt("room", room)
    return service.tried


def _room(folder: Path) -> str:
    above = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    usage = shutil.disk_usage(above)
    return f"{gib(usage.free)} of {gib(usage.total)} are free"


def _named(marker: Marker) -> str:
    return f"database {marker.database}" if marker.database else "a database of before there were ids"


def _done(_: object) -> None:
    """Return nothing, for what is of no interest."""
