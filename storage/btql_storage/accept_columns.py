"""Check and fill in the columns of a request, each as a whole.

Requests have a hundred events as often as ten thousand, so both count: what a
column costs at all, and what each value of it does. A column of texts is decoded
in one go; only where that fails, values are looked at one by one, to say which
event is wrong and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntFlag
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from btql_storage.arrow import pieces
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
_SWITCHES = frozenset({None, b"true", b"false", b"null"})
_MANY = 20_000
"""Values that make it worth to call a function of Arrow once more."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS = pa.timestamp("us", tz="UTC")

_text = msgspec.json.Decoder(str).decode
_optional_texts = msgspec.json.Decoder(list[str | None]).decode
_texts = msgspec.json.Decoder(list[str]).decode
_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


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
    ids: list[str]
    span_ids: list[str]
    root_span_ids: list[str]
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
        ids = self.ids.copy()
        for place, comment_id in self.comment_ids.items():
            ids[place] = comment_id
        return ids


def finish(raw: RawColumns, comments: dict[int, Comment], rows: int, json_bytes: int, clock: Clock) -> Accepted:
    """Check the columns that events were split into, and fill in what is missing."""
    merges, deletes = _switch(raw, "_is_merge", rows), _switch(raw, "_object_delete", rows)
    ids = _ids(raw, rows, clock)
    span_ids, spans_missing = _fill(_texts_of(raw, "span_id", rows), ids)
    root_span_ids, roots_missing = _fill(_texts_of(raw, "root_span_id", rows), span_ids)
    created_us, created_missing = _times(_texts_of(raw, "created", rows), clock.now_us())
    flags = np.zeros(rows, dtype=np.int32)
    for flag, places in (
        (Flag.MERGE, merges),
        (Flag.DELETE, deletes),
        (Flag.ROOT_GIVEN_BY_US, roots_missing),
        (Flag.SPAN_GIVEN_BY_US, spans_missing),
        (Flag.CREATED_GIVEN_BY_US, created_missing),
    ):
        flags[places] |= flag.value
    merging = frozenset(merges)
    payloads = {name: _payload(name, raw[name], merging) for name in (*KNOWN_FIELDS, OTHER) if name in raw}
    control, audited = controls(raw, comments, rows)
    return Accepted(
        rows=rows,
        ids=ids,
        span_ids=span_ids,
        root_span_ids=root_span_ids,
        created_us=created_us,
        flags=flags,
        fields={name: column for name, column in text_columns(payloads).items() if column.null_count < rows},
        controls=control,
        audited=audited,
        parents=_parents(raw, rows, frozenset(merges + deletes)),
        comment_ids={place: comment.id for place, comment in comments.items()},
        json_bytes=json_bytes,
    )


def _parents(raw: RawColumns, rows: int, without: frozenset[int]) -> dict[int, str]:
    """A merge keeps the place that its row has, and what is deleted has none."""
    parents = _texts_of(raw, "_parent_id", rows)
    return {place: text for place, text in enumerate(parents) if text is not None and place not in without}


def _switch(raw: RawColumns, name: str, rows: int) -> list[int]:
    """Return the places where a switch is on."""
    column = raw.get(name, [None] * rows)
    if not _SWITCHES.issuperset(column):
        index = next(index for index, value in enumerate(column) if value not in _SWITCHES)
        raise BadEvent(index, f"`{name}` is not true or false", name)
    return [index for index, value in enumerate(column) if value == b"true"] if b"true" in column else []


def _ids(raw: RawColumns, rows: int, clock: Clock) -> list[str]:
    texts = _texts_of(raw, "id", rows)
    if "" in texts:
        raise BadEvent(texts.index(""), "`id` is an empty text", "id")
    return [clock.new_id() if text is None else text for text in texts]


def _texts_of(raw: RawColumns, name: str, rows: int) -> list[str | None]:
    """Decode a column of texts: all at once, one by one only to say which of them is none."""
    column = raw.get(name)
    if column is None:
        return [None] * rows
    try:
        return _optional_texts(b"[%b]" % b",".join([b"null" if value is None else value for value in column]))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return [_text_of(name, index, value) for index, value in enumerate(column)]


def _text_of(name: str, index: int, value: bytes | None) -> str | None:
    if value is None or value == b"null":
        return None
    if value[:1] != b'"':
        raise BadEvent(index, f"`{name}` is not a {'time' if name == 'created' else 'text'}", name)
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(index, name, error) from error
    return _text(value)


def _fill(texts: list[str | None], others: list[str]) -> tuple[list[str], list[int]]:
    """Replace what is missing or empty; also return where that was."""
    missing = [index for index, text in enumerate(texts) if not text]
    return [text or other for text, other in zip(texts, others, strict=True)], missing


def _times(texts: list[str | None], now_us: int) -> tuple[pa.Array, list[int]]:
    """Return microseconds for the texts, and where there is none."""
    try:
        times = pa.array(texts, pa.utf8()).cast(_MICROSECONDS).view(pa.int64())
    except pa.ArrowInvalid:
        # Some are written in a way that the quick parser does not know, or are none.
        times = pa.array([_time(index, text) for index, text in enumerate(texts)], pa.int64())
    missing = [index for index, text in enumerate(texts) if text is None] if times.null_count else []
    return times.fill_null(now_us) if missing else times, missing


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


def _payload(name: str, column: RawColumn, merging: frozenset[int]) -> RawColumn:
    """Return a field's texts once their shape is right; null counts only in a merge."""
    check = _check_objects if name in _OBJECT_FIELDS else _check_texts if name in ARRAY_FIELDS else None
    if check is not None:
        check(name, column)
    if b"null" in column:
        return [None if value == b"null" and index not in merging else value for index, value in enumerate(column)]
    return column


def _check_objects(name: str, column: RawColumn) -> None:
    for index, value in enumerate(column):
        if value is not None and value[:1] != b"{" and value != b"null":
            raise BadEvent(index, f"`{name}` is not an object", name)


def _check_texts(name: str, column: RawColumn) -> None:
    for index, value in enumerate(column):
        if value is not None and value != b"null":
            try:
                _texts(value)
            except msgspec.ValidationError as error:
                raise BadEvent(index, f"`{name}` is not an array of texts", name) from error
            except UnicodeDecodeError:
                # Which byte is wrong is said below.
                continue


def text_columns(raw: RawColumns) -> dict[str, pa.Array]:
    """Return JSON texts as Arrow columns, which are pieces of one array.

    Each call of Arrow lets other threads go on, and to get back its turn costs a thread as much as some columns.
    """
    values = [value for column in raw.values() for value in column]
    try:
        # Many are a third faster with a cast, of few it would be half of the time.
        whole = pa.array(values, pa.utf8()) if len(values) < _MANY else pa.array(values, pa.binary()).cast(pa.utf8())
    except pa.ArrowInvalid:
        for name, column in raw.items():
            _check_utf8(name, column)
        raise
    return pieces(whole, [*raw])


def _check_utf8(name: str, column: RawColumn) -> None:
    for index, value in enumerate(column):
        fields = {name: value or b""} if name != OTHER else _split(value or b"{}")
        for field, text in fields.items():
            try:
                bytes(text).decode()
            except UnicodeDecodeError as error:
                raise _not_utf8(index, field, error) from error


def _not_utf8(index: int, name: str, error: UnicodeDecodeError) -> BadEvent:
    return BadEvent(index, f"`{name}` is not valid UTF-8 at its byte {error.start + 1}", name)
