"""Brings a database back from a backup, or single files of one.

A restored database is a new one: it has an id of its own, and may be anywhere that a database can be, whatever the one
that was backed up was made of. Transactions and versions are the same, and numbers go on where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from btql_storage.care.backup import catalog_in
from btql_storage.care.check import CHECKSUMS_SINCE
from btql_storage.care.findings import Finding, Kind
from btql_storage.care.load import load
from btql_storage.care.part_check import has_manifest
from btql_storage.care.part_copy import copy_part
from btql_storage.care.restoring import begin, finish
from btql_storage.care.tables import Row, Tables
from btql_storage.care.vault import Backup, Kept, Vault
from btql_storage.checksums import sha256_of
from btql_storage.errors import BadFile, Damaged, NotADatabase
from btql_storage.folder import Folder
from btql_storage.format import CATALOG, WAL, part_name, wal_name
from btql_storage.opening.identity import DATABASE
from btql_storage.states import state_of, write_state
from btql_storage.stores.interface import AlreadyThere
from btql_storage.stores.local import LocalStore

if TYPE_CHECKING:
    from btql_storage.stores.interface import Store


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was brought back."""

    name: str
    parts: int
    log_files: int
    files: int
    bytes: int
    last_xact_id: int


def restore(vault: Vault, folder: Folder, backup: Backup, progress: Callable[[str], None]) -> RestoreReport:
    """Fill a new database from a backup; nobody can open it before all is there."""
    folder.check_writable()
    with folder.compact_lock.held():
        note = begin(folder)
        for part, kept in backup.parts.items():
            progress(part_name(int(part)))
            copy_part(vault.store, kept.place, folder.store, part_name(int(part)))
            vault.store.release(kept.place)
        for file, kept in backup.files.items():
            progress(file)
            _put(folder.store, file, _content(vault, kept))
        for file, kept in backup.log.items():
            progress(file)
            _put(folder.store, f"{WAL}/{file}", _content(vault, kept))
        load(folder.catalog, _with_checksums_since(folder, _tables(vault, backup)))
        # States are about the folder they are in, so they are written here.
        tables = Tables.read(folder.catalog)
        with_parts = {row["object_id"] for row in tables.parts.values()}
        for target in folder.catalog.objects():
            if target.id in with_parts:
                write_state(folder, state_of(folder, target, folder.catalog.next_part_id()))
        folder.recover_numbers()
        finish(folder, note)
    return RestoreReport(
        backup.name, len(backup.parts), len(backup.log), len(backup.files), backup.bytes, backup.last_xact_id
    )


def _with_checksums_since(folder: Folder, tables: Tables) -> dict[str, Sequence[Row]]:
    """Return the tables, noting which parts were written before there were manifests."""
    without = [part_id for part_id in tables.parts if not has_manifest(folder.store, part_id)]
    rows = dict(tables.rows)
    if without:
        rows["settings"] = [*rows["settings"], {"name": CHECKSUMS_SINCE, "value": str(max(without) + 1)}]
    return rows


def bring_back(vault: Vault, folder: Folder, findings: list[Finding]) -> Iterator[str]:
    """Replace damaged and missing files by those of the newest backup that has them; yield what was brought back.

    Only backups of this very database count: transactions and parts of others have the same numbers.
    """
    damaged = [one for one in findings if one.kind in (Kind.DAMAGED, Kind.MISSING, Kind.QUARANTINED)]
    parts = sorted({one.part for one in damaged if one.part is not None})
    log = sorted({one.xact_id for one in damaged if one.xact_id is not None})
    readable = [backup for name in vault.names() if (backup := _readable(vault, name)) is not None]
    backups = [backup for backup in sorted(readable, key=lambda one: one.age, reverse=True) if _is_of(backup, folder)]
    if damaged and readable and not backups:
        yield f"nothing was brought back: the backups at `{vault.store.label}` are of other databases"
    stats = {part_id: row["stats"] for part_id, row in Tables.read(folder.catalog).parts.items()}
    with folder.compact_lock.held():
        for part_id in parts:
            for backup in backups:
                kept = backup.parts.get(str(part_id))
                if kept is not None and _is_same_part(vault, backup, part_id, stats.get(part_id)):
                    yield _bring_part(vault, folder, part_id, kept, backup)
                    break
        for number in log:
            for backup in backups:
                kept = backup.log.get(wal_name(number))
                if kept is not None:
                    name = f"{WAL}/{wal_name(number)}"
                    content = _content(vault, kept)
                    folder.store.delete(name)
                    _put(folder.store, name, content)
                    folder.wal.forget(number)
                    yield f"`{name}` was brought back from the backup `{backup.name}`"
                    break


def _bring_part(vault: Vault, folder: Folder, part_id: int, kept: Kept, backup: Backup) -> str:
    name = part_name(part_id)
    folder.parts.drop(part_id)
    folder.store.delete(name)
    copy_part(vault.store, kept.place, folder.store, name)
    folder.catalog.quarantine(part_id, None)
    return f"`{name}` was brought back from the backup `{backup.name}`"


def _is_of(backup: Backup, folder: Folder) -> bool:
    """Return whether a backup is of a database; those of before there were ids are known by their place."""
    database = folder.catalog.setting(DATABASE)
    return backup.database == database and (database is not None or backup.source == folder.store.label)


def _is_same_part(vault: Vault, backup: Backup, part_id: int, stats: object) -> bool:
    """Return whether a part of a backup is the one that the catalog means."""
    row = _tables(vault, backup).parts.get(part_id)
    return row is not None and row["stats"] == stats


def _readable(vault: Vault, name: str) -> Backup | None:
    try:
        return vault.backup(name)
    except (BadFile, NotADatabase):  # The other one where it has just been removed.
        return None


def _tables(vault: Vault, backup: Backup) -> Tables:
    """Read the catalog of a backup."""
    with TemporaryDirectory(prefix="btql-restore-") as folder:
        content = _content(vault, Kept(backup.catalog, 0))
        Path(folder, CATALOG).write_bytes(content)
        catalog = catalog_in(Path(folder))
        try:
            return Tables.read(catalog)
        finally:
            catalog.close()


def _content(vault: Vault, kept: Kept) -> bytes:
    """Return a file of a backup; its name tells its checksum."""
    content = vault.store.read(kept.place)
    if content is None or not sha256_of(content).startswith(kept.place.rpartition("/")[2].rpartition("-")[2]):
        raise Damaged(
            f"`{kept.place}` of the backups at `{vault.store.label}` is missing or damaged", "take another one"
        )
    return content


def _put(store: Store, name: str, content: bytes) -> None:
    above = name.rpartition("/")[0]
    if above:
        if isinstance(store, LocalStore):
            store.path(above).mkdir(parents=True, exist_ok=True)
        store.make_folder(above)
    with suppress(AlreadyThere):
        store.put(name, content)
