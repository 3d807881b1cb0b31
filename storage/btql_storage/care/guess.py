"""Which rows of an object are current where its state is lost, and only its parts tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

from btql_storage.care.blocks import read_documents
from btql_storage.care.part_check import part_file
from btql_storage.care.recovered import Recovered
from btql_storage.care.tables import Row
from btql_storage.part.format import ROWS_FILE
from btql_storage.part.manifest import Manifest
from btql_storage.stores.interface import Store


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
