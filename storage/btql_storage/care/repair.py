"""Repairs an open database: what can be made from something sound is made, the rest is named.

1. A damaged part whose documents are sound is written anew from them: columns, keys and text index come from rows.
2. Where documents are damaged, rows are lost. The part stays quarantined, unless the rows that are sound are to be
   kept and the others given up.
3. A damaged log file is set aside where its events are given up; else its objects wait for it to be brought back.
4. Parts that were quarantined and are sound again are read again.
5. Parts of before there were checksums get some, if they are sound, and objects get their states.

Files from a backup are brought back before all of this (:mod:`.backup`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import orjson

from btql_storage.care.catalog_check import is_half_deleted
from btql_storage.care.check import How, check, parts_with_manifests
from btql_storage.care.findings import Finding, Kind
from btql_storage.care.part_check import PartCheck, has_manifest, part_file
from btql_storage.care.salvage import Documents
from btql_storage.care.tables import Row, Tables, row_numbers
from btql_storage.catalog import NewPart, ObjectInfo, Swap
from btql_storage.compaction.job import write_part
from btql_storage.coordination.numbers import COUNTER, LocalNumbers
from btql_storage.errors import StorageError
from btql_storage.folder import Folder
from btql_storage.format import SET_ASIDE, WAL, part_name, wal_name
from btql_storage.part.format import ROWS_FILE, PartStats
from btql_storage.part.manifest import MANIFEST_FILE, UNTIL_FILE, Owner, manifest_of, until_bytes
from btql_storage.states import (
    STATES,
    commit_swap,
    objects_with_states,
    read_state,
    remove_older,
    state_of,
    write_state,
)
from btql_storage.stores.interface import AlreadyThere

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql_storage.part.format import StatsJson
    from btql_storage.row import Row as DocumentRow

_IDS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class RepairHow:
    """What a repair may do."""

    give_up_rows: bool = False
    """Whether rows that cannot be read any more are given up, so that all else goes on."""
    progress: Callable[[str], None] = lambda _: None
    """Told what is looked at."""


@dataclass(slots=True)
class Repaired:
    """What a repair did, and what is left."""

    done: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    """Rows and events that were given up."""
    left: list[Finding] = field(default_factory=list[Finding])
    """What is still not as it should be."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing that matters is left."""
        return not any(one.is_serious for one in self.left)


def repair(folder: Folder, how: RepairHow, outcome: Repaired) -> None:
    """Repair an open database."""
    folder.check_writable()
    with folder.compact_lock.held(), folder.parts.working():
        findings = check(folder, How(mark=True, progress=how.progress)).findings
        work = _Repair(folder, how, outcome)
        work.parts(findings)
        work.log(findings)
        work.states(findings)
        work.counter(findings)
        work.checksums()
        outcome.left = check(folder, How(mark=True, progress=how.progress)).findings


