"""Catalogs in each of the databases that they may be in."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from btql_storage.catalog import Catalog
from btql_storage.stores.local import LocalStore


class Opener(Protocol):
    """Opens one and the same catalog again and again."""

    def __call__(self, *, read_only: bool = False, wait_s: float = 1) -> Catalog: ...


@contextmanager
def catalogs_in(place: Path | str) -> Generator[Opener]:
    """Yield what opens the catalog in a folder, or at an address of PostgreSQL; all are closed at the end."""
    opened: list[Catalog] = []

    def open_it(*, read_only: bool = False, wait_s: float = 1) -> Catalog:
        if isinstance(place, Path):
            one = Catalog.sqlite(LocalStore(place), "catalog.sqlite", read_only=read_only, wait_s=wait_s)
        else:
            one = Catalog.postgres(place, read_only=read_only, wait_s=wait_s)
        opened.append(one)
        return one

    try:
        yield open_it
    finally:
        for one in opened:
            one.close()
