"""Copies parts from one store to another; each copy is held against its checksums before it counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from btql_storage.care.part_check import has_manifest
from btql_storage.checksums import file_checksum
from btql_storage.errors import Damaged, InputOutput, from_os_error
from btql_storage.format import part_name
from btql_storage.part.files import sync_tree
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROWS_FILE, TEXT_FOLDER
from btql_storage.part.manifest import MANIFEST_FILE, UNTIL_FILE, read_manifest
from btql_storage.stores.archive import ARCHIVE, packed_bytes
from btql_storage.stores.interface import Store
from btql_storage.stores.local import LocalStore


def copy_part(source: Store, name: str, target: Store, to: str) -> int:
    """Copy a part from one store to another; return its bytes."""
    size = _prepare(source, name, target, to)
    target.publish(to)
    return size


def keep_part(source: Store, name: str, target: Store, to: str, sizes: Mapping[str, int]) -> int:
    """Copy a part whose files have these sizes, unless it is there whole; return the bytes that were copied."""
    if is_whole(target, to, sizes):
        return 0
    copied = _prepare(source, name, target, to)
    if isinstance(target, LocalStore) and target.path(to).exists() and not is_whole(target, to, sizes):
        # In a bucket each file replaces the one that has its name, and another backup may be writing the same ones.
        target.delete(to)
    try:
        target.publish(to)
    except InputOutput:
        # Another backup was first.
        if not is_whole(target, to, sizes):
            raise
        shutil.rmtree(target.unfinished(to), ignore_errors=True)
    return copied


def part_sizes(store: Store, part_id: int) -> dict[str, int]:
    """Return the size of each file of a part, as its manifest says."""
    name = part_name(part_id)
    if not has_manifest(store, part_id):
        # It is of before there were any.
        return {file: path.stat().st_size for file, path in part_files(store, name)}
    path = store.file(f"{name}/{MANIFEST_FILE}")
    sizes = {file: note.bytes for file, note in read_manifest(path).files.items()}
    return sizes | {MANIFEST_FILE: path.stat().st_size}


def is_whole(store: Store, name: str, sizes: Mapping[str, int]) -> bool:
    """Return whether the files of a part are there with the sizes that they should have."""
    found = store.sizes(name)
    inside = f"{TEXT_FOLDER}/"
    text = {file.removeprefix(inside): size for file, size in sizes.items() if file.startswith(inside)}
    if any(found.get(file, 0) != size for file, size in sizes.items() if not file.startswith(inside)):
        return False
    if isinstance(store, LocalStore):
        there = store.sizes(f"{name}/{TEXT_FOLDER}")
        return all(there.get(file, 0) == size for file, size in text.items())
    return not text or found.get(f"{TEXT_FOLDER}{ARCHIVE}") == packed_bytes(text.values())


def _prepare(source: Store, name: str, target: Store, to: str) -> int:
    """Copy a part to where it can be published."""
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
    return size


def part_files(store: Store, name: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of a part's folder, and where each can be read."""
    if not store.size(f"{name}/{ROWS_FILE}"):
        raise Damaged(f"`{name}` of `{store.label}` is missing", "`btql repair` says what can be done")
    for file in (COLUMNS_FILE, ROWS_FILE, KEYS_FILE, MANIFEST_FILE, UNTIL_FILE):
        if store.size(f"{name}/{file}"):
            yield file, store.file(f"{name}/{file}")
    if store.size(f"{name}/{TEXT_FOLDER}") or store.size(f"{name}/{TEXT_FOLDER}{ARCHIVE}"):
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
