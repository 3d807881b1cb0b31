"""Rows as clients send them, read no further than needed: where they belong, and whether their shapes are right.

A row stays the JSON that it is. Decoded are the keys that say which object it belongs to, and the few fields whose
values have a type on record: ``metrics.*`` are numbers, ``scores.*`` are numbers from 0 to 1, ``tags`` are texts.
Null is fine everywhere, and so is what JSON has no number for (``"NaN"``, ``"Infinity"``), as SDKs spell it.

The embedded database takes any values there; only clients of the server are held to these types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import Meta

from btql_server.http.body import refusal
from btql_server.http.errors import invalid
from btql_server.settings import Limits
from btql_server.writing.store import Path, beyond_limit
from btql_storage.accept import Split, split
from btql_storage.control import NULL
from btql_storage.errors import BadEvent, LimitExceeded
from btql_storage.json_text import JsonValue, parse

_Metric: TypeAlias = float | Literal["NaN", "Infinity", "-Infinity"] | None
_Score: TypeAlias = Annotated[float, Meta(ge=0, le=1)] | Literal["NaN"] | None
_TRUE = msgspec.Raw(b"true")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_NOT_MEASURED = frozenset({"caller_functionname", "caller_filename", "caller_lineno"})
"""What old SDKs keep among the metrics although it is none."""


class Place(msgspec.Struct, frozen=True):
    """The keys of a row that say which object it belongs to."""

    experiment_id: str | None = None
    dataset_id: str | None = None
    prompt_session_id: str | None = None
    project_id: str | None = None
    log_id: str | None = None
    org_id: str | None = None


class Row(NamedTuple):
    """A row for the storage, and where it belongs."""

    event: Split
    place: Place

    @property
    def is_comment(self) -> bool:
        """Whether it is one on the row that its ``origin`` names."""
        fields = self.event.fields
        return NULL not in (fields.get("comment", NULL), fields.get("origin", NULL))

    @property
    def change(self) -> str | None:
        """What the audit log calls it; None for an event of a trace, which is a record by itself."""
        fields = self.event.fields
        if fields.get("_object_delete") == _TRUE:
            return "delete"
        commented, audited = fields.get("comment", NULL), fields.get("_audit_source", NULL)
        return None if commented == NULL and audited == NULL else "feedback"


_PLACE_KEYS = Place.__struct_fields__
_latest: tuple[list[msgspec.Raw | None], Place] = [None] * len(_PLACE_KEYS), Place()
"""The keys that were read last, of any thread, and what they say: most rows belong where the one before does."""
_place = msgspec.json.Decoder(Place).decode
_encode = msgspec.json.Encoder().encode
_tags = msgspec.json.Decoder(list[str] | None).decode
_metrics = msgspec.json.Decoder(dict[str, _Metric] | None).decode
_scores = msgspec.json.Decoder(dict[str, _Score] | None).decode


def read_row(text: msgspec.Raw | bytes, path: Path, limits: Limits) -> Row:
    """Return the row at a path of the request; a 400 that names the place of what is wrong."""
    content = bytes(text)
    try:
        event = split(content, limits=limits)
    except LimitExceeded as error:
        raise beyond_limit(error, path) from error
    except BadEvent as error:
        syntax = cast("Exception | None", error.__cause__)
        raise invalid(error.reason, path) if syntax is None else refusal(syntax, content, path) from error
    fields = event.fields
    place = _place_of(fields, path)
    if (raw := fields.get("tags")) is not None:
        try:
            _tags(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise refusal(error, bytes(raw), [*path, "tags"]) from error
    if (raw := fields.get("metrics")) is not None:
        try:
            _metrics(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            _look_closer(raw, [*path, "metrics"], _check_metric)
    if (raw := fields.get("scores")) is not None:
        try:
            _scores(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            _look_closer(raw, [*path, "scores"], _check_score)
    return Row(event, place)


def _place_of(fields: Mapping[str, msgspec.Raw], path: Path) -> Place:
    global _latest  # noqa: PLW0603  replaced as a whole, never changed
    texts = [*map(fields.get, _PLACE_KEYS)]
    latest, place = _latest
    if texts == latest:
        return place
    text = _encode({key: fields[key] for key in _PLACE_KEYS if key in fields})
    try:
        place = _place(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise refusal(error, text, path) from error
    # Copies, as the texts of a row keep the whole row in memory.
    _latest = [None if one is None else msgspec.Raw(bytes(one)) for one in texts], place
    return place


def _look_closer(raw: msgspec.Raw, path: Path, check: Callable[[str, JsonValue], str | None]) -> None:
    """Look at each value of an object that does not have the plain types; refuse the first that is wrong."""
    try:
        value = parse(bytes(raw))
    except ValueError:
        # The storage says what is wrong with the text.
        return
    if not isinstance(value, dict):
        raise invalid(f"expected an object, got {_kind(value)}", path)
    for key, item in value.items():
        reason = check(key, item)
        if reason is not None:
            raise invalid(reason, [*path, key])


def _check_metric(key: str, value: JsonValue) -> str | None:
    if _is_number(value) or value is None or value in _NOT_FINITE or key in _NOT_MEASURED:
        return None
    return f"expected a number, got {_kind(value)}"


def _check_score(_key: str, value: JsonValue) -> str | None:
    if value is None or value == "NaN":
        return None
    if not _is_number(value):
        return f"expected a number from 0 to 1 or null, got {_kind(value)}"
    number = cast("float", value)
    return None if 0 <= number <= 1 else f"expected a number from 0 to 1, got {number!s:.40}"


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "an array"
        case _:
            return "an object"
