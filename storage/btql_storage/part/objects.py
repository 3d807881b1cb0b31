"""The files of a part by their names, where a list may lack those that were put just now."""

from __future__ import annotations

from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROWS_FILE, TEXT_FOLDER
from btql_storage.part.manifest import MANIFEST_FILE, UNTIL_FILE
from btql_storage.stores.archive import ARCHIVE
from btql_storage.stores.interface import Store
from btql_storage.stores.lists import lag

TEXT_FILE = TEXT_FOLDER + ARCHIVE
"""What the text index is in a bucket."""
OBJECTS = (COLUMNS_FILE, ROWS_FILE, KEYS_FILE, MANIFEST_FILE, UNTIL_FILE, TEXT_FILE)
"""All that a part may have in a bucket."""


def is_there(store: Store, name: str) -> bool:
    """Return whether there is anything of a part that was listed."""
    return not lag(store) or any(store.size(f"{name}/{file}") for file in OBJECTS)


def remove_part(store: Store, name: str) -> None:
    """Remove a part as a whole, also one that was written just now."""
    store.delete(name)
    if lag(store):
        store.delete_files([f"{name}/{file}" for file in OBJECTS])
