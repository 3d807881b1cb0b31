"""The rarer instructions of an event, checked and kept together in one column of the WAL.

``_merge_paths`` and ``_array_delete`` say how a merge is done. ``_audit_source`` and
``_audit_metadata`` do not go to the row's fields but to an entry of its ``audit_data``. An
event with a ``comment`` and an ``origin.id`` is no row at all: it adds to the ``comments`` of
the row with that id. ``only_updates`` is said of all events of a request by whoever stores them. What each of them
does is told in :mod:`btql_storage.merge`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
import pyarrow as pa

from btql_storage.errors import BadEvent

CONTROLS = (
    "_is_merge",
    "_object_delete",
    "_parent_id",
    "_merge_paths",
    "_array_delete",
    "_audit_source",
    "_audit_metadata",
)
"""Top-level keys of a document that are instructions and no fields."""
AUDIT_SOURCES = ("app", "api", "external")
"""What ``_audit_source`` may be."""
_IN_COLUMN = ("_merge_paths", "_array_delete", "_audit_source", "_audit_metadata")
_NO_METADATA = msgspec.Raw(b"{}")
NULL = msgspec.Raw(b"null")

T = TypeVar("T")


class ArrayDelete(msgspec.Struct):
    """Values to take out of the array at a path."""

    path: list[str]
    delete: list[msgspec.Raw]


class Audit(msgspec.Struct, omit_defaults=True):
    """Who changes the row, and what they say about it."""

    source: str = "api"
    metadata: msgspec.Raw = _NO_METADATA


class Comment(msgspec.Struct, omit_defaults=True):
    """A comment to add to the row that the event is about, or to take away from it."""

    id: str
    comment: msgspec.Raw
    user: msgspec.Raw = NULL
    deleted: bool = False


class Control(msgspec.Struct, omit_defaults=True):
    """The instructions of one event."""

    merge_paths: list[list[str]] = []
    array_delete: list[ArrayDelete] = []
    audit: Audit | None = None
    comment: Comment | None = None
    only_updates: bool = False
    """Whether the event does nothing where there is no row, instead of making one. No document asks for it."""


_paths = msgspec.json.Decoder(list[list[str]])
_deletions = msgspec.json.Decoder(list[ArrayDelete])
_source = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


def control_of(index: int, fields: Mapping[str, msgspec.Raw], comment: Comment | None) -> Control | None:
    """Return the instructions of an event, None where it has none; BadEvent, with the index, for a wrong shape."""
    merge_paths, array_delete, source, metadata = [fields.get(name, NULL) for name in _IN_COLUMN]
    if comment is None and merge_paths == array_delete == source == metadata == NULL:
        return None
    paths = _read(index, "_merge_paths", _paths, merge_paths) or []
    deletions = _read(index, "_array_delete", _deletions, array_delete) or []
    audit = _audit(index, source, metadata)
    if comment is not None:
        # It changes no field of the row that it is about, whatever else its document says.
        return Control(audit=audit or Audit(), comment=comment)
    return Control(paths, deletions, audit)


def column_of(found: Mapping[int, Control], rows: int) -> pa.Array | None:
    """Return JSON of the instructions at some places of a request, null elsewhere; None where there are none."""
    if not found:
        return None
    texts: list[bytes | None] = [None] * rows
    for index, control in found.items():
        texts[index] = _encode(control)
    return pa.array(texts, pa.utf8())


def _audit(index: int, source: msgspec.Raw, metadata: msgspec.Raw) -> Audit | None:
    name = _read(index, "_audit_source", _source, source)
    if name is not None and name not in AUDIT_SOURCES:
        raise BadEvent(index, f"`_audit_source` is not one of {', '.join(AUDIT_SOURCES)}", "_audit_source")
    if metadata == NULL:
        return None if name is None else Audit(name)
    if bytes(metadata)[:1] != b"{":
        raise BadEvent(index, "`_audit_metadata` is not an object", "_audit_metadata")
    return Audit(name or "api", metadata)


def _read(index: int, name: str, decoder: msgspec.json.Decoder[T], text: msgspec.Raw) -> T | None:
    if text == NULL:
        return None
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        reason = f"`{name}` has the wrong shape: {str(error)[:1].lower()}{str(error)[1:]}"
        raise BadEvent(index, reason, name) from error
