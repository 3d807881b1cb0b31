"""What an event does to its row.

1. An event without ``_is_merge`` **replaces** the row; the row keeps its
   pagination key, so that it does not move in lists, ``created``, where the event has
   none, and what others said of it: ``comments`` and ``audit_data``, where the event does
   not bring its own.
2. With ``_is_merge`` it is **merged**: objects deeply, anything else is replaced,
   except that top-level ``tags`` become the union of both. A path in
   ``_merge_paths`` stops the deep merge: the value there is replaced
   (``["tags"]`` gives up the union). ``created``, ``span_id``, ``root_span_id`` and
   ``span_parents`` of the row are kept, also where it has none. Merging without a
   row is inserting, but for an event that only updates: it does nothing then.
3. ``_array_delete`` then takes values out of arrays; a path that leads to no
   array does nothing.
4. ``_object_delete`` removes the row, whatever else the event says.
5. A **comment** on the row is added at the end of ``comments``, or takes the place of
   the one with its id; a deleted comment is taken away. A comment on a row that is not
   there makes it, like any merge: comments may come before what they are about.
6. An event with ``_audit_source`` or ``_audit_metadata``, and each comment, adds an
   entry to ``audit_data``: its transaction, what it did, who sent it.

All of this happens on JSON text: values are compared and taken apart only
along the paths that both sides have. What an event does not touch keeps its
very spelling, so numbers beyond float64 survive every merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec

from btql_storage.json_text import parse
from btql_storage.members import members
from btql_storage.row import Row
from btql_storage.wal.control import NULL, Audit, Comment, Control
from btql_storage.wal.event import WalEvent

_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_NO_CONTROL = Control()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_MERGED = ("span_parents",)
"""Fields that a merge leaves alone, also where the row has none."""
SURVIVING_FIELDS = ("comments", "audit_data")
"""Fields of a row that an event which replaces it leaves alone."""

Path = tuple[str, ...]
_NO_STOPS: frozenset[Path] = frozenset()


def apply(row: Row | None, event: WalEvent) -> Row | None:
    """Return the row after the event, None where it is deleted; the old row is not changed."""
    after = outline(row, event)
    if after is not None:
        after.fields = _fields_after(row, event)
    return after


def outline(row: Row | None, event: WalEvent) -> Row | None:
    """Return the row after the event as :func:`apply` does, but without fields, of either of them."""
    if event.deletes:
        return None
    if row is None:
        if event.makes_no_row:
            return None
    elif event.merges:
        return Row(row.id, row.span_id, row.root_span_id, row.created_us, event.xact_id, row.pagination_key, {})
    key = event.pagination_key if row is None else row.pagination_key
    created_us = event.created_after(None if row is None else row.created_us)
    return Row(event.id, event.span_id, event.root_span_id, created_us, event.xact_id, key, {})


def _fields_after(row: Row | None, event: WalEvent) -> dict[str, bytes]:
    control = event.control or _NO_CONTROL
    if row is None or not event.merges:
        fields = {name: text for name, text in event.fields.items() if text != b"null"}
        before = {} if row is None else row.fields
        for name in SURVIVING_FIELDS:
            if name in before:
                fields.setdefault(name, before[name])
    else:
        fields = _merge_fields(row.fields, event.fields, control)
    if control.array_delete:
        _delete_from_arrays(fields, control)
    if control.audit is not None:
        _note(fields, event, control.audit, control.comment, is_new=row is None)
    return fields


def apply_all(row: Row | None, events: Sequence[WalEvent]) -> Row | None:
    """Return the row after several events, in their order."""
    for event in events:
        row = apply(row, event)
    return row


def needs_row(events: Sequence[WalEvent]) -> bool:
    """Whether the outcome depends on the whole document before; else its key and surviving fields are enough."""
    return events[0].merges and not events[0].deletes


def field_after(
    name: str, old: bytes | None, events: Sequence[WalEvent], texts: Sequence[bytes | None], *, is_new: bool
) -> bytes | None:
    """Return one field of a row after several events without instructions of the rarer kind, none of which deletes it.

    ``texts`` has what each event has in the place of the field. What :func:`apply` says of all fields, this does.
    """
    for event, text in zip(events, texts, strict=True):
        if event.merges and not is_new:
            old = _merge_field(name, old, text, _NO_STOPS)
        elif text is not None and text != b"null":
            old = text
        elif name not in SURVIVING_FIELDS:
            old = None
        is_new = False
    return old


def _merge_fields(old: dict[str, bytes], new: dict[str, bytes], control: Control) -> dict[str, bytes]:
    stops = frozenset(map(tuple, control.merge_paths)) if control.merge_paths else _NO_STOPS
    fields = dict(old)
    for name, text in new.items():
        after = _merge_field(name, fields.get(name), text, stops)
        if after is None:
            fields.pop(name, None)
        else:
            fields[name] = after
    return fields


def _merge_field(name: str, old: bytes | None, new: bytes | None, stops: frozenset[Path]) -> bytes | None:
    if new is None or name in NOT_MERGED:
        return old
    if new == b"null":
        return None
    if old is None:
        return new
    if name == "tags" and ("tags",) not in stops:
        return _union(old, new)
    return _merge(old, new, (name,), stops)


def _merge(old: bytes, new: bytes, path: Path, stops: frozenset[Path]) -> bytes:
    if old[:1] != b"{" or new[:1] != b"{" or path in stops:
        return new
    result = members(old)
    for key, value in members(new).items():
        before = result.get(key)
        result[key] = value if before is None else msgspec.Raw(_merge(bytes(before), bytes(value), (*path, key), stops))
    return _encode(result)


def _union(old: bytes, new: bytes) -> bytes:
    """Return the tags of both sides, each once, those of the row first."""
    texts = cast("list[str]", [*_as_list(old), *_as_list(new)])
    return _encode(list(dict.fromkeys(texts)))


def _as_list(text: bytes) -> list[object]:
    value = parse(text)
    return cast("list[object]", value) if isinstance(value, list) else []


def _delete_from_arrays(fields: dict[str, bytes], control: Control) -> None:
    for instruction in control.array_delete:
        path = tuple(instruction.path)
        if path and path[0] in fields and path[0] not in NOT_MERGED:
            unwanted: list[object] = [parse(bytes(raw)) for raw in instruction.delete]
            fields[path[0]] = _delete_at(fields[path[0]], path[1:], unwanted)


def _delete_at(text: bytes, path: Path, unwanted: list[object]) -> bytes:
    """Return the text without the unwanted values of the array at the path."""
    if path:
        if text[:1] != b"{":
            return text
        inside = members(text)
        if path[0] in inside:
            inside[path[0]] = msgspec.Raw(_delete_at(bytes(inside[path[0]]), path[1:], unwanted))
        return _encode(inside)
    if text[:1] != b"[":
        return text
    kept = [raw for raw in _items(text) if not any(_same(parse(bytes(raw)), value) for value in unwanted)]
    return _encode(kept)


def _note(fields: dict[str, bytes], event: WalEvent, audit: Audit, comment: Comment | None, *, is_new: bool) -> None:
    """Write down who did what; add a comment."""
    if comment is None:
        action = "merge" if event.merges and not is_new else "upsert"
    else:
        action = "comment"
        _comment(fields, event, comment)
    entry = {
        "_xact_id": str(event.xact_id),
        "audit_data": {"action": action},
        "metadata": audit.metadata,
        "source": audit.source,
    }
    fields["audit_data"] = _encode([*_raw_items(fields.get("audit_data")), entry])


def _comment(fields: dict[str, bytes], event: WalEvent, comment: Comment) -> None:
    before = _raw_items(fields.get("comments"))
    places = [place for place, raw in enumerate(before) if _has_id(raw, comment.id)]
    after = [raw for place, raw in enumerate(before) if place not in places]
    if not comment.deleted:
        entry: dict[str, object] = {
            "id": comment.id,
            "_xact_id": str(event.xact_id),
            "created": _iso_time(event.created_us),
            "comment": comment.comment,
        }
        if comment.user != NULL:
            entry["user"] = comment.user
        after.insert(places[0] if places else len(after), msgspec.Raw(_encode(entry)))
    if after:
        fields["comments"] = _encode(after)
    else:
        fields.pop("comments", None)


def _iso_time(microseconds: int) -> str:
    time = _EPOCH + timedelta(microseconds=microseconds)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _raw_items(text: bytes | None) -> list[msgspec.Raw]:
    """Return the items of an array; what a document has in the place of one is left out."""
    return _items(text) if text is not None and text[:1] == b"[" else []


def _has_id(raw: msgspec.Raw, comment_id: str) -> bool:
    value = parse(bytes(raw))
    return isinstance(value, dict) and value.get("id") == comment_id


def _same(a: object, b: object) -> bool:
    """Whether two JSON values are equal: 1 is 1.0, but not true."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        x, y = cast("dict[str, object]", a), cast("dict[str, object]", b)
        return x.keys() == y.keys() and all(_same(value, y[key]) for key, value in x.items())
    if isinstance(a, list) and isinstance(b, list):
        left, right = cast("list[object]", a), cast("list[object]", b)
        return len(left) == len(right) and all(map(_same, left, right))
    return a == b
