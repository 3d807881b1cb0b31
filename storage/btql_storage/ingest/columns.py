"""Check and fill in the columns of a request, each as a whole.

Requests have a hundred events as often as ten thousand, so both count: what a
column costs at all, and what each value of it does. What can be checked of a
column as a whole is; only where that fails, values are looked at one by one, to
say which event is wrong and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from btql_storage.arrow import checked_texts, to_numpy
from btql_storage.clock import Clock
from btql_storage.errors import BadEvent
from btql_storage.ingest.envelope import Envelope, Joined
from btql_storage.ingest.refusals import WRITE_TIMES, check_utf8
from btql_storage.wal.control import Control, column_of
from btql_storage.wal.format import Flag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS = pa.timestamp("us", tz="UTC")
# Of years before and after, which Arrow knows, there is no text that a client could read.
_FIRST_US = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Accepted:
    """The columns of a checked request, all of the same length."""

    rows: int
    ids: list[str]
    span_ids: list[str]
    root_span_ids: list[str]
    created_us: pa.Array
    flags: NDArray[np.int32]
    lines: pa.Array
    """The JSON of each event, null for one that is in ``controls`` as a whole."""
    leave_out: frozenset[str]
    """Top-level keys of the lines that are not stored."""
    controls: pa.Array | None
    """JSON of :class:`~btql_storage.wal.control.Control`, null where an event has none; None where no event has any."""
    parents: dict[int, str]
    """Places of the events with a ``_parent_id``, to the id of the row that is to be their parent."""
    comment_ids: dict[int, str]
    """Places of the events that are comments, to their own ids; ``ids`` has what they are about."""
    json_bytes: int
    fields: Mapping[str, pa.Array] = field(default_factory=dict[str, pa.Array])
    """Known fields as JSON text, where they are others than those of the lines; null where not."""

    @property
    def own_ids(self) -> list[str]:
        """The id of each event, as a client knows it."""
        ids = self.ids.copy()
        for place, comment_id in self.comment_ids.items():
            ids[place] = comment_id
        return ids


def finish(
    envelopes: Sequence[Envelope],
    lines: pa.Array,
    instructions: Mapping[int, Control],
    leave_out: frozenset[str],
    json_bytes: int,
    clock: Clock,
) -> Accepted:
    """Check the columns of a request, and fill in what is missing."""
    rows = len(envelopes)
    merges = [index for index, one in enumerate(envelopes) if one.is_merge]
    deletes = [index for index, one in enumerate(envelopes) if one.object_delete]
    ids = _ids([one.id for one in envelopes], clock)
    span_ids, spans_missing = _fill([one.span_id for one in envelopes], ids)
    root_span_ids, roots_missing = _fill([one.root_span_id for one in envelopes], span_ids)
    created_us, created_missing = _times([one.created for one in envelopes], clock.now_us())
    flags = np.zeros(rows, dtype=np.int32)
    for flag, places in (
        (Flag.MERGE, merges),
        (Flag.DELETE, deletes),
        (Flag.ROOT_GIVEN_BY_US, roots_missing),
        (Flag.SPAN_GIVEN_BY_US, spans_missing),
        (Flag.CREATED_GIVEN_BY_US, created_missing),
    ):
        flags[places] |= flag.value
    return Accepted(
        rows=rows,
        ids=ids,
        span_ids=span_ids,
        root_span_ids=root_span_ids,
        created_us=created_us,
        flags=flags,
        lines=lines,
        leave_out=leave_out,
        controls=column_of(instructions, rows),
        parents=_parents(envelopes),
        comment_ids={place: one.comment.id for place, one in instructions.items() if one.comment is not None},
        json_bytes=json_bytes,
    )


def _parents(envelopes: Sequence[Envelope]) -> dict[int, str]:
    """A merge keeps the place that its row has, and what is deleted has none."""
    return {
        place: one.parent_id
        for place, one in enumerate(envelopes)
        if one.parent_id is not None and not one.is_merge and not one.object_delete
    }


def _ids(ids: list[str | None], clock: Clock) -> list[str]:
    if "" in ids:
        raise BadEvent(ids.index(""), "`id` is an empty text", "id")
    return [clock.new_id() if text is None else text for text in ids]


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
    filled = times.fill_null(now_us) if missing else times
    values = to_numpy(filled)
    if values.min(initial=0) < _FIRST_US or values.max(initial=0) > _LAST_US:
        index = int(np.flatnonzero((values < _FIRST_US) | (values > _LAST_US))[0])
        raise BadEvent(index, f"`created` is not within the years 1 to 9999: `{texts[index]}`", "created")
    return filled, missing


def _time(index: int, text: str | None) -> int | None:
    if text is None:
        return None
    # `20240501` and week dates are ISO 8601, too, but more likely a mistake.
    if re.match(r"\d{4}-\d\d-\d\d", text):
        try:
            # RFC 3339 has small letters, too.
            time = datetime.fromisoformat(text.upper())
        except ValueError:
            pass
        else:
            return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    raise BadEvent(index, f"`created` is not a time: `{text[:40]}` ({WRITE_TIMES})", "created")


def texts_of(lines: Sequence[bytes], joined: Joined, not_stored: Collection[int]) -> pa.Array:
    """Return lines as a column, null at the places that are not stored, all of it UTF-8; ``joined`` has their text."""
    starts = np.concatenate(([0], joined.ends)).astype(np.int32)
    try:
        whole = checked_texts(starts, joined.text)
    except pa.ArrowInvalid:
        for index, (start, end) in enumerate(pairwise(starts.tolist())):
            check_utf8(joined.text[start:end], index)
        raise
    if not not_stored:
        return whole
    return pa.array([None if place in not_stored else line for place, line in enumerate(lines)], pa.utf8())
