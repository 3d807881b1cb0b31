"""Rows of the catalog's tables to values and back, and the statements that several of its transactions need."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from btql_storage.catalog.schema import CHANGES_SINCE, HISTORY_SINCE
from btql_storage.catalog.shapes import Assignment, HistoryPart, NewPart, PartInfo, RowNumbers, Swap
from btql_storage.databases.interface import Row, Run, Statement, Value
from btql_storage.errors import Locked, values_of_catalog
from btql_storage.later import np

if TYPE_CHECKING:
    from btql_storage.part.format import PartStats

TEXTS = (("settings", "value"), ("objects", "name"), ("parts", "stats"), ("parts", "file_bytes"))
"""Tables and their columns that have names, or values of documents."""
_AT_ONCE = 500
PROCESSED_UPTO = "select value from numbers where name = 'processed_upto'"


def processed_upto(run: Run) -> int:
    """Return the number of the last WAL file that was processed."""
    return int(one_value(run.execute(PROCESSED_UPTO).fetchall()))


def only(rows: Sequence[Row]) -> Row:
    """Return the one row there is."""
    with values_of_catalog():
        (row,) = rows
        return row


def one_value(rows: Sequence[Row]) -> Any:  # noqa: ANN401  whoever wrote the statement knows
    """Return the one value of an answer."""
    with values_of_catalog():
        ((value,),) = rows
        return value


def compacted_name(object_id: int) -> str:
    """Return the name of the number that tells up to where an object has no history."""
    return f"compacted_upto {object_id}"


def note_compacted(run: Run, swap: Swap) -> None:
    """Note up to where an object without history is in parts."""
    upto = max((one.xact_id for one in swap.taken), default=0)
    if upto:
        raise_compacted(run, swap.object_id, upto)


def raise_compacted(run: Run, object_id: int, upto: int) -> None:
    """Note that what rows of an object were before a transaction cannot be told any more."""
    run.execute(
        "insert into numbers (name, value) values (?, ?) on conflict (name) do update"
        " set value = case when numbers.value > excluded.value then numbers.value else excluded.value end",
        (compacted_name(object_id), upto),
    )


def note_deletes(run: Run, part_ids: Iterable[int], now_s: int) -> None:
    """Note since when parts have rows that were deleted."""
    query = "update parts set purge_since = ? where id = ? and purge_since is null"
    run.executemany(query, [(now_s, one) for one in sorted(part_ids)])


def changed(run: Run, object_ids: Iterable[int]) -> None:
    """Count up that assignments or live parts of objects are others from now on (invariant 6)."""
    run.executemany(
        "update objects set changed = changed + 1 where id = ?", [(one,) for one in sorted(set(object_ids))]
    )


def select_head(object_id: int, version: int) -> Statement:
    """Return what reads how far processing is, up to where an object has no history or was deleted, and ``changed``."""
    query = "select value, (select value from numbers where name = ?), {} from numbers where name = 'processed_upto'"
    name = compacted_name(object_id)
    if version < CHANGES_SINCE:
        return query.format("null, 0"), (name,)
    mine = "(select {} from objects where id = ?)"
    return query.format(f"{mine.format('changed')}, {mine.format('deleted_upto')}"), (name, object_id, object_id)


def select_compacted(object_id: int) -> Statement:
    """Return what reads whether any event of an object is in a part."""
    query = (
        "select (select coalesce(sum(events), 0) from segments where object_id = ?)"
        " > (select coalesce(sum(events), 0) from assignments where object_id = ?)"
    )
    return query, (object_id, object_id)


def select_objects(version: int, name: str | None = None) -> Statement:
    """Return what reads the objects that were not deleted, all of them or those of a name."""
    wanted = ["deleted_at is null"] if version >= CHANGES_SINCE else []
    values = () if name is None else (name,)
    wanted += ["name = ?"] * len(values)
    where = f" where {' and '.join(wanted)}" if wanted else ""
    return f"select id, kind, name from objects{where} order by id", values  # noqa: S608  our words


def select_object(kind: str, name: str, version: int) -> Statement:
    """Return what reads the id of an object that was not deleted."""
    living = " and deleted_at is null" if version >= CHANGES_SINCE else ""
    return f"select id from objects where kind = ? and name = ?{living}", (kind, name)  # noqa: S608  our words


def select_setting(name: str, version: int) -> list[Statement]:
    """Return what reads a setting; nothing where there are none."""
    return [("select value from settings where name = ?", (name,))] if version >= CHANGES_SINCE else []


def select_history_counts() -> Statement:
    """Return what counts the parts with rows of the past, by object."""
    return "select object_id, count(*) from parts where replaced_at is null and until is not null group by 1", ()


def select_assignments(object_id: int) -> Statement:
    """Return what reads the assignments of an object."""
    query = (
        "select xact_id, segment_id, rows, json_bytes from assignments where object_id = ? order by xact_id, segment_id"
    )
    return query, (object_id,)


def assignments_of(rows: Iterable[Row]) -> list[Assignment]:
    """Return what :func:`select_assignments` found."""
    return [Assignment(xact_id, segment_id, _numbers(blob), size) for xact_id, segment_id, blob, size in rows]


def select_parts(object_id: int, version: int) -> Statement:
    """Return what reads the live parts of an object with current rows."""
    current = " and until is null" if version >= HISTORY_SINCE else ""
    query = (
        f"select id, segment_id, file_bytes, superseded, {_since_3(version)} from parts"  # noqa: S608  our words
        f" where object_id = ? and replaced_at is null{current} order by id"
    )
    return query, (object_id,)


def select_history(object_id: int, after: int | None, version: int) -> Statement:
    """Return what reads the live parts of an object with rows that ended after a transaction, where one is given."""
    if after is None or version < HISTORY_SINCE:
        return "select id from parts where id is null", ()
    query = (
        f"select id, segment_id, file_bytes, superseded, {_since_3(version)}, until from parts"  # noqa: S608  as above
        " where object_id = ? and replaced_at is null and until_max > ? order by id"
    )
    return query, (object_id, after)


def part_of(object_id: int, row: Row, stats: PartStats) -> PartInfo:
    """Return a part that :func:`select_parts` found."""
    part_id, segment_id, sizes, superseded, *marks = row
    with values_of_catalog():
        return PartInfo(part_id, object_id, segment_id, stats, orjson.loads(sizes), _array(superseded), *marks)


def history_part_of(object_id: int, row: Row, stats: PartStats) -> HistoryPart:
    """Return a part that :func:`select_history` found."""
    return HistoryPart(part_of(object_id, row[:-1], stats), np.frombuffer(row[-1], "<i8").astype(np.int64))


def _since_3(version: int) -> str:
    return "quarantined, purge_since" if version >= CHANGES_SINCE else "null, null"


def insert_assignments(run: Run, many: Sequence[Assignment]) -> None:
    """Assign events of files to segments."""
    run.executemany(
        "insert into assignments (xact_id, segment_id, object_id, rows, events, json_bytes)"
        " select cast(? as bigint), id, object_id, ?, cast(? as bigint), cast(? as bigint) from segments where id = ?",
        [(one.xact_id, _blob(one.rows), len(one.rows), one.json_bytes, one.segment_id) for one in many],
    )


def delete_assignments(run: Run, taken: Sequence[Assignment]) -> None:
    """Take assignments away that must be there as they are given."""
    query = "delete from assignments where xact_id = ? and segment_id = ? and events = ?"
    change_all(run, query, [(one.xact_id, one.segment_id, len(one.rows)) for one in taken])


def owners(run: Run, segments: Sequence[int]) -> list[int]:
    """Return the objects that segments belong to."""
    found: set[int] = set()
    for some in in_pieces(segments):
        query = f"select distinct object_id from segments where id in ({places(some)})"  # noqa: S608  question marks
        found.update(owner for (owner,) in run.execute(query, some))
    return sorted(found)


def change_all(run: Run, statement: str, rows: Sequence[Sequence[Value]]) -> None:
    """Run a statement that changes one row for each of these; Locked where any is not there."""
    if rows and run.executemany(statement, rows).rowcount != len(rows):
        raise overtaken()


def insert_part(run: Run, swap: Swap, part: NewPart) -> None:
    """Make a part live."""
    stats, sizes = orjson.dumps(part.stats.to_json()), orjson.dumps(part.file_bytes)
    until, until_max = None, None
    if part.until is not None:
        assert len(part.until) == part.stats.rows
        until, until_max = part.until.astype("<i8").tobytes(), int(part.until.max())
    run.execute(
        "insert into parts (id, object_id, segment_id, stats, file_bytes, superseded, until, until_max)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        (part.id, swap.object_id, part.segment_in(swap), stats, sizes, b"", until, until_max),
    )


def supersede(run: Run, rows_of_parts: Mapping[int, RowNumbers]) -> None:
    """Mark rows of live parts that stop being current."""
    known: dict[int, bytes] = {}
    for some in in_pieces(list(rows_of_parts)):
        query = f"select id, superseded from parts where id in ({places(some)}) and replaced_at is null"  # noqa: S608  as above
        known |= dict(run.execute(query, some).fetchall())
    if len(known) != len(rows_of_parts):
        raise overtaken()
    merged = [(_blob(np.union1d(_numbers(known[part_id]), rows)), part_id) for part_id, rows in rows_of_parts.items()]
    change_all(run, "update parts set superseded = ? where id = ?", merged)


def note_done(run: Run, now_s: int, files: Sequence[int]) -> None:
    """Note which of these files have no event left that is not in a part."""
    run.executemany(
        "insert into done_files (xact_id, done_at) select cast(? as bigint), cast(? as bigint)"
        " where not exists (select 1 from assignments where xact_id = ?) on conflict (xact_id) do nothing",
        [(xact_id, now_s, xact_id) for xact_id in files],
    )


def in_pieces(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield as many values at a time as a statement may name."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def places(values: Sequence[int]) -> str:
    """Return a question mark for each value."""
    return ", ".join("?" * len(values))


def overtaken() -> Locked:
    """Return the error of a step that was prepared on a state that is gone."""
    return Locked("another process changed the catalog during a compaction", "try again, nothing was changed")


def _blob(rows: RowNumbers) -> bytes:
    return rows.astype("<i4").tobytes()


def _array(blob: bytes) -> array[int]:
    rows = array("i", blob)
    if sys.byteorder == "big":
        rows.byteswap()
    return rows


def _numbers(blob: bytes) -> RowNumbers:
    return np.array(_array(blob), np.int64)
