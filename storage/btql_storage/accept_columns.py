"""Check and fill in the columns of a request, each as a whole.

Arrow tells for ten thousand values at once whether all look right. Only where
one does not, values are looked at one by one: to read what is written in a
rarer way, or to say which event is wrong and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntFlag
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.clock import Clock
from btql_storage.control import Comment, controls
from btql_storage.errors import BadEvent
from btql_storage.fields import ARRAY_FIELDS, KNOWN_FIELDS, OTHER

if TYPE_CHECKING:
    from numpy.typing import NDArray

RawColumn: TypeAlias = list[bytes | None]
"""JSON texts of one field, None where an event does not have it."""
RawColumns: TypeAlias = dict[str, RawColumn]

SYSTEM = ("id", "span_id", "root_span_id", "created")
_OBJECT_FIELDS = frozenset({"scores", "metadata", "metrics", "context", "span_attributes"})
_PLAIN_TEXTS = r'^\[\s*("[^"\\]*"\s*(,\s*"[^"\\]*"\s*)*)?\]$'
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_text = msgspec.json.Decoder(str).decode
_texts = msgspec.json.Decoder(list[str]).decode


class Flag(IntFlag):
    """What kind of event a WAL row is, and which of its values are ours."""

    MERGE = 1
    DELETE = 2
    ROOT_GIVEN_BY_US = 4
    SPAN_GIVEN_BY_US = 8
    CREATED_GIVEN_BY_US = 16


@dataclass(frozen=True, slots=True)
class Accepted:
    """The columns of a checked request, all of the same length."""

    rows: int
    ids: pa.Array
    span_ids: pa.Array
    root_span_ids: pa.Array
    created_us: pa.Array
    flags: NDArray[np.int32]
    fields: dict[str, pa.Array]
    """Known fields and ``_other`` to JSON text. For a merge ``null`` is kept: it removes the field."""
    controls: pa.Array | None
    """JSON of :class:`~btql_storage.control.Control`, None where no event has any."""
    audited: bool
    """Whether any event changes ``audit_data`` or ``comments``."""
    parents: dict[int, str]
    """Places of the events with a ``_parent_id``, to the id of the row that is to be their parent."""
    comment_ids: dict[int, str]
    """Places of the events that are comments, to their own ids; ``ids`` has what they are about."""
    json_bytes: int

    @property
    def own_ids(self) -> list[str]:
        """The id of each event, as a client knows it."""
        ids: list[str] = self.ids.to_pylist()
        for place, comment_id in self.comment_ids.items():
            ids[place] = comment_id
        return ids


def finish(raw: RawColumns, comments: dict[int, Comment], rows: int, json_bytes: int, clock: Clock) -> Accepted:
    """Check the columns that events were split into, and fill in what is missing."""
    merges = _switch(raw, "_is_merge", rows)
    flags = np.where(merges, Flag.MERGE.value, 0) | np.where(_switch(raw, "_object_delete", rows), Flag.DELETE.value, 0)
    ids = _ids(raw, rows, clock)
    span_ids, spans_missing = _fill(_plain_texts(raw, "span_id", rows), ids)
    root_span_ids, roots_missing = _fill(_plain_texts(raw, "root_span_id", rows), span_ids)
    created_us, created_missing = _times(_plain_texts(raw, "created", rows), clock.now_us())
    flags |= np.where(roots_missing, Flag.ROOT_GIVEN_BY_US.value, 0)
    flags |= np.where(spans_missing, Flag.SPAN_GIVEN_BY_US.value, 0)
    flags |= np.where(created_missing, Flag.CREATED_GIVEN_BY_US.value, 0)
    fields: dict[str, pa.Array] = {}
    for name in (*KNOWN_FIELDS, OTHER):
        if name in raw:
            column = _payload(name, raw[name], merges)
            if column.null_count < rows:
                fields[name] = column
    control, audited = controls(raw, comments, rows)
    all_flags = flags.astype(np.int32)
    return Accepted(
        rows=rows,
        ids=ids,
        span_ids=span_ids,
        root_span_ids=root_span_ids,
        created_us=created_us,
        flags=all_flags,
        fields=fields,
        controls=control,
        audited=audited,
        parents=_parents(raw, rows, all_flags),
        comment_ids={place: comment.id for place, comment in comments.items()},
        json_bytes=json_bytes,
    )


def _parents(raw: RawColumns, rows: int, flags: NDArray[np.int32]) -> dict[int, str]:
    if "_parent_id" not in raw:
        return {}
    # A merge keeps the place that its row has, and what is deleted has none.
    places = np.flatnonzero(flags & (Flag.MERGE.value | Flag.DELETE.value) == 0).tolist()
    parents: list[str | None] = _plain_texts(raw, "_parent_id", rows).to_pylist()
    return {place: parent for place in places if (parent := parents[place]) is not None}


def _switch(raw: RawColumns, name: str, rows: int) -> NDArray[np.bool_]:
    column = raw.get(name)
    if column is None:
        return np.zeros(rows, dtype=np.bool_)
    for index, value in enumerate(column):
        if value not in (None, b"true", b"false", b"null"):
            raise BadEvent(index, f"`{name}` is not true or false", name)
    return np.fromiter((value == b"true" for value in column), dtype=np.bool_, count=rows)


def _ids(raw: RawColumns, rows: int, clock: Clock) -> pa.Array:
    ids = _plain_texts(raw, "id", rows)
    if ids.null_count:
        ids = pa.array([clock.new_id() if text is None else text for text in ids.to_pylist()], pa.utf8())
    lengths = pc.binary_length(ids)
    if rows and pc.min(lengths).as_py() == 0:
        raise BadEvent(lengths.to_pylist().index(0), "`id` is an empty text", "id")
    return ids


def _plain_texts(raw: RawColumns, name: str, rows: int) -> pa.Array:
    """Decode a column of texts: at once where none has an escape."""
    column = raw.get(name)
    if column is None:
        return pa.nulls(rows, pa.utf8())
    texts = utf8_column(name, column)
    # The syntax was checked, so what begins with a quote is a text and ends with one.
    plain = pc.and_not(pc.starts_with(texts, '"'), pc.match_substring(texts, "\\"))
    if pc.all(plain, min_count=0).as_py():
        return pc.binary_slice(texts.cast(pa.binary()), 1, -1).cast(pa.utf8())
    return pa.array([_plain_text(name, index, value) for index, value in enumerate(column)], pa.utf8())


def _plain_text(name: str, index: int, value: bytes | None) -> str | None:
    if value is None or value == b"null":
        return None
    if value[:1] != b'"':
        raise BadEvent(index, f"`{name}` is not a {'time' if name == 'created' else 'text'}", name)
    return _text(value)


def _fill(texts: pa.Array, others: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Replace what is missing or empty; also return where that was."""
    missing = pc.fill_null(pc.equal(pc.binary_length(texts), 0), fill_value=True)
    return pc.if_else(missing, others, texts), to_numpy(missing)


