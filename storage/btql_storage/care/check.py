"""Checks a whole database: every file, every checksum, every row of the catalog, against one another.

It changes nothing, except that parts found damaged are marked in the catalog where that is asked for, and it may run
while others write and compact: what was removed or replaced meanwhile is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from btql_storage.care.catalog_check import check_across, check_database, check_states, check_tables
from btql_storage.care.findings import Finding, Kind, Report
from btql_storage.care.part_check import PartCheck, has_manifest
from btql_storage.care.tables import Tables
from btql_storage.care.wal_check import check_wal
from btql_storage.coordination.numbers import COUNTER, LocalNumbers
from btql_storage.errors import BadFile, Damaged, StorageError
from btql_storage.folder import Folder
from btql_storage.format import PARTS, WAL, part_name, wal_numbers
from btql_storage.opening.identity import DATABASE
from btql_storage.part.manifest import MANIFEST_FILE
from btql_storage.states import STATES
from btql_storage.stores.interface import Store
from btql_storage.stores.lists import lag, wait_for_lists

CHECKSUMS_SINCE = "checksums.since"
"""The setting with the first part that must have a manifest, where a database was restored with some that have none."""


@dataclass(frozen=True, slots=True)
class How:
    """How a database is to be checked."""

    deep: bool = False
    """Whether parts are written anew from their documents and compared: as slow as compaction."""
    mark: bool = False
    """Whether damaged parts are marked in the catalog, so that no query reads them."""
    progress: Callable[[str], None] = lambda _: None
    """Told what is looked at."""


def check(folder: Folder, how: How = How()) -> Report:
    """Check a database that can be opened."""
    report = Report()
    how.progress(folder.catalog.database.label)
    report.findings += check_database(folder.catalog)
    try:
        # First the files, then the catalog: what it does not know must be older than it.
        listed, folders = folder.wal.numbers(), folder.store.list(PARTS)
        tables = Tables.read(folder.catalog)
    except Damaged as error:
        report.findings.append(Finding(Kind.DAMAGED, folder.catalog.database.label, error.message))
        return report
    report.looked_at.update(
        objects=len(tables.objects), parts=len(tables.parts), wal_files=len(listed), bytes=0, rows=0
    )
    report.findings += check_tables(tables)
    how.progress(WAL)
    # Where writers take turns, each file that is there was acknowledged.
    turns = isinstance(folder.numbers, LocalNumbers)
    report.findings += check_wal(folder.store, listed, tables, has_strays=not turns)
    report.findings += _check_counter(folder)
    report.looked_at["bytes"] += sum(map(folder.wal.size, listed))
    damaged = _check_parts(folder, tables, how, report)
    report.findings += _check_states(folder.store, tables)
    try:
        report.findings += check_across(folder.store, tables, damaged)
    except BadFile as error:
        report.findings.append(Finding(Kind.DAMAGED, PARTS, error.message))
    report.findings += _orphans(tables, folders)
    report.findings = _still_true(folder, report.findings)
    if how.mark:
        mark(folder, report)
    return report


def mark(folder: Folder, report: Report) -> None:
    """Mark the live parts that were found damaged."""
    reasons: dict[int, list[Finding]] = {}
    for one in report.findings:
        if one.part is not None and one.kind in (Kind.DAMAGED, Kind.MISSING):
            reasons.setdefault(one.part, []).append(one)
    for part_id, findings in reasons.items():
        folder.catalog.quarantine(part_id, "; ".join(f"`{one.subject}`: {one.message}" for one in findings))
        folder.parts.drop(part_id)


def parts_with_manifests(folder: Folder, tables: Tables) -> int:
    """Return the first part that was written when there were manifests already."""
    settings = {row["name"]: row["value"] for row in tables.rows["settings"]}
    if CHECKSUMS_SINCE in settings:
        return int(settings[CHECKSUMS_SINCE])
    if DATABASE in settings:
        # Databases have had ids for as long.
        return 0
    for part_id in sorted(tables.parts):
        if folder.store.size(f"{part_name(part_id)}/{MANIFEST_FILE}"):
            return part_id
    return 1 << 62


def _check_parts(folder: Folder, tables: Tables, how: How, report: Report) -> set[int]:
    """Check the live parts; return those that are not what they should be."""
    since = parts_with_manifests(folder, tables)
    damaged: set[int] = set()
    for part_id, row in tables.parts.items():
        how.progress(part_name(part_id))
        owner = tables.objects.get(row["object_id"], f"object {row['object_id']}")
        one = PartCheck(folder.store, row, owner, part_id >= since or has_manifest(folder.store, part_id))
        found = list(one.run(deep=how.deep))
        if any(finding.is_serious for finding in found):
            damaged.add(part_id)
        report.findings += found
        report.looked_at["bytes"] += one.bytes
        folder.store.release(part_name(part_id))
    return damaged


def _check_states(store: Store, tables: Tables) -> list[Finding]:
    """Check the states, and again where a list may have lacked the newest."""
    found = list(check_states(store, tables))
    if found and lag(store):
        wait_for_lists(store)
        found = list(check_states(store, tables))
    return found


def _check_counter(folder: Folder) -> Iterator[Finding]:
    problem = folder.numbers.problem() if isinstance(folder.numbers, LocalNumbers) else None
    if problem is not None:
        yield Finding(Kind.DAMAGED, COUNTER, problem)


def _orphans(tables: Tables, folders: list[str]) -> Iterator[Finding]:
    known = {str(row["id"]) for row in tables.rows["parts"]}
    for name in folders:
        if name.isdigit() and int(name) > tables.numbers.get("part", 0):
            message = "it is newer than the catalog, perhaps an old copy; `btql repair --catalog` makes it again"
            yield Finding(Kind.CATALOG, f"{PARTS}/{name}", message)
        elif name not in known:
            yield Finding(Kind.ORPHAN, f"{PARTS}/{name}", "the catalog does not have it")


def _still_true(folder: Folder, findings: list[Finding]) -> list[Finding]:
    """Return the findings that are not about what was removed or replaced meanwhile."""
    tables = Tables.read(folder.catalog)
    waiting = {row["xact_id"] for row in tables.rows["assignments"]}
    objects = set(tables.objects.values())
    kept: list[Finding] = []
    for one in findings:
        gone_part = one.part is not None and one.part not in tables.parts
        gone_file = (
            one.xact_id is not None
            and one.xact_id not in waiting
            and (one.kind is Kind.MISSING or not folder.wal.size(one.xact_id))
        )
        gone_object = one.object is not None and one.object not in objects and one.subject.startswith(f"{STATES}/")
        if not gone_part and not gone_file and not gone_object:
            kept.append(one)
    return kept


def check_files(store: Store, problem: StorageError) -> Report:
    """Check what can be checked of a database whose catalog cannot be read: each file by itself."""
    report = Report([Finding(Kind.DAMAGED, "catalog", problem.message)])
    listed, folders = wal_numbers(store.list(WAL)), store.list(PARTS)
    report.looked_at.update(parts=len(folders), wal_files=len(listed))
    report.findings += check_wal(store, listed, None)
    for name in folders:
        row = {"id": int(name) if name.isdigit() else 0}
        report.findings += PartCheck(store, row, "", has_manifest(store, row["id"])).files_alone()
    report.findings += check_states(store, None)
    return report
