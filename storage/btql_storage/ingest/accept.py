"""Check a request, without decoding what storage need not know.

1. Events come as NDJSON lines (bytes) or as Python mappings, which are turned
   into such lines first.
2. Of each line the *envelope* is read (:mod:`btql_storage.ingest.envelope`), which
   checks all of its syntax on the way. A caller that must know more of an event
   reads it itself, with an envelope of its own that has more keys, and hands
   over both, so that nobody reads the text a second time.
3. Everything else is checked and filled in a column at a time
   (:mod:`btql_storage.ingest.columns`). The line itself goes to the WAL as it
   is; whoever reads it there takes it apart (:mod:`btql_storage.wal.reader`).

This pass is what bounds the rate of ingestion, so it avoids work per value.

What is refused, each with the event's index and a reason: text that is not
JSON or not UTF-8, no object, what is beyond a limit
(:mod:`btql_storage.limits`), a field with the wrong shape, a score or metric beyond float64, a time that is none.
A request is all or nothing. Half of a surrogate pair, as a text has that was cut in
the middle of an emoji, is no reason to refuse it (:mod:`btql_storage.surrogates`).

What a client leaves out is filled in: ``id`` is drawn, ``span_id`` is the id,
``root_span_id`` the span id, ``created`` now; :class:`Flag` says which of these
were, as a merge keeps the values of its row. ``_xact_id``, ``_pagination_key``
and ``is_root`` of a document (an export has them) are not taken: they are ours
to give. ``_async_scoring_control`` and ``_skip_async_scoring`` ask for what
does not happen here, and are dropped.

A document with a ``comment`` and an ``origin.id`` is no row: it becomes an event
of the row with that id (:mod:`btql_storage.wal.control`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from json import dumps, loads
from typing import TypeAlias, cast

import msgspec
import orjson

from btql_storage.clock import SYSTEM_CLOCK, Clock
from btql_storage.collector import collector_paused
from btql_storage.errors import BadEvent
from btql_storage.ingest.columns import Accepted, finish, texts_of
from btql_storage.ingest.envelope import Envelope, Joined, Read, join, read, read_all, sizes_of, with_instructions
from btql_storage.ingest.refusals import checked, lowered, reason_of
from btql_storage.limits import DEFAULT, Limits, check_events, check_request, too_deep
from btql_storage.surrogates import mended_value
from btql_storage.transactions import ROWS_MAX
from btql_storage.wal.control import NULL, Comment, Control, control_of

EVENTS_MAX = ROWS_MAX
"""Events of a request, whatever its limits are: a transaction has numbers for as many."""

Event: TypeAlias = Mapping[str, object] | bytes | Read

_NOTHING: frozenset[str] = frozenset()


class _Origin(msgspec.Struct):
    """What a comment is about."""

    id: str | None = None


_origin = msgspec.json.Decoder(_Origin).decode


# What is made on the way is gone before the collector comes back, which need not look at it then.
@collector_paused()
def accept(
    events: Sequence[Event],
    clock: Clock = SYSTEM_CLOCK,
    leave_out: frozenset[str] = _NOTHING,
    limits: Limits = DEFAULT,
    *,
    as_rows: bool = False,
    only_updates: bool = False,
) -> Accepted:
    """Check the events of one request; BadEvent names one that cannot be stored.

    ``leave_out`` has top-level keys that are not stored, as they say the same of a whole object. With ``as_rows``
    each document is a row: one that looks like a comment on another row is none. With ``only_updates`` none makes a
    row: where there is none by the time that the event is applied, it does nothing.
    """
    check_events(len(events), limits)
    # Mostly all are of one kind, and need not be asked one by one.
    kinds = {*map(type, events)}
    read_kinds = {kind for kind in kinds if issubclass(kind, Read)}
    if kinds == read_kinds:
        lines = [event.line for event in cast("Sequence[Read]", events)]
    else:
        lines = cast("list[bytes]", [*events]) if kinds == {bytes} else _lines(events, limits)
    sizes = sizes_of(lines)
    json_bytes = int(sizes.sum())
    check_request(json_bytes, limits)
    if kinds == read_kinds:
        envelopes, joined = [event.envelope for event in cast("Sequence[Read]", events)], join(lines, sizes)
    else:
        together = None if read_kinds else read_all(lines, sizes, limits)
        envelopes, joined = together or _one_by_one(events, lines, limits)
    controls = _instructions(envelopes, lines, clock, as_rows=as_rows)
    comments = {place for place, one in controls.items() if one.comment is not None}
    if only_updates:
        for index in range(len(envelopes)):
            controls.setdefault(index, Control()).only_updates = True
    column = texts_of(lines, joined, comments)
    return finish(envelopes, column, controls, leave_out, json_bytes, clock)


def _lines(events: Sequence[Event], limits: Limits) -> list[bytes]:
    lines, size = [], 0
    for index, event in enumerate(events):
        lines.append(line_of(event, index, limits))
        size += len(lines[index])
        check_request(size, limits)
    return lines


def _one_by_one(events: Sequence[Event], lines: list[bytes], limits: Limits) -> tuple[list[Envelope], Joined]:
    """Return what somebody has read of each event, or else read it; a line that is not plain may be replaced."""
    envelopes: list[Envelope] = []
    for index, event in enumerate(events):
        envelope, lines[index] = event if isinstance(event, Read) else read(lines[index], index, limits)
        envelopes.append(envelope)
    return envelopes, join(lines, sizes_of(lines))


def _instructions(
    envelopes: list[Envelope], lines: Sequence[bytes], clock: Clock, *, as_rows: bool
) -> dict[int, Control]:
    """Return what the few events with rarer instructions say, by their places.

    A comment becomes a merge into the row that it is about.
    """
    controls: dict[int, Control] = {}
    for index in with_instructions(envelopes):
        envelope = envelopes[index]
        fields = checked(lines[index], index)
        about = None if as_rows else _about(fields)
        comment = None
        if about is not None:
            deleted = envelope.object_delete is True
            comment = Comment(envelope.id or clock.new_id(), fields["comment"], fields.get("user", NULL), deleted)
            envelopes[index] = Envelope(id=about, is_merge=True, created=envelope.created)
        control = control_of(index, fields, comment)
        if control is not None:
            controls[index] = control
    return controls


def _about(document: dict[str, msgspec.Raw]) -> str | None:
    """Return the id of the row that a document comments on, None for a document that is a row."""
    if NULL in (document.get("comment", NULL), document.get("origin", NULL)):
        return None
    try:
        return _origin(document["origin"]).id
    except msgspec.ValidationError:
        return None


def line_of(event: Event, index: int, limits: Limits) -> bytes:
    """Return an event as a line of JSON; BadEvent, with the index, where it cannot be one."""
    if isinstance(event, bytes):
        return event
    if isinstance(event, Read):
        return event.line
    _check_mapping(event, index)
    try:
        try:
            return _json(event)
        except (orjson.JSONEncodeError, UnicodeEncodeError) as error:
            if "surrogates" not in str(error):
                raise
            return _json(cast("Mapping[str, object]", mended_value(dict(event))))
    except RecursionError as error:
        raise too_deep(index, limits) from error
    except orjson.JSONEncodeError as error:
        raise BadEvent(index, f"cannot be written as JSON: {lowered(error)}") from error
    except (ValueError, TypeError) as error:
        raise BadEvent(index, reason_of(error)) from error


def _check_mapping(event: object, index: int) -> None:
    """Refuse what only Python's types would keep away: a text, or the keys of one event in place of a list."""
    if not isinstance(event, Mapping):
        kind = type(event).__name__
        raise BadEvent(index, f"an event is a dictionary, or JSON in bytes, not `{kind}`; events are a list of such")