def _times(texts: pa.Array, now_us: int) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Return microseconds for the texts, and where there is none."""
    try:
        times = texts.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    except pa.ArrowInvalid:
        # Some are written in a way that the quick parser does not know, or are none.
        times = pa.array([_time(index, text) for index, text in enumerate(texts.to_pylist())], pa.int64())
    return times.fill_null(now_us), to_numpy(times.is_null())


def _time(index: int, text: str | None) -> int | None:
    if text is None:
        return None
    # `20240501` and week dates are ISO 8601, too, but more likely a mistake.
    if re.match(r"\d{4}-\d\d-\d\d", text):
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    raise BadEvent(index, f"`created` is not a time: `{text[:40]}`", "created")


def _payload(name: str, column: RawColumn, merges: NDArray[np.bool_]) -> pa.Array:
    """Return a field's texts once their shape is right; null counts only in a merge."""
    texts = utf8_column(name, column)
    is_null = pc.equal(texts, "null")
    if pc.any(is_null, min_count=0).as_py():
        shaped = pc.if_else(is_null, None, texts)
        texts = pc.if_else(pc.and_(is_null, from_numpy(~merges)), None, texts)
    else:
        shaped = texts
    if name in _OBJECT_FIELDS:
        _check(name, shaped, pc.starts_with(shaped, "{"), _check_object)
    elif name in ARRAY_FIELDS:
        _check(name, shaped, pc.match_substring_regex(shaped, _PLAIN_TEXTS), _check_texts)
    return texts


def _check(name: str, texts: pa.Array, certain: pa.Array, closer: Callable[[int, str, str], None]) -> None:
    """Look closer at each value that is not certain to have the right shape."""
    if not pc.all(certain, min_count=0).as_py():
        for index, (text, is_certain) in enumerate(zip(texts.to_pylist(), certain.to_pylist(), strict=True)):
            if text is not None and not is_certain:
                closer(index, name, text)


def _check_object(index: int, name: str, _text: str) -> None:
    raise BadEvent(index, f"`{name}` is not an object", name)


def _check_texts(index: int, name: str, text: str) -> None:
    try:
        _texts(text)
    except msgspec.ValidationError as error:
        raise BadEvent(index, f"`{name}` is not an array of texts", name) from error


def utf8_column(name: str, column: RawColumn) -> pa.Array:
    """Return JSON texts as a column."""
    try:
        return pa.array(column, pa.utf8())
    except pa.ArrowInvalid:
        for index, value in enumerate(column):
            try:
                (value or b"").decode()
            except UnicodeDecodeError as error:
                reason = f"`{name}` is not valid UTF-8 at its byte {error.start + 1}"
                raise BadEvent(index, reason, name) from error
        raise
