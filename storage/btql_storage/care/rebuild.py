"""Makes the catalog again from the files alone.

1. Of each object the newest state that fits the files (:mod:`btql_storage.states`) tells which parts are live, which of
   their rows are current, and which events are to come. The manifests of the parts tell the rest. Where the newest is
   of a delete that may not have ended, the one before it counts.
2. An object without any state is known from the manifests of its parts: of each id the latest row counts, and what
   else is in the log. Rows that were deleted may come back then, and its past is gone. Without parts, all of its events
   are in the log.
3. Events of log files after the last one that a state knows are to come as well, and go where their id or trace is.
4. The catalog gets all of this in one transaction.

What only the catalog knew is gone: objects to which nothing was ever written, how long things are to be kept, and since
when deleted rows wait to be purged, which begins anew. A part whose manifest is damaged is quarantined, so that
nothing is answered without it; :mod:`.repair` goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import orjson

from btql_storage.care.findings import Finding, Kind
from btql_storage.care.guess import guess_parts
from btql_storage.care.load import load
from btql_storage.care.part_check import part_file
from btql_storage.care.recovered import Recovered, tables_of
from btql_storage.care.tables import Row
from btql_storage.catalog import Assignment, View
from btql_storage.checksums import file_checksum
from btql_storage.errors import BadFile, Damaged
from btql_storage.folder import Folder
from btql_storage.format import PARTS, WAL, part_name, wal_name
from btql_storage.homes import Homes
from btql_storage.opening.identity import DATABASE
from btql_storage.part.format import PartStats
from btql_storage.part.manifest import MANIFEST_FILE, UNTIL_FILE, Manifest, read_manifest, read_until
from btql_storage.states import STATES, State, objects_with_states, read_state, state_numbers, unpacked
from btql_storage.stores.lists import wait_for_lists

if TYPE_CHECKING:
    from btql_storage.wal.reader import WalFile

_EVER = (-(1 << 62), 1 << 62)


@dataclass(slots=True)
class Rebuilt:
    """What a catalog was made of."""

    objects: int = 0
    parts: int = 0
    waiting: int = 0
    """Events that are in no part."""
    findings: list[Finding] = field(default_factory=list[Finding])
    """What did not fit."""


def rebuild(folder: Folder, database: str | None) -> Rebuilt:
    """Fill the catalog of an open database with that id anew; nobody else may have the database open."""
    folder.check_writable()
    wait_for_lists(folder.store)
    with folder.compact_lock.held(), folder.numbers.turn():
        return _Rebuild(folder, database).run()


class _Rebuild:
    """One run."""

    def __init__(self, folder: Folder, database: str | None) -> None:
        self._folder = folder
        self._database = database
        self._store = folder.store
        self._report = Rebuilt()
        self._objects: dict[int, Recovered] = {}
        self._last_segment = 0
        self._listed = self._folder.wal.numbers()
        self._part_folders = {int(name) for name in self._store.list(PARTS) if name.isdigit()}

    def run(self) -> Rebuilt:
        for object_id in objects_with_states(self._store):
            self._take_state(object_id)
        for one in self._objects.values():
            self._take_parts(one)
        guessed = self._guess()
        listed = self._listed
        upto = max((one.known_upto for one in self._objects.values()), default=0)
        if guessed:
            # What is in their parts is told from what is not only here.
            upto = max((upto, *listed))
        self._last_segment = max((segment for one in self._objects.values() for segment in one.segments), default=0)
        self._take_log([number for number in listed if number <= upto])
        settings: list[Row] = [] if self._database is None else [{"name": DATABASE, "value": self._database}]
        load(self._folder.catalog, self._tables(listed, upto) | {"settings": settings})
        self._folder.wal.processed_upto = 0
        self._folder.recover_numbers()
        self._report.objects = len(self._objects)
        return self._report

    def _found(self, kind: Kind, subject: str, message: str, owner: str | None = None, part: int | None = None) -> None:
        self._report.findings.append(Finding(kind, subject, message, owner, part))

    def _take_state(self, object_id: int) -> None:
        """Find the newest state whose parts are all there, else the newest that can be read."""
        readable: list[State] = []
        for number in reversed(state_numbers(self._store, object_id)):
            try:
                state = read_state(self._store, object_id, number)
            except BadFile as error:
                self._found(Kind.DAMAGED, f"{STATES}/{object_id}/{number}", error.message)
                continue
            readable.append(state)
            if {part.id for part in state.parts} <= self._part_folders:
                break
        if not readable:
            return
        fits = {part.id for part in readable[-1].parts} <= self._part_folders
        state = readable[-1] if fits else readable[0]
        if state.deleted_at is not None:
            state = self._before_delete(state) or state
        one = Recovered(object_id, state.kind, state.name, state)
        one.segments = {int(segment): events for segment, events in state.segments.items()}
        one.assignments = state.assignments()
        self._objects[object_id] = one

    def _before_delete(self, deleted: State) -> State | None:
        """Return the state before a delete that may not have ended, where all that it lists is there."""
        older = [number for number in state_numbers(self._store, deleted.object_id) if number < deleted.number]
        if not older:
            return None
        try:
            state = read_state(self._store, deleted.object_id, older[-1])
        except BadFile:
            return None
        waiting = {one.xact_id for one in state.pending}
        if not {part.id for part in state.parts} <= self._part_folders or not waiting.issubset(self._listed):
            return None
        message = "a delete of the object had not ended, so it is there: delete it again"
        self._found(
            Kind.CATALOG, f"{STATES}/{deleted.object_id}/{deleted.number}", message, f"{state.kind}:{state.name}"
        )
        return state

    def _take_parts(self, one: Recovered) -> None:
        assert one.state is not None, "only objects with a state have parts"
        for part in one.state.parts:
            name = part_name(part.id)
            row: Row = {"id": part.id, "object_id": one.id, "segment_id": part.segment_id}
            superseded = unpacked(part.superseded)
            row["superseded"] = superseded.astype("<i4").tobytes()
            manifest: Manifest | None = None
            try:
                manifest = read_manifest(part_file(self._store, part.id, MANIFEST_FILE))
                stats = manifest.part_stats()
                row |= {"stats": orjson.dumps(manifest.stats), "file_bytes": orjson.dumps(manifest.file_bytes)}
            except BadFile as error:
                self._found(Kind.DAMAGED, f"{name}/{MANIFEST_FILE}", error.message, one.label, part.id)
                stats = _anything()
                row |= {"stats": orjson.dumps(stats.to_json()), "file_bytes": b"{}"}
                row["quarantined"] = f"`{name}`: {error.message}"
            if part.history:
                row |= self._ends(part.id, manifest, one.label)
            if len(superseded):
                row["purge_since"] = self._folder.clock.now_s()
            if part.history:
                one.rows.append(row)
            else:
                one.add_part(row, stats, superseded.tolist())
        self._report.parts += len(one.rows)

    def _ends(self, part_id: int, manifest: Manifest | None, label: str) -> Row:
        """Return what the catalog has of when the rows of a part of the past ended; nothing where that is lost."""
        name = f"{part_name(part_id)}/{UNTIL_FILE}"
        try:
            path = part_file(self._store, part_id, UNTIL_FILE)
            until = read_until(path)
            if manifest is not None and file_checksum(path) != manifest.files[UNTIL_FILE].sha256:
                raise Damaged("its checksum does not hold")
        except BadFile as error:
            self._found(Kind.DAMAGED, name, error.message, label, part_id)
            return {"until": b"", "until_max": _EVER[1], "quarantined": f"`{name}`: {error.message}"}
        return {"until": until.tobytes(), "until_max": int(until.max())}

    def _guess(self) -> bool:
        """Take the parts of objects that have no state; return whether there are any."""
        manifests: dict[int, list[Manifest]] = {}
        for part_id in sorted(self._part_folders):
            try:
                manifest = read_manifest(part_file(self._store, part_id, MANIFEST_FILE))
            except BadFile:
                continue
            if manifest.owner.object_id not in self._objects and not manifest.history:
                manifests.setdefault(manifest.owner.object_id, []).append(manifest)
        for object_id, mine in manifests.items():
            one = self._object(object_id, mine[0].owner.kind, mine[0].owner.name)
            try:
                guess_parts(self._store, one, mine)
                self._report.parts += len(one.rows)
            except BadFile as error:
                self._found(Kind.DAMAGED, f"object {object_id}", error.message, one.label)
            message = "its state is lost: rows that were deleted may be back, and earlier versions are gone"
            self._found(Kind.MISSING, f"{STATES}/{object_id}", message, one.label)
        return bool(manifests)

    def _take_log(self, known: Sequence[int]) -> None:
        """Assign events of files that one object's state does not know, but another one's does."""
        homes: dict[int, Homes] = {}
        for number in known:
            try:
                file = self._folder.wal.file(number)
                for target in file.objects:
                    one = self._object(target.id, target.kind, target.name)
                    if number > one.known_upto:
                        self._assign(file, one, homes)
            except BadFile as error:
                self._found(Kind.DAMAGED, f"{WAL}/{wal_name(number)}", error.message)

    def _object(self, object_id: int, kind: str, name: str) -> Recovered:
        if object_id not in self._objects:
            self._objects[object_id] = Recovered(object_id, kind, name)
        return self._objects[object_id]

    def _assign(self, file: WalFile, one: Recovered, homes: dict[int, Homes]) -> None:
        rows = file.rows_of(one.id)
        if not len(rows):
            return
        if not one.segments:
            self._last_segment += 1
            one.segments[self._last_segment] = 0
        newest = max(one.segments)
        if one.latest:
            found, _ = file.ids(rows)
            rows = rows[[one.latest.get(row_id, 0) < file.xact_id for row_id in found]]
        if len(one.segments) == 1:
            places = np.full(len(rows), newest)
        else:
            if one.id not in homes:
                homes[one.id] = Homes(self._folder, View(0, one.assignments, one.parts, 0))
            ids, traces = file.ids(rows)
            places = np.array(homes[one.id].find(ids, traces, newest), dtype=np.int64)
        for segment in np.unique(places).tolist():
            mine = rows[places == segment]
            size = file.json_bytes * len(mine) // max(file.rows, 1)
            one.assignments.append(Assignment(file.xact_id, segment, mine, size))
            one.segments[segment] += len(mine)

    def _tables(self, listed: Sequence[int], upto: int) -> dict[str, list[Row]]:
        """Return the rows of all tables."""
        # Objects of which the log alone tells are made known here; processing takes their events as ever.
        for number in (number for number in listed if number > upto):
            try:
                for target in self._folder.wal.file(number).objects:
                    self._object(target.id, target.kind, target.name)
            except BadFile as error:
                self._found(Kind.DAMAGED, f"{WAL}/{wal_name(number)}", error.message)
        objects = sorted(self._objects.values(), key=lambda one: one.id)
        assigned = {one.xact_id for each in objects for one in each.assignments}
        there = set(listed)
        for each in objects:
            for missing in sorted({one.xact_id for one in each.assignments} - there):
                message = "it is not there, and has events that are in no part"
                self._found(Kind.MISSING, f"{WAL}/{wal_name(missing)}", message, each.label)
        self._report.waiting = sum(len(one.rows) for each in objects for one in each.assignments)
        last_part = max((*self._part_folders, *self._state_numbers()), default=0)
        done = [number for number in listed if number <= upto and number not in assigned]
        return tables_of(objects, {"part": last_part, "processed_upto": upto}, done, self._folder.clock.now_s())

    def _state_numbers(self) -> Iterator[int]:
        for object_id in objects_with_states(self._store):
            yield from state_numbers(self._store, object_id)


def _anything() -> PartStats:
    """Return statistics by which no query leaves a part out."""
    low, high = _EVER
    return PartStats(0, 0, low, high, 0, high, "", "\U0010ffff", complete=False)