_NO_REASONS = ("64-bit", "ecursion", "key must be str")
"""What ``orjson`` says where only it cannot write a value."""


def _json(event: Mapping[str, object]) -> bytes:
    """Write a mapping as JSON. Not-a-number and infinities become null, as JSON has none."""
    try:
        return orjson.dumps(event if isinstance(event, dict) else dict(event), _other, orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as error:
        if not any(reason in str(error) for reason in _NO_REASONS):
            raise
        # The standard library also writes integers of any size and keys that are numbers, and goes deeper.
        text = dumps(dict(event), ensure_ascii=False, check_circular=False, default=_plain)
        if "NaN" in text or "Infinity" in text:
            text = dumps(loads(text, parse_constant=lambda _: None), ensure_ascii=False)
        return text.encode()


def _plain(value: object) -> object:
    """Return a time, or whatever else the faster library knows, as JSON has it."""
    return cast("object", loads(orjson.dumps(value, _other, orjson.OPT_SERIALIZE_NUMPY)))


def _other(value: object) -> object:
    """Return what rows of data frames hold, beside numbers of numpy, as JSON has it: times, decimals, any arrays."""
    if isinstance(value, datetime):
        # A time that is missing is one, too, and differs from itself.
        return value.isoformat() if value == value else None  # noqa: PLR0124
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value)) if value.is_finite() else None
    if type(value).__name__ == "NAType":
        # A value of one of pandas' own types that is missing; it differs from nothing.
        return None
    plain = getattr(value, "tolist", None)
    if plain is None:
        raise TypeError
    return cast("object", plain())
