"""Copies parts from one store to another; each copy is held against its checksums before it counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from btql_storage.checksums import file_checksum
from btql_storage.errors import Damaged, from_os_error
from btql_storage.part.files import sync_tree
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROWS_FILE, TEXT_FOLDER
from btql_storage.part.manifest import MANIFEST_FILE, UNTIL_FILE, read_manifest
from btql_storage.stores.interface import Store


def copy_part(source: Store, name: str, target: Store, to: str) -> int:
    """Copy a part from one store to another; return its bytes."""
    prepared = target.unfinished(to)
    size = 0
    try:
        prepared.mkdir(parents=True)
        for entry in part_files(source, name):
            path = prepared / entry[0]
            path.parent.mkdir(exist_ok=True)
            shutil.copyfile(entry[1], path)
            size += path.stat().st_size
        _check(prepared, f"{source.label}/{name}")
        sync_tree(prepared)
    except OSError as error:
        raise from_os_error(error, "copy", f"{source.label}/{name}") from error
    target.publish(to)
    return size


def part_files(store: Store, name: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of a part's folder, and where each can be read."""
    listed = set(store.list(name))
    if ROWS_FILE not in listed:
        raise Damaged(f"`{name}` of `{store.label}` is missing", "`btql repair` says what can be done")
    for file in (COLUMNS_FILE, ROWS_FILE, KEYS_FILE, MANIFEST_FILE, UNTIL_FILE):
        if file in listed:
            yield file, store.file(f"{name}/{file}")
    for path in sorted(store.folder(f"{name}/{TEXT_FOLDER}").iterdir()):
        if path.suffix != ".lock":
            yield f"{TEXT_FOLDER}/{path.name}", path


def _check(prepared: Path, source: str) -> None:
    """Raise where a copy of a part is not what its manifest says."""
    path = prepared / MANIFEST_FILE
    if not path.is_file():
        # It is of before there were manifests.
        return
    for name, note in read_manifest(path).files.items():
        copy = prepared / name
        if not copy.is_file() or copy.stat().st_size != note.bytes or file_checksum(copy) != note.sha256:
            shutil.rmtree(prepared)
            raise Damaged(f"`{source}/{name}` is not what was written", "`btql check` and `btql repair` it first")
