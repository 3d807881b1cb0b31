"""Check a request and take it apart, without decoding what storage need not know.

1. Events come as NDJSON lines (bytes) or as Python mappings, which are turned
   into such lines first.
2. ``msgspec`` splits a line into its top-level fields and checks all of its
   syntax on the way, but leaves each field the JSON text it was. A caller that
   must know something of an event splits it itself (:func:`split`), so that
   nobody reads the text a second time.
3. Each field goes to the list of its column. Documents of one writer mostly
   have the same keys in the same order, so which list is which is looked up
   once per sequence of keys, not once per key.
4. Everything else is checked and filled in a column at a time
   (:mod:`btql_storage.accept_columns`).

This pass is what bounds the rate of ingestion, so it avoids work per value.

What is refused, each with the event's index and a reason: text that is not
JSON or not UTF-8, lone surrogates, no object, what is beyond a limit
(:mod:`btql_storage.limits`), a field with the wrong shape, a time that is none.
A request is all or nothing.

What a client leaves out is filled in: ``id`` is drawn, ``span_id`` is the id,
``root_span_id`` the span id, ``created`` now; :class:`Flag` says which of these
were, as a merge keeps the values of its row. ``_xact_id``, ``_pagination_key``
and ``is_root`` of a document (an export has them) are not taken: they are ours
to give. ``_async_scoring_control`` and ``_skip_async_scoring`` ask for what
does not happen here, and are dropped.

A document with a ``comment`` and an ``origin.id`` is no row: it becomes an event
of the row with that id (:mod:`btql_storage.control`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import NamedTuple, TypeAlias

import msgspec
import orjson

from btql_storage.accept_columns import SYSTEM, Accepted, RawColumn, finish
from btql_storage.clock import SYSTEM_CLOCK, Clock
from btql_storage.collector import collector_paused
from btql_storage.control import CONTROLS, NULL, Comment
from btql_storage.errors import BadEvent
from btql_storage.fields import KNOWN_FIELDS, OTHER
from btql_storage.limits import DEFAULT, Limits, check_document, check_events, check_request, too_deep
from btql_storage.transactions import ROWS_MAX

EVENTS_MAX = ROWS_MAX
"""Events of a request, whatever its limits are: a transaction has numbers for as many."""


class Split(NamedTuple):
    """An event taken apart."""

    fields: dict[str, msgspec.Raw]
    """Top-level key to JSON text."""
    size: int
    """Bytes of JSON that the event was."""


Event: TypeAlias = Mapping[str, object] | bytes | Split
_DROPPED = frozenset({"_xact_id", "_pagination_key", "is_root", "_async_scoring_control", "_skip_async_scoring"})
_COLUMNS = frozenset({*KNOWN_FIELDS, *SYSTEM, *CONTROLS})
_TRUE = msgspec.Raw(b"true")
_FALSE = msgspec.Raw(b"false")

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_NOTHING: frozenset[str] = frozenset()


class _Origin(msgspec.Struct):
    """What a comment is about."""

    id: str | None = None


_origin = msgspec.json.Decoder(_Origin).decode
_text = msgspec.json.Decoder(str | None).decode


def accept(
    events: Sequence[Event],
    clock: Clock = SYSTEM_CLOCK,
    leave_out: frozenset[str] = _NOTHING,
    limits: Limits = DEFAULT,
    *,
    as_rows: bool = False,
) -> Accepted:
    """Check the events of one request; BadEvent names one that cannot be stored.

    ``leave_out`` has top-level keys that are not stored, as they say the same of a whole object. With ``as_rows``
    each document is a row: one that looks like a comment on another row is none.
    """
    check_events(len(events), limits)
    with collector_paused():
        splitter = _Splitter(len(events), clock, leave_out, as_rows=as_rows)
        json_bytes = 0
        for index, event in enumerate(events):
            fields, size = event if isinstance(event, Split) else split(_line(event, index, limits), index, limits)
            json_bytes += size
            if json_bytes > limits.request_bytes_max:
                check_request(json_bytes, limits)
            splitter.add(index, fields)
        return finish(splitter.columns, splitter.comments, len(events), json_bytes, clock)


def split(line: bytes, index: int = 0, limits: Limits = DEFAULT) -> Split:
    """Take an event apart; BadEvent, with the index, for what is not the JSON of an object or beyond a limit."""
    check_document(line, index, limits)
    try:
        return Split(_split(line), len(line))
    except RecursionError as error:
        raise too_deep(index, limits) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadEvent(index, _reason(error)) from error


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the values of documents with the same keys go."""

    columns: list[RawColumn]
    """One for each key; what is kept elsewhere or not at all goes to a list that nobody reads."""
    others: list[str]
    may_be_comment: bool


