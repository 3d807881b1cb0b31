"""What documents are after a sequence of write events (reference 6.2).

1. An event without ``_is_merge`` inserts its document or replaces it.
2. With ``_is_merge`` objects are merged deeply, arrays and scalars replaced,
   and top-level ``tags`` united. A path in ``_merge_paths`` is replaced, not merged.
   Identity, parents and ``created`` stay as they are. Without a document to merge with
   it is an insert.
3. ``_array_delete`` takes values out of arrays.
4. ``_object_delete`` removes the document.

A document keeps its place in the order of first insertion through all of this,
except that deletion gives it up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

Document = dict[str, object]
Path = tuple[str, ...]

CONTROL = frozenset({"_is_merge", "_merge_paths", "_array_delete", "_object_delete", "_parent_id"})
KEPT = ("id", "created", "span_id", "root_span_id", "span_parents")


@dataclass
class Model:
    """Documents by id."""

    documents: dict[str, Document] = field(default_factory=dict[str, Document])
    places: dict[str, int] = field(default_factory=dict[str, int])
    """By id: the running number of the event that inserted it first."""
    applied: int = 0

    def apply(self, event: Document) -> None:
        """Apply one event."""
        self.applied += 1
        identifier = cast("str", event["id"])
        if event.get("_object_delete"):
            self.documents.pop(identifier, None)
            self.places.pop(identifier, None)
            return
        content = {key: value for key, value in event.items() if key not in CONTROL}
        before = self.documents.get(identifier)
        if before is None or not event.get("_is_merge"):
            self.documents[identifier] = _completed(content)
            self.places.setdefault(identifier, self.applied)
        else:
            stops = {tuple(path) for path in cast("list[list[str]]", event.get("_merge_paths", []))}
            self.documents[identifier] = _merged_document(before, content, stops)
        for instruction in cast("list[dict[str, list[object]]]", event.get("_array_delete", [])):
            _delete_from_array(
                self.documents[identifier], cast("list[str]", instruction["path"]), instruction["delete"]
            )

    def newest_first(self) -> list[Document]:
        """Return all documents as a query sees them: the last one inserted first, ``created`` as a time."""
        ordered = sorted(self.documents.values(), key=lambda document: -self.places[cast("str", document["id"])])
        return [_as_queried(document) for document in ordered]


def model_of(lines: Iterable[bytes]) -> Model:
    """Return the documents after the events in these lines of NDJSON."""
    model = Model()
    for line in lines:
        model.apply(json.loads(line))
    return model


def _completed(content: Document) -> Document:
    """Fill in the identity that a client may leave out. The generator always gives ``created``."""
    span_id = content.get("span_id") or content["id"]
    return {**content, "span_id": span_id, "root_span_id": content.get("root_span_id") or span_id}


def _merged_document(before: Document, content: Document, stops: set[Path]) -> Document:
    merged = dict(before)
    for key, value in content.items():
        if key in KEPT:
            continue
        if key == "tags" and value is not None and ("tags",) not in stops:
            known = cast("list[str]", before.get("tags") or [])
            merged["tags"] = known + [tag for tag in cast("list[str]", value) if tag not in known]
        else:
            merged[key] = _merged(before.get(key), value, (key,), stops)
    return merged


def _merged(before: object, value: object, path: Path, stops: set[Path]) -> object:
    if path in stops or not isinstance(before, dict) or not isinstance(value, dict):
        return value
    merged = cast("Document", dict(before))
    for key, inner in cast("Document", value).items():
        merged[key] = _merged(merged.get(key), inner, (*path, key), stops)
    return merged


def _delete_from_array(document: Document, path: Sequence[str], values: list[object]) -> None:
    *outer, last = path
    place: object = document
    for key in outer:
        place = place.get(key) if isinstance(place, dict) else None
    if isinstance(place, dict):
        inner = cast("Document", place)
        array = inner.get(last)
        if isinstance(array, list):
            inner[last] = [value for value in cast("list[object]", array) if value not in values]


def _as_queried(document: Document) -> Document:
    created = datetime.fromisoformat(cast("str", document["created"])).astimezone(UTC)
    return {**document, "created": created, "is_root": not document.get("span_parents")}
