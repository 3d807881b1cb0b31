"""Whose rows are in a part, and which of them are current, where states are lost and only the parts tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

from btql_storage.care.blocks import read_documents
from btql_storage.care.part_check import part_file
from btql_storage.care.recovered import Recovered
from btql_storage.care.tables import Row
from btql_storage.errors import BadFile, Damaged
from btql_storage.format import PARTS
from btql_storage.part.format import ROWS_FILE
from btql_storage.part.manifest import MANIFEST_FILE, Manifest, read_manifest
from btql_storage.states import STATES, objects_with_states
from btql_storage.stores.interface import Store


def check_owners(store: Store) -> None:
    """Raise Damaged where there are no states, and parts whose manifests do not tell whose they are.

    A catalog without them would be taken for the whole, and the next compaction would remove them.
    """
    if objects_with_states(store):
        return
    unknown: list[str] = []
    for name in sorted((name for name in store.list(PARTS) if name.isdigit()), key=int):
        try:
            read_manifest(part_file(store, int(name), MANIFEST_FILE))
        except BadFile:
            unknown.append(name)
    if unknown:
        raise Damaged(
            f"nothing tells whose rows are in these folders of `{PARTS}`: {', '.join(unknown)}: `{STATES}` is lost, "
            f"and they have no `{MANIFEST_FILE}` that can be read",
            "restore a backup, or move these folders elsewhere to go on without their rows",
        )


def guess_parts(store: Store, one: Recovered, manifests: Sequence[Manifest]) -> None:
    """Take the parts of an object that has no state.

    Of each id, the latest row is current; of the same row in two parts, that of the later part.
    """
    places: dict[str, tuple[int, int]] = {}
    ids: dict[int, list[str]] = {}
    for manifest in manifests:
        rows = read_documents(part_file(store, manifest.part, ROWS_FILE))
        ids[manifest.part] = rows.column("id").to_pylist()
        for row_id, xact_id in zip(ids[manifest.part], rows.column("xact_id").to_pylist(), strict=True):
            places[row_id] = max(places.get(row_id, (0, 0)), (xact_id, manifest.part))
    one.latest = {row_id: xact_id for row_id, (xact_id, _) in places.items()}
    for manifest in manifests:
        part_id, segment_id = manifest.part, manifest.owner.segment_id
        gone = [number for number, row_id in enumerate(ids[part_id]) if places[row_id][1] != part_id]
        if len(gone) == len(ids[part_id]):
            continue
        blob = np.array(gone, dtype="<i4").tobytes()
        row: Row = {"id": part_id, "object_id": one.id, "segment_id": segment_id, "superseded": blob}
        row |= {"stats": orjson.dumps(manifest.stats), "file_bytes": orjson.dumps(manifest.file_bytes)}
        one.segments[segment_id] = one.segments.get(segment_id, 0) + len(ids[part_id])
        one.add_part(row, manifest.part_stats(), gone)
