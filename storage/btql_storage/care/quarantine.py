"""Quarantine: parts that are damaged are marked in the catalog, and what needs them fails with their name.

Nobody looks for damage while all is well. When a reader stumbles over a file, the files of that part are held against
their checksums; only damage that is proved so is marked, as a disk that fails, for a moment or for an hour, is none
(``btql check``, which somebody has asked for, takes what it cannot read for damaged). Two things are looked at
before they are used, as what is made of them would only look sound: the keys that compaction finds rows by, once, and
all of a part that is rewritten. ``btql check`` marks what it finds, and ``btql repair`` takes the marks away. Where
files are read from copies, a damaged copy proves nothing: it is made anew, and what is wrong with that one counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from btql_storage.care.part_check import PartCheck
from btql_storage.catalog import PartInfo
from btql_storage.checksums import file_checksum
from btql_storage.errors import Damaged, Quarantined, StorageError, from_os_error
from btql_storage.folder import Folder
from btql_storage.format import part_name
from btql_storage.part.format import KEYS_FILE
from btql_storage.part.manifest import MANIFEST_FILE, read_manifest


def check_readable(folder: Folder, parts: Iterable[PartInfo]) -> None:
    """Raise where work needs a part that was found damaged before."""
    for info in parts:
        if info.quarantined is not None:
            name = part_name(info.id)
            raise Quarantined(
                f"`{name}` of `{folder.store.label}` is needed and was found damaged: {info.quarantined}",
                "`btql repair` on the database",
            )


def check_keys(folder: Folder, parts: Iterable[PartInfo]) -> None:
    """Raise where the keys of a part are not what was written: its rows would be taken to be new."""
    for info in parts:
        if info.id in folder.parts.keys_checked or not _has_manifest(folder, info.id):
            continue
        path = folder.store.file(f"{part_name(info.id)}/{KEYS_FILE}")
        note = read_manifest(folder.store.file(f"{part_name(info.id)}/{MANIFEST_FILE}")).files[KEYS_FILE]
        try:
            is_whole = file_checksum(path) == note.sha256
        except OSError as error:
            raise from_os_error(error, "read", path) from error
        if not is_whole:
            raise _damaged(info.id, f"`{part_name(info.id)}/{KEYS_FILE}`: its checksum does not hold")
        folder.parts.keys_checked.add(info.id)


def check_files(folder: Folder, parts: Iterable[PartInfo]) -> None:
    """Raise where a file of a part is not what was written: what is made of it would only look sound."""
    for info in parts:
        reason = damage(folder, info.id)
        if reason is not None:
            raise _damaged(info.id, reason)


def quarantine(folder: Folder, part_ids: Iterable[int], message: str) -> Damaged | None:
    """Mark those of some parts that are damaged; return the error for the first.

    Only those that ``message``, of the reader that stumbled, names, where it names any; of a part without checksums
    it is taken at its word.
    """
    ids = list(part_ids)
    named = [part_id for part_id in ids if f"{part_name(part_id)}/" in message]
    first: Damaged | None = None
    for part_id in named or ids:
        reason = damage(folder, part_id)
        if folder.store.keeps_copies and (reason is not None or not _has_manifest(folder, part_id)):
            reason = _damage_itself(folder, part_id)
        if reason is None and named and not _has_manifest(folder, part_id):
            reason = message
        if reason is None:
            continue
        first = first or _damaged(part_id, reason)
        # Whoever reads is told in any case.
        if not folder.read_only:
            with suppress(StorageError):
                folder.catalog.quarantine(part_id, reason)
    return first


def damage(folder: Folder, part_id: int) -> str | None:
    """Return what is wrong with the files of a part, None where nothing is; InputOutput where they cannot be read."""
    check = PartCheck(folder.store, {"id": part_id}, "", _has_manifest(folder, part_id), only_proved=True)
    return "; ".join(f"`{one.subject}`: {one.message}" for one in check.files_alone() if one.is_serious) or None


def _damage_itself(folder: Folder, part_id: int) -> str | None:
    """Return what is wrong with the files of a part, and not just with their copies on this machine."""
    folder.parts.drop(part_id)
    folder.store.drop_copies(part_name(part_id))
    return damage(folder, part_id)


def _has_manifest(folder: Folder, part_id: int) -> bool:
    return folder.store.size(f"{part_name(part_id)}/{MANIFEST_FILE}") > 0


def _damaged(part_id: int, reason: str) -> Damaged:
    return Damaged(f"`{part_name(part_id)}` is damaged: {reason}", "`btql repair` on the database")