class _Repair:
    """One run; the compaction lock is held."""

    def __init__(self, folder: Folder, how: RepairHow, outcome: Repaired) -> None:
        self._folder = folder
        self._how = how
        self._outcome = outcome
        self._targets = {one.id: one for one in folder.catalog.objects()}
        self._known = {one.object.id: one.object for one in folder.catalog.deleted.objects()} | self._targets
        """Those that were deleted, too."""

    def parts(self, findings: Sequence[Finding]) -> None:
        """Write damaged parts anew, and read those again that are sound."""
        tables = Tables.read(self._folder.catalog)
        damaged = {one.part for one in findings if one.part and one.kind in (Kind.DAMAGED, Kind.MISSING)}
        marked = {one.part for one in findings if one.part and one.kind is Kind.QUARANTINED}
        for part_id in sorted(marked - damaged):
            self._folder.catalog.quarantine(part_id, None)
            self._outcome.done.append(f"`{part_name(part_id)}` is sound, and is read again")
        for part_id in sorted(damaged):
            self._how.progress(part_name(part_id))
            row = tables.parts[part_id]
            target = self._targets.get(row["object_id"])
            if target is not None:
                self._write_anew(row, target)

    def log(self, findings: Sequence[Finding]) -> None:
        """Set damaged log files aside where their events are given up."""
        if not self._how.give_up_rows:
            return
        owners: dict[int, set[str]] = {}
        for one in findings:
            if one.xact_id is not None and one.kind in (Kind.DAMAGED, Kind.MISSING):
                owners.setdefault(one.xact_id, set()).add(one.object or "")
        for xact_id, names in owners.items():
            self._give_up_file(xact_id, " and ".join(f"`{name}`" for name in sorted(names) if name))

    def states(self, findings: Sequence[Finding]) -> None:
        """Write the states of objects again that are damaged, or of a delete that had not ended.

        Where a state contradicts the catalog in another way, nobody can tell here which of them is right.
        """
        tables, store = Tables.read(self._folder.catalog), self._folder.store
        kinds = {one.subject: one.kind for one in findings if one.subject.startswith(f"{STATES}/")}
        for name, kind in kinds.items():
            _, object_id, *rest = name.split("/")
            number = "".join(rest)
            if not object_id.isdigit() or not number.isdigit() or int(object_id) not in self._targets:
                continue
            if kind is Kind.DAMAGED:
                store.delete(name)
                self._write_state(int(object_id))
                self._outcome.done.append(f"`{name}` was written again")
            elif kind is Kind.CATALOG and is_half_deleted(read_state(store, int(object_id), int(number)), tables):
                remove_older(store, int(object_id), self._write_state(int(object_id)))
                self._outcome.done.append(
                    f"`{name}` was written again, as the object is there: its delete had not ended"
                )

    def counter(self, findings: Sequence[Finding]) -> None:
        """Remove the last number where it cannot be right."""
        numbers = self._folder.numbers
        if isinstance(numbers, LocalNumbers) and any(one.subject == COUNTER for one in findings):
            numbers.forget()
            self._outcome.done.append(f"`{COUNTER}` was removed: numbers go on from the log and the catalog")

    def checksums(self) -> None:
        """Give checksums to parts that have none, and a state to objects that have none."""
        tables = Tables.read(self._folder.catalog)
        since = parts_with_manifests(self._folder, tables)
        for part_id, row in tables.parts.items():
            target = self._targets.get(row["object_id"])
            without = part_id < since and not has_manifest(self._folder.store, part_id)
            if without and target is not None and self._is_sound_without(row):
                self._write_manifest(row, target)
        with_parts = {row["object_id"] for row in tables.rows["parts"]}
        without_states = with_parts.difference(objects_with_states(self._folder.store))
        for object_id in sorted(without_states.intersection(self._known)):
            self._write_state(object_id)
            self._outcome.done.append(f"`{_label(self._known[object_id])}` has its state beside its data now")

    def _write_anew(self, row: Row, target: ObjectInfo) -> None:
        """Write a part anew from its documents, as far as these are sound."""
        part_id = cast("int", row["id"])
        rows = _rows_known(row)
        documents = Documents(self._folder.store, part_id, rows)
        found = [number for numbers, _ in documents.rows() for number in numbers]
        superseded = set(row_numbers(row["superseded"]).tolist())
        lost = [row_id for number, row_id in documents.lost(found).items() if number not in superseded]
        if (lost or not documents.are_whole) and not self._how.give_up_rows:
            return
        kept = [number for number in found if number not in superseded]
        ends = _ends_known(row)
        if ends is not None and len(ends) <= max(kept, default=-1):
            # Rows of the past that ended nobody knows when are in no version.
            if not self._how.give_up_rows:
                return
            whose = f"`{_label(target)}`, in `{part_name(part_id)}`"
            self._outcome.lost.append(f"{len(kept):,} rows of the past of {whose}")
            kept = []
        new_parts = [self._new_part(row, target, documents, kept, ends)] if kept else []
        swap = Swap(target.id, row["segment_id"], new_parts, {}, [part_id], (), (), keeps_history=True)
        commit_swap(self._folder, target, swap)
        self._folder.parts.drop(part_id)
        name, label = part_name(part_id), _label(target)
        self._outcome.done.append(f"`{name}` of `{label}` was written anew from its documents, {len(kept):,} rows")
        if lost:
            self._outcome.lost.append(f"{len(lost):,} rows of `{label}` that were in `{name}`: {_listed(lost)}")

    def _new_part(
        self, row: Row, target: ObjectInfo, documents: Documents, kept: Sequence[int], ends: NDArray[np.int64] | None
    ) -> NewPart:
        owner = Owner(target.id, target.kind, target.name, row["segment_id"])
        until = None if ends is None else ends[np.array(kept)]
        chosen = _picked(documents, set(kept))
        return write_part(self._folder, self._folder.catalog.next_part_id(), owner, chosen, until=until)

    def _give_up_file(self, xact_id: int, whose: str) -> None:
        store, name = self._folder.store, f"{WAL}/{wal_name(xact_id)}"
        content = store.read(name)
        if content is not None:
            store.make_folder(SET_ASIDE)
            with suppress(AlreadyThere):
                store.put(f"{SET_ASIDE}/{wal_name(xact_id)}", content)
            self._outcome.done.append(f"`{name}` is in `{SET_ASIDE}` now")
        with self._folder.catalog.database.writing() as run:
            owners = run.execute("select object_id from assignments where xact_id = ?", (xact_id,)).fetchall()
            run.execute("delete from assignments where xact_id = ?", (xact_id,))
            run.executemany("update objects set changed = changed + 1 where id = ?", owners)
        store.delete(name)
        for (object_id,) in owners:
            self._write_state(object_id)
        self._outcome.lost.append(f"the events of transaction {xact_id}{f' of {whose}' if whose else ''}")

    def _write_state(self, object_id: int) -> int:
        number = self._folder.catalog.next_part_id()
        write_state(self._folder, state_of(self._folder, self._known[object_id], number))
        return number

    def _is_sound_without(self, row: Row) -> bool:
        """Return whether a part that has no checksums is what its documents say."""
        one = PartCheck(self._folder.store, row, "", has_manifest=False)
        return not any(finding.is_serious for finding in one.run(deep=True))

    def _write_manifest(self, row: Row, target: ObjectInfo) -> None:
        store, part_id = self._folder.store, cast("int", row["id"])
        name, until = part_name(part_id), row["until"]
        owner = Owner(target.id, target.kind, target.name, row["segment_id"])
        stats = PartStats.from_json(cast("StatsJson", orjson.loads(row["stats"])))
        try:
            if until is not None:
                with suppress(AlreadyThere):
                    store.put(f"{name}/{UNTIL_FILE}", until_bytes(np.frombuffer(until, "<i8").astype(np.int64)))
            folder = part_file(store, part_id, ROWS_FILE).parent
            sizes = orjson.loads(row["file_bytes"])
            content = manifest_of(folder, part_id, owner, stats, sizes, history=until is not None)
            store.put(f"{name}/{MANIFEST_FILE}", content)
        except (AlreadyThere, StorageError, OSError) as error:
            self._outcome.done.append(f"`{name}` could not be given checksums: {error}")
        else:
            self._outcome.done.append(f"`{name}` has checksums now")


def _rows_known(row: Row) -> int:
    try:
        return int(orjson.loads(row["stats"])["rows"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return 0


def _ends_known(row: Row) -> NDArray[np.int64] | None:
    """Return when the rows of a part of the past ended, none where that is lost; None for a part of current rows."""
    until: bytes | None = row["until"]
    if until is None:
        return None
    return np.frombuffer(until if len(until) % 8 == 0 else b"", "<i8").astype(np.int64)


def _picked(documents: Documents, kept: set[int]) -> Iterator[list[DocumentRow]]:
    for numbers, block in documents.rows():
        rows = [row for number, row in zip(numbers, block, strict=True) if number in kept]
        if rows:
            yield rows


def _label(target: ObjectInfo) -> str:
    return f"{target.kind}:{target.name}"


def _listed(ids: Sequence[str]) -> str:
    shown = ", ".join(f"`{one}`" for one in ids[:_IDS_SHOWN])
    return shown if len(ids) <= _IDS_SHOWN else f"{shown} and {len(ids) - _IDS_SHOWN:,} more"
