"""Checks the catalog: against itself, against the states beside the data, and across the parts of an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import orjson

from btql_storage.care.findings import Finding, Kind
from btql_storage.care.part_check import part_file
from btql_storage.care.tables import Row, Tables, row_numbers
from btql_storage.databases.sqlite import SqliteDatabase
from btql_storage.errors import BadFile, Damaged
from btql_storage.keys import Keys
from btql_storage.opening.identity import DATABASE
from btql_storage.part.format import KEYS_FILE
from btql_storage.states import STATES, State, objects_with_states, read_state, state_numbers, unpacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql_storage.catalog import Catalog
    from btql_storage.stores.interface import Store

CATALOG = "catalog"


def check_tables(tables: Tables) -> Iterator[Finding]:
    """Yield where rows of the catalog do not fit each other."""
    objects = {row["id"]: row for row in tables.rows["objects"]}
    segments = {row["id"]: row for row in tables.rows["segments"]}
    for row in segments.values():
        if row["object_id"] not in objects:
            yield _wrong(f"segment {row['id']}", f"it is of object {row['object_id']}, which is not there")
    for name in ("part", "processed_upto"):
        if name not in tables.numbers:
            yield _wrong(f"number `{name}`", "it is not there")
    last = max((row["id"] for row in tables.rows["parts"]), default=0)
    if tables.numbers.get("part", 0) < last:
        yield _wrong("number `part`", f"it is {tables.numbers.get('part', 0)}, but there is part {last}")
    for row in tables.rows["parts"]:
        yield from _check_part_row(row, tables, segments)
    for row in tables.rows["assignments"]:
        segment = segments.get(row["segment_id"])
        if segment is None or segment["object_id"] != row["object_id"]:
            yield _wrong(f"assignment of {row['xact_id']}", f"its segment {row['segment_id']} is not of its object")


def _check_part_row(row: Row, tables: Tables, segments: dict[int, Row]) -> Iterator[Finding]:
    name = f"part {row['id']}"
    segment = segments.get(row["segment_id"])
    if segment is None or segment["object_id"] != row["object_id"]:
        yield _wrong(name, f"its segment {row['segment_id']} is not of its object", row["id"])
    if len(row["superseded"]) % 4:
        yield _wrong(name, "its superseded rows cannot be read", row["id"])
    try:
        rows = orjson.loads(row["stats"])["rows"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        yield _wrong(name, "its statistics cannot be read", row["id"])
        return
    if row["until"] is not None and len(row["until"]) != 8 * rows:
        yield _wrong(name, "it does not have when each of its rows ended", row["id"])
    if row["quarantined"] is not None and row["replaced_at"] is None:
        owner = tables.objects.get(row["object_id"])
        yield Finding(Kind.QUARANTINED, f"parts/{row['id']}", row["quarantined"], owner, row["id"])


def check_states(store: Store, tables: Tables | None) -> Iterator[Finding]:
    """Yield where the states beside the data are damaged, or not what the catalog has."""
    with_states = objects_with_states(store)
    if tables is not None and any(row["name"] == DATABASE for row in tables.rows["settings"]):
        # Also of an object that was deleted: its parts are there for a while, and would bring it back.
        owners = {row["object_id"] for row in tables.rows["parts"]}
        for object_id in sorted(owners.difference(with_states)):
            message = "the object has parts, and no state beside them to make a lost catalog from"
            yield Finding(Kind.MISSING, f"{STATES}/{object_id}", message, tables.objects.get(object_id))
    for object_id in with_states:
        numbers = state_numbers(store, object_id)
        if tables is not None and object_id not in {row["id"] for row in tables.rows["objects"]}:
            yield Finding(Kind.ORPHAN, f"{STATES}/{object_id}", "the catalog has no such object")
            continue
        owner = tables.objects.get(object_id) if tables is not None else None
        for number in numbers:
            subject = f"{STATES}/{object_id}/{number}"
            try:
                state = read_state(store, object_id, number)
            except BadFile as error:
                if not store.size(subject):
                    # Another one has come since it was listed.
                    continue
                yield Finding(Kind.DAMAGED, subject, error.message, owner)
                continue
            if number == numbers[-1] and tables is not None and owner is not None:
                yield from _compare(state, subject, owner, tables)


def is_half_deleted(state: State, tables: Tables) -> bool:
    """Return whether a state is of a delete that did not come as far as the catalog.

    A state with a number that the catalog has not given out is newer than the catalog, which is an old copy then.
    """
    known = {row["id"]: row["deleted_upto"] for row in tables.rows["objects"]}.get(state.object_id, 0)
    return state.deleted_upto > known and state.number <= tables.numbers.get("part", 0)


def _compare(state: State, subject: str, owner: str, tables: Tables) -> Iterator[Finding]:
    if is_half_deleted(state, tables):
        message = "it says that the object was deleted, and the catalog does not: the delete had not ended"
        yield Finding(Kind.CATALOG, subject, message, owner)
        return
    parts = {row["id"]: row for row in tables.parts.values() if row["object_id"] == state.object_id}
    told = {part.id: part for part in state.parts}
    if f"{state.kind}:{state.name}" != owner:
        message = f"it is of `{state.kind}:{state.name}`, the catalog calls the object `{owner}`"
        yield Finding(Kind.CATALOG, subject, message, owner)
    if parts.keys() != told.keys():
        # A state that was written for a change which did not come names parts that the catalog never had.
        if told.keys() <= {row["id"] for row in tables.rows["parts"]}:
            yield Finding(Kind.CATALOG, subject, "it lists other parts than the catalog", owner)
        return
    for part_id, part in told.items():
        if not np.array_equal(unpacked(part.superseded), row_numbers(parts[part_id]["superseded"])):
            message = f"other rows of part {part_id} are superseded than in the catalog"
            yield Finding(Kind.CATALOG, subject, message, owner, part_id)
    mine = [row for row in tables.rows["assignments"] if row["object_id"] == state.object_id]
    waiting = {
        (row["xact_id"], row["segment_id"]): row_numbers(row["rows"]).tolist()
        for row in mine
        if row["xact_id"] <= state.processed_upto
    }
    pending = {(one.xact_id, one.segment_id): unpacked(one.rows).tolist() for one in state.pending}
    if waiting != pending:
        yield Finding(Kind.CATALOG, subject, "the catalog waits for other events", owner)


def check_across(store: Store, tables: Tables, damaged: set[int]) -> Iterator[Finding]:
    """Yield ids that are current twice. Fingerprints are compared, and where two are the same the ids themselves."""
    by_object: dict[int, list[Row]] = {}
    for row in tables.parts.values():
        if row["until"] is None and row["id"] not in damaged:
            by_object.setdefault(row["object_id"], []).append(row)
    for object_id, rows in by_object.items():
        if len(rows) < 2:
            continue
        prints = [_current_prints(store, row) for row in rows]
        every = np.concatenate(prints)
        values, counts = np.unique(every, return_counts=True)
        twice = values[counts > 1]
        if len(twice):
            owner = tables.objects.get(object_id)
            places = [row["id"] for row, mine in zip(rows, prints, strict=True) if len(np.intersect1d(mine, twice))]
            message = f"{len(twice)} ids are current in more than one of the parts {places}"
            yield Finding(Kind.CATALOG, f"object {object_id}", message, owner)


def _current_prints(store: Store, row: Row) -> NDArray[np.uint64]:
    keys = Keys(part_file(store, row["id"], KEYS_FILE))
    prints, numbers = keys.ids()
    return prints[~np.isin(numbers, row_numbers(row["superseded"]))]


def check_database(catalog: Catalog) -> Iterator[Finding]:
    """Yield what the database itself finds wrong with its file."""
    if not isinstance(catalog.database, SqliteDatabase):
        # Servers look after their files themselves.
        return
    label = catalog.database.label
    try:
        (rows,) = catalog.database.read(lambda _: [("pragma integrity_check", ())])
    except Damaged as error:
        yield Finding(Kind.DAMAGED, label, error.message)
        return
    for (message,) in rows:
        if message != "ok":
            yield Finding(Kind.DAMAGED, label, " ".join(str(message).split()))


def _wrong(name: str, message: str, part: int | None = None) -> Finding:
    return Finding(Kind.CATALOG, f"{CATALOG}: {name}", message, None, part)
