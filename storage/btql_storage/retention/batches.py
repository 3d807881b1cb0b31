"""Batches of rows that a server keeps for a day, in case the client that sent them gets no answer and asks again.

They are under ``uploads/overflow``, as they came: JSON that names the objects of its rows. A purge removes each that
names its object, also as it would bring rows back. A client that asks for one meanwhile has to send it again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from btql_storage.stores.interface import Store
from btql_storage.stores.local import LocalStore

_FOLDER = "uploads/overflow"


def batches_of(store: Store, name: str) -> Iterator[tuple[str, int]]:
    """Yield the batches with rows of an object of that name, and their bytes."""
    sought = msgspec.json.encode(name)
    for file, size in _batches(store):
        content = store.read(file)
        if content is not None and sought in content:
            yield file, size


def _batches(store: Store) -> Iterator[tuple[str, int]]:
    if isinstance(store, LocalStore):
        root = store.path(_FOLDER)
        found = [path for path in root.rglob("*") if path.is_file()]
        yield from ((path.relative_to(store.root).as_posix(), path.stat().st_size) for path in sorted(found))
        return
    for file, size in sorted(store.sizes(_FOLDER).items()):
        yield f"{_FOLDER}/{file}", size
