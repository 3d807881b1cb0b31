"""What documents are after a sequence of write events (reference 6.2).

1. An event without ``_is_merge`` inserts its document or replaces it.
2. With ``_is_merge`` objects are merged deeply, arrays and scalars replaced, and top-level ``tags`` united.
   A path in ``_merge_paths`` is replaced, not merged. Identity, parents and ``created`` stay as
   they are. Without a document to merge with it is an insert.
3. ``_array_delete`` takes values out of arrays.
4. ``_object_delete`` removes the document.

A document keeps its place in the order of first insertion through all of this, except that deletion gives it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from btql_conformance.values import Value, identity, time_in

Document = dict[str, Value]
Path = tuple[str, ...]

CONTROL = frozenset({"_is_merge", "_merge_paths", "_array_delete", "_object_delete", "_parent_id"})
KEPT = ("id", "created", "span_id", "root_span_id", "span_parents")
PLACE = "_pagination_key"


def documents_after(events: Iterable[tuple[int, Document]]) -> list[Document]:
    """Return the documents as queries see them, the last one inserted first; events are numbered over all objects."""
    documents: dict[str, Document] = {}
    places: dict[str, int] = {}
    for number, event in events:
        identifier = cast("str", event["id"])
        if event.get("_object_delete"):
            documents.pop(identifier, None)
            places.pop(identifier, None)
            continue
        documents[identifier] = apply_event(documents.get(identifier), event)
        places.setdefault(identifier, number)
    newest_first = sorted(documents, key=lambda identifier: -places[identifier])
    return [_as_queried(documents[identifier], places[identifier]) for identifier in newest_first]


def apply_event(before: Document | None, event: Document) -> Document:
    """Return a document after an event that does not delete it; None stands for no document."""
    content = {key: value for key, value in event.items() if key not in CONTROL}
    if before is None or not event.get("_is_merge"):
        span_id = content.get("span_id") or content["id"]
        after = {**content, "span_id": span_id, "root_span_id": content.get("root_span_id") or span_id}
    else:
        stops = {tuple(path) for path in cast("list[list[str]]", event.get("_merge_paths", []))}
        after = _merged_document(before, content, stops)
    for instruction in cast("list[dict[str, list[Value]]]", event.get("_array_delete", [])):
        path = cast("list[str]", instruction["path"])
        after = cast("Document", _without(after, path, instruction["delete"]))
    return after


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


def _merged(before: Value, value: Value, path: Path, stops: set[Path]) -> Value:
    if path in stops or not isinstance(before, dict) or not isinstance(value, dict):
        return value
    merged = dict(cast("Document", before))
    for key, inner in cast("Document", value).items():
        merged[key] = _merged(merged.get(key), inner, (*path, key), stops)
    return merged


def _without(value: Value, path: Sequence[str], unwanted: list[Value]) -> Value:
    """Return the value without the unwanted elements of the array at the path."""
    if path:
        if not isinstance(value, dict) or path[0] not in value:
            return value
        members = cast("Document", value)
        return {**members, path[0]: _without(members[path[0]], path[1:], unwanted)}
    if not isinstance(value, list):
        return value
    gone = {identity(each) for each in unwanted}
    return [each for each in cast("list[Value]", value) if identity(each) not in gone]


def _as_queried(document: Document, place: int) -> Document:
    return {
        **document,
        "created": time_in(document.get("created")),
        "is_root": not document.get("span_parents"),
        PLACE: f"p{place:020d}",
    }
