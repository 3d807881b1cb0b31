"""Checks the log: each file against its checksum, and against what the catalog says is still to come from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from btql_storage.care.findings import Finding, Kind
from btql_storage.care.tables import Row, Tables, row_numbers
from btql_storage.errors import BadFile
from btql_storage.format import WAL, wal_name
from btql_storage.wal.reader import WalFile

if TYPE_CHECKING:
    from btql_storage.stores.interface import Store


def check_wal(
    store: Store, listed: Sequence[int], tables: Tables | None, *, has_strays: bool = True
) -> Iterator[Finding]:
    """Yield what is wrong with the log; without a catalog only with the files themselves.

    There are strays where a writer that came too late may have left a file that counts for nothing.
    """
    assigned: dict[int, list[Row]] = {}
    for row in tables.rows["assignments"] if tables is not None else ():
        assigned.setdefault(row["xact_id"], []).append(row)
    done = {row["xact_id"] for row in tables.rows["done_files"]} if tables is not None else set[int]()
    there = set(listed)
    for xact_id in sorted({*listed, *assigned}):
        file: WalFile | None = None
        # A list may lag, so what it lacks, and what it has and cannot be read, is asked for by its name.
        if xact_id not in there and _is_gone(store, xact_id):
            yield from _missing(xact_id, assigned[xact_id], tables)
            continue
        try:
            file = WalFile(store.file(f"{WAL}/{wal_name(xact_id)}"), xact_id)
            found = list(_file(file))
        except BadFile as error:
            if _is_gone(store, xact_id):
                yield from _missing(xact_id, assigned.get(xact_id, []), tables)
                continue
            found, file = [_found(Kind.DAMAGED, xact_id, error.message)], None
        if xact_id in done and any(one.is_serious for one in found):
            # Nobody reads it any more, and compaction removes it by its name.
            yield _found(Kind.ORPHAN, xact_id, f"it is damaged, and all of its events are in parts: {found[0].message}")
            continue
        yield from found
        if tables is not None and file is not None:
            yield from _against_catalog(
                file, assigned.get(xact_id, []), tables, is_whole=not found, has_strays=has_strays
            )


def _is_gone(store: Store, xact_id: int) -> bool:
    return not store.size(f"{WAL}/{wal_name(xact_id)}")


def _missing(xact_id: int, assigned: Sequence[Row], tables: Tables | None) -> Iterator[Finding]:
    """Yield whose events are lost with a file that is gone; nothing where none of them is needed."""
    for owner in sorted({row["object_id"] for row in assigned}):
        message = "it is not there, and has events that are in no part"
        yield _found(Kind.MISSING, xact_id, message, _name(tables, owner))


def _file(file: WalFile) -> Iterator[Finding]:
    """Read a file as a whole."""
    owners = ", ".join(f"{one.kind}:{one.name}" for one in file.objects)
    if not file.has_checksum:
        yield _found(Kind.NO_CHECKSUM, file.xact_id, "it was written before there were checksums", owners)
    try:
        file.check()
        events = list(file.events(np.arange(file.rows, dtype=np.int64)))
    except BadFile as error:
        yield _found(Kind.DAMAGED, file.xact_id, error.message, owners)
        return
    if len(events) != file.rows or any(event.xact_id != file.xact_id for event in events):
        yield _found(Kind.DAMAGED, file.xact_id, "its events are those of another transaction", owners)


def _against_catalog(
    file: WalFile, assigned: Sequence[Row], tables: Tables, *, is_whole: bool, has_strays: bool
) -> Iterator[Finding]:
    known = {row["id"]: (row["kind"], row["name"]) for row in tables.rows["objects"]}
    for one in file.objects:
        if known.get(one.id) != (one.kind, one.name):
            message = f"it has events of object {one.id}, `{one.kind}:{one.name}`, which the catalog has not"
            yield _found(Kind.CATALOG, file.xact_id, message)
    seen: dict[int, int] = {}
    for row in assigned:
        rows = row_numbers(row["rows"])
        owner = _name(tables, row["object_id"])
        if len(rows) != row["events"] or not len(rows) or (np.diff(rows) <= 0).any():
            yield _found(Kind.CATALOG, file.xact_id, "the catalog counts other events than it lists", owner)
        elif is_whole and len(np.setdiff1d(rows, file.rows_of(row["object_id"]))):
            yield _found(Kind.CATALOG, file.xact_id, "the catalog waits for events that are not in it", owner)
        for number in rows.tolist():
            if seen.setdefault(number, row["segment_id"]) != row["segment_id"]:
                yield _found(Kind.CATALOG, file.xact_id, "an event waits in two segments", owner)
                break
    done = {row["xact_id"] for row in tables.rows["done_files"]}
    if file.xact_id <= tables.processed_upto and not assigned and file.xact_id not in done:
        if has_strays:
            yield _found(Kind.ORPHAN, file.xact_id, "its writer came too late, or nothing waits for it")
        else:
            yield _found(Kind.CATALOG, file.xact_id, "it was processed, but the catalog knows nothing of its events")
    if assigned and file.xact_id > tables.processed_upto:
        yield _found(Kind.CATALOG, file.xact_id, "its events wait, but it has not been processed")


def _found(kind: Kind, xact_id: int, message: str, owner: str | None = None) -> Finding:
    return Finding(kind, f"{WAL}/{wal_name(xact_id)}", message, owner, xact_id=xact_id)


def _name(tables: Tables | None, object_id: int) -> str:
    known: Mapping[int, str] = tables.objects if tables is not None else {}
    return known.get(object_id, f"object {object_id}")
