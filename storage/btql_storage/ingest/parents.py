"""``_parent_id``: an older way to say whose child a new row is, by the id of the parent's row.

The row becomes part of its parent's trace: ``root_span_id`` is the parent's, ``span_parents`` is
the parent's ``span_id``. The parent is what its row is after the earlier events of the same
request, else the row that is stored already. It is looked up before the request is written;
later changes of the parent do not reach its children.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from btql_storage.errors import BadEvent
from btql_storage.ingest.columns import Accepted
from btql_storage.row_numbers import are_among
from btql_storage.wal.format import Flag

if TYPE_CHECKING:
    from btql_storage.catalog import ObjectInfo
    from btql_storage.snapshot import Snapshot

_PARENTS = "span_parents"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row is in its trace."""

    span_id: str
    root_span_id: str


_Places: TypeAlias = dict[str, _Place]


def with_parents(
    accepted: Accepted, targets: Sequence[ObjectInfo], snapshot: Callable[[ObjectInfo], Snapshot]
) -> Accepted:
    """Return the request with every ``_parent_id`` replaced by what it means; BadEvent where there is no such row."""
    stored = _stored(accepted.parents, targets, snapshot)
    ids, span_ids, roots = accepted.ids, accepted.span_ids, accepted.root_span_ids.copy()
    span_parents: list[bytes | None] = [None] * accepted.rows
    for place, (row_id, flags) in enumerate(zip(ids, accepted.flags.tolist(), strict=True)):
        rows = stored.setdefault(targets[place], {})
        parent_id = accepted.parents.get(place)
        if parent_id is not None:
            parent = None if parent_id == row_id else rows.get(parent_id)
            if parent is None:
                reason = f"`_parent_id`: there is no row `{parent_id[:80]}` before this one"
                raise BadEvent(place, reason, "_parent_id")
            roots[place] = parent.root_span_id
            span_parents[place] = msgspec.json.encode([parent.span_id])
        if flags & Flag.DELETE:
            rows.pop(row_id, None)
        elif not flags & Flag.MERGE or row_id not in rows:
            rows[row_id] = _Place(span_ids[place], roots[place])
    given = np.zeros(accepted.rows, dtype=np.bool_)
    given[list(accepted.parents)] = True
    return replace(
        accepted,
        root_span_ids=roots,
        flags=np.where(given, accepted.flags & ~np.int32(Flag.ROOT_GIVEN_BY_US), accepted.flags),
        fields={_PARENTS: pa.array(span_parents, pa.utf8())},
        parents={},
    )


def _stored(
    parents: Mapping[int, str], targets: Sequence[ObjectInfo], snapshot: Callable[[ObjectInfo], Snapshot]
) -> dict[ObjectInfo, _Places]:
    """Look up the rows that are stored already."""
    wanted: dict[ObjectInfo, set[str]] = {}
    for place, parent_id in parents.items():
        wanted.setdefault(targets[place], set()).add(parent_id)
    found: dict[ObjectInfo, _Places] = {}
    for target, ids in wanted.items():
        with snapshot(target) as current:
            found[target] = _look_up(current, sorted(ids))
    return found


def _look_up(snapshot: Snapshot, ids: Sequence[str]) -> _Places:
    superseded = {entry.part.part_id: entry.superseded for entry in snapshot.parts}
    superseded.update((chunk.part_id, chunk.superseded) for chunk in snapshot.tail)
    found: _Places = {}
    for source in snapshot.sources:
        candidates = source.lookup("id", ids)
        candidates = candidates[~are_among(candidates, superseded[source.part_id])]
        if len(candidates):
            table = source.documents(candidates, ["id", "span_id", "root_span_id"])
            columns = [column.to_pylist() for column in table.columns]
            found.update((row_id, _Place(span, root)) for row_id, span, root in zip(*columns, strict=True))
    return found
