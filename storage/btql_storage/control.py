"""The rarer instructions of an event, checked and kept together in one column of the WAL.

``_merge_paths`` and ``_array_delete`` say how a merge is done. ``_audit_source`` and
``_audit_metadata`` do not go to the row's fields but to an entry of its ``audit_data``. An
event with a ``comment`` and an ``origin.id`` is no row at all: it adds to the ``comments`` of
the row with that id. What each of them does is told in :mod:`btql_storage.merge`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec
import pyarrow as pa

from btql_storage.errors import BadEvent

if TYPE_CHECKING:
    from btql_storage.accept_columns import RawColumn, RawColumns

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
_NO_TEXTS = (None,) * len(_IN_COLUMN)
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

    @property
    def is_audited(self) -> bool:
        """Whether the row's ``audit_data`` or ``comments`` change, which the first version of the WAL has not."""
        return self.audit is not None or self.comment is not None


_paths = msgspec.json.Decoder(list[list[str]])
_deletions = msgspec.json.Decoder(list[ArrayDelete])
_source = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


def controls(raw: RawColumns, comments: Mapping[int, Comment], rows: int) -> tuple[pa.Array | None, bool]:
    """Return JSON of a :class:`Control` for each event, None where none has any; and whether any is audited."""
    if not comments and not any(name in raw for name in _IN_COLUMN):
        return None, False
    columns: list[RawColumn] = [raw.get(name) or [None] * rows for name in _IN_COLUMN]
    found = [
        None if values == _NO_TEXTS and index not in comments else _control(index, comments.get(index), *values)
        for index, values in enumerate(zip(*columns, strict=True))
    ]
    texts = [None if one is None else _encode(one) for one in found]
    return _column(texts), any(one is not None and one.is_audited for one in found)


def _column(texts: RawColumn) -> pa.Array:
    try:
        return pa.array(texts, pa.utf8())
    except pa.ArrowInvalid:
        for index, text in enumerate(texts):
            try:
                (text or b"").decode()
            except UnicodeDecodeError as error:
                raise BadEvent(index, "a comment, or what goes with one, is not valid UTF-8") from error
        raise


def _control(index: int, comment: Comment | None, *texts: bytes | None) -> Control | None:
    if comment is None and all(text in (None, b"null") for text in texts):
        return None
    merge_paths, array_delete, source, metadata = texts
    return Control(
        _read(index, "_merge_paths", _paths, merge_paths) or [],
        _read(index, "_array_delete", _deletions, array_delete) or [],
        _audit(index, source, metadata) or (None if comment is None else Audit()),
        comment,
    )


def _audit(index: int, source: bytes | None, metadata: bytes | None) -> Audit | None:
    name = _read(index, "_audit_source", _source, source)
    if name is not None and name not in AUDIT_SOURCES:
        raise BadEvent(index, f"`_audit_source` is not one of {', '.join(AUDIT_SOURCES)}", "_audit_source")
    if metadata in (None, b"null"):
        return None if name is None else Audit(name)
    if metadata[:1] != b"{":
        raise BadEvent(index, "`_audit_metadata` is not an object", "_audit_metadata")
    return Audit(name or "api", msgspec.Raw(metadata))


def _read(index: int, name: str, decoder: msgspec.json.Decoder[T], text: bytes | None) -> T | None:
    if text is None or text == b"null":
        return None
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        reason = f"`{name}` has the wrong shape: {str(error)[:1].lower()}{str(error)[1:]}"
        raise BadEvent(index, reason, name) from error
