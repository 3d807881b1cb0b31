"""What documents are after a sequence of write events (reference 6.2).

1. An event without ``_is_merge`` inserts its document or replaces it.
2. With ``_is_merge`` objects are merged deeply, arrays and scalars replaced, and top-level ``tags`` united.
   A path in ``_merge_paths`` is replaced, not merged. Identity, parents and ``created`` stay as
   they are. Without a document to merge with it is an insert.
3. ``_array_delete`` takes values out of arrays.
4. ``_object_delete`` removes the document.
5. An event with a ``comment`` and an ``origin.id`` is no document: it adds to the ``comments`` of the one with that
   id, which it makes if need be; the comment of the same id goes, and with ``_object_delete`` none comes.
6. ``_audit_source``, ``_audit_metadata`` and every comment add to ``audit_data``.
7. ``comments`` and ``audit_data`` survive a replacement that does not bring its own.
8. ``_parent_id`` puts a new document below the one with that id.

The transaction that comments and audit entries name is not known here, so they are without.

A document keeps its place in the order of first insertion through all of this, except that deletion gives it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from btql_conformance.values import Value, identity, time_in

Document = dict[str, Value]
Path = tuple[str, ...]

CONTROL = frozenset(
    {
        "_is_merge",
        "_merge_paths",
        "_array_delete",
        "_object_delete",
        "_parent_id",
        "_audit_source",
        "_audit_metadata",
        "_async_scoring_control",
        "_skip_async_scoring",
    }
)
SURVIVING = ("comments", "audit_data")
KEPT = ("id", "created", "span_id", "root_span_id", "span_parents")
PLACE = "_pagination_key"


def documents_after(events: Iterable[tuple[int, Document]]) -> list[Document]:
    """Return the documents as queries see them, the last one inserted first; events are numbered over all objects."""
    documents: dict[str, Document] = {}
    places: dict[str, int] = {}
    for number, event in events:
        about = _commented(event)
        identifier = about or cast("str", event["id"])
        before = documents.get(identifier)
        if event.get("_object_delete") and (about is None or before is None):
            documents.pop(identifier, None)
            places.pop(identifier, None)
            continue
        if about is not None:
            documents[identifier] = _with_comment(before or _new(about, event), event)
        else:
            documents[identifier] = apply_event(before, _below_parent(event, documents))
        places.setdefault(identifier, number)
    newest_first = sorted(documents, key=lambda identifier: -places[identifier])
    return [_as_queried(documents[identifier], places[identifier]) for identifier in newest_first]


def apply_event(before: Document | None, event: Document) -> Document:
    """Return a document after an event that does not delete it; None stands for no document."""
    content = {key: value for key, value in event.items() if key not in CONTROL}
    if before is None or not event.get("_is_merge"):
        span_id = content.get("span_id") or content["id"]
        after = {**content, "span_id": span_id, "root_span_id": content.get("root_span_id") or span_id}
        if before is not None:
            after |= {key: before[key] for key in SURVIVING if key in before and after.get(key) is None}
    else:
        stops = {tuple(path) for path in cast("list[list[str]]", event.get("_merge_paths", []))}
        after = _merged_document(before, content, stops)
    for instruction in cast("list[dict[str, list[Value]]]", event.get("_array_delete", [])):
        path = cast("list[str]", instruction["path"])
        after = cast("Document", _without(after, path, instruction["delete"]))
    if event.get("_audit_source") is not None or event.get("_audit_metadata") is not None:
        return _with_audit(after, event, "merge" if before is not None and event.get("_is_merge") else "upsert")
    return after


def _commented(event: Document) -> str | None:
    """Return the id of the document that an event comments on; None where it is no comment."""
    origin = event.get("origin")
    if event.get("comment") is None or not isinstance(origin, dict):
        return None
    about = cast("Document", origin).get("id")
    return about if isinstance(about, str) else None


def _new(identifier: str, event: Document) -> Document:
    return {"id": identifier, "span_id": identifier, "root_span_id": identifier, "created": event.get("created")}


def _with_comment(document: Document, event: Document) -> Document:
    comments = [each for each in _list(document.get("comments")) if not _has_id(each, event["id"])]
    if not event.get("_object_delete"):
        written = cast("str", event["created"])
        created = datetime.fromisoformat(written).astimezone(UTC).isoformat(timespec="milliseconds")
        comment: Document = {
            "id": event["id"],
            "created": created.replace("+00:00", "Z"),
            "comment": event["comment"],
        }
        comments.append(cast("Value", comment | ({"user": event["user"]} if event.get("user") is not None else {})))
    return _with_audit({**document, "comments": comments or None}, event, "comment")


def _with_audit(document: Document, event: Document, action: str) -> Document:
    entry: Document = {
        "audit_data": {"action": action},
        "metadata": event.get("_audit_metadata") or {},
        "source": event.get("_audit_source") or "api",
    }
    return {**document, "audit_data": [*_list(document.get("audit_data")), cast("Value", entry)]}


def _list(value: Value) -> list[Value]:
    return list(value) if isinstance(value, list) else []


def _has_id(value: Value, identifier: Value) -> bool:
    return isinstance(value, dict) and cast("Document", value).get("id") == identifier


def _below_parent(event: Document, documents: Mapping[str, Document]) -> Document:
    """Return an event with what its ``_parent_id`` means."""
    parent_id = event.get("_parent_id")
    if parent_id is None or event.get("_is_merge"):
        return event
    parent = documents[cast("str", parent_id)]
    return {**event, "root_span_id": parent["root_span_id"], "span_parents": [parent["span_id"]]}


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