class _Splitter:
    """Distributes documents over lists of JSON texts."""

    def __init__(self, rows: int, clock: Clock, leave_out: frozenset[str], *, as_rows: bool) -> None:
        self.columns: dict[str, RawColumn] = {}
        self.comments: dict[int, Comment] = {}
        self._rows = rows
        self._clock = clock
        self._dropped = _DROPPED | leave_out
        self._as_rows = as_rows
        self._nowhere = self._new_column()
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def add(self, index: int, document: dict[str, msgspec.Raw]) -> None:
        """Take in one document."""
        keys = tuple(document)
        plan = self._plans.get(keys) or self._make_plan(keys)
        if plan.may_be_comment and self._add_comment(index, document):
            return
        for column, text in zip(plan.columns, map(bytes, document.values()), strict=True):
            column[index] = text
        if plan.others:
            self._add_others(index, document, plan.others)

    def _add_others(self, index: int, document: dict[str, msgspec.Raw], keys: list[str]) -> None:
        # Only a merge has a use for null: it removes what is there.
        keep_nulls = document.get("_is_merge") == _TRUE
        others = {key: document[key] for key in keys if keep_nulls or document[key] != NULL}
        if others:
            self._column(OTHER)[index] = _encode(others)

    def _add_comment(self, index: int, document: dict[str, msgspec.Raw]) -> bool:
        """Make a document a merge into the row that it comments on; return whether it is a comment at all."""
        about = _about(document)
        if about is None:
            return False
        deleted = document.get("_object_delete", NULL)
        if deleted not in (_TRUE, _FALSE, NULL):
            raise BadEvent(index, "`_object_delete` is not true or false", "_object_delete")
        try:
            comment_id = _text(document.get("id", NULL)) or self._clock.new_id()
        except msgspec.ValidationError as error:
            raise BadEvent(index, "`id` is not a text", "id") from error
        user = document.get("user", NULL)
        self.comments[index] = Comment(comment_id, document["comment"], user, deleted == _TRUE)
        self._column("id")[index] = _encode(about)
        self._column("_is_merge")[index] = b"true"
        for name in ("created", "_audit_source", "_audit_metadata"):
            if name in document:
                self._column(name)[index] = bytes(document[name])
        return True

    def _make_plan(self, keys: tuple[str, ...]) -> _Plan:
        columns = [self._column(key) if key in _COLUMNS else self._nowhere for key in keys]
        others = [key for key in keys if key not in _COLUMNS and key not in self._dropped]
        may_be_comment = not self._as_rows and "comment" in keys and "origin" in keys
        plan = self._plans[keys] = _Plan(columns, others, may_be_comment)
        return plan

    def _column(self, name: str) -> RawColumn:
        if name not in self.columns:
            self.columns[name] = self._new_column()
        return self.columns[name]

    def _new_column(self) -> RawColumn:
        return [None] * self._rows


def _about(document: dict[str, msgspec.Raw]) -> str | None:
    """Return the id of the row that a document comments on, None for a document that is a row."""
    if document["comment"] == NULL:
        return None
    try:
        return _origin(document["origin"]).id
    except msgspec.ValidationError:
        return None


def _line(event: Mapping[str, object] | bytes, index: int, limits: Limits) -> bytes:
    if isinstance(event, bytes):
        return event
    try:
        return _json(event)
    except RecursionError as error:
        raise too_deep(index, limits) from error
    except (ValueError, TypeError) as error:
        raise BadEvent(index, _reason(error)) from error


def _json(event: Mapping[str, object]) -> bytes:
    """Write a mapping as JSON. Not-a-number and infinities become null, as JSON has none."""
    try:
        return orjson.dumps(event if isinstance(event, dict) else dict(event))
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error) and "ecursion" not in str(error):
            raise
        # The standard library also writes integers of any size, and goes deeper.
        return dumps(dict(event), ensure_ascii=False, allow_nan=False, check_circular=False).encode()


def _reason(error: Exception) -> str:
    """Say in a few words why an event is refused."""
    match error:
        case UnicodeDecodeError():
            return "not valid UTF-8"
        case UnicodeEncodeError():
            return "a text with a lone surrogate"
        case msgspec.ValidationError():
            return f"not an object ({_lower(error)})"
        case msgspec.DecodeError():
            text = _lower(error).removeprefix("JSON is malformed: ")
            # Half a surrogate pair ends where the second escape should begin.
            lone = "surrogate" in text or "end of hex escape" in text
            return f"a text with a lone surrogate ({text})" if lone else f"not JSON: {text}"
        case orjson.JSONEncodeError():
            return f"cannot be written as JSON: {_lower(error)}"
        case _:
            return _lower(error)


def _lower(error: Exception) -> str:
    text = str(error)
    return text if text.startswith("JSON") else text[:1].lower() + text[1:]
