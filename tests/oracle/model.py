"""What documents are after a sequence of write events (reference 6.2).

What one event does to a document is the conformance interpreter's ``apply_event``; here are the rules again,
and ``test_model.py`` has an example of each.

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
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from btql_conformance.documents import Document, apply_event


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
        self.documents[identifier] = apply_event(self.documents.get(identifier), event)
        self.places.setdefault(identifier, self.applied)

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


def _as_queried(document: Document) -> Document:
    created = datetime.fromisoformat(cast("str", document["created"])).astimezone(UTC)
    return {**document, "created": created, "is_root": not document.get("span_parents")}
