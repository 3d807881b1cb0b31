"""Rows as clients send them, read no further than needed: where they belong, and whether their shapes are right.

A row stays the JSON that it is. Decoded are the keys that say which object it belongs to, and the few fields whose
values have a type on record: ``metrics.*`` are numbers, ``scores.*`` are numbers from 0 to 1, ``tags`` are texts.
Null is fine everywhere, and so is what JSON has no number for (``"NaN"``, ``"Infinity"``), as SDKs spell it.

The embedded database takes any values there; only clients of the server are held to these types.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Annotated, Literal, NamedTuple, TypeAlias, TypeGuard, cast

import msgspec
from msgspec import Meta

from btql_server.http.body import refusal
from btql_server.http.errors import invalid
from btql_server.settings import Limits
from btql_server.writing.store import Path, beyond_limit
from btql_storage.errors import BadEvent, LimitExceeded
from btql_storage.ingest.envelope import NOT_GIVEN, Anything, Envelope, Read
from btql_storage.ingest.number_range import NUMBER_MAX, is_too_large
from btql_storage.ingest.refusals import check_shapes
from btql_storage.json_text import JsonValue, parse
from btql_storage.limits import check_document, too_deep
from btql_storage.members import members
from btql_storage.wal.control import NULL

_Metric: TypeAlias = float | Literal["NaN", "Infinity", "-Infinity"] | None
_Score: TypeAlias = Annotated[float, Meta(ge=0, le=1)] | Literal["NaN"] | None
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_NOT_MEASURED = frozenset({"caller_functionname", "caller_filename", "caller_lineno"})
"""What old SDKs keep among the metrics although it is none."""


class Place(NamedTuple):
    """The keys of a row that say which object it belongs to."""

    experiment_id: str | None
    dataset_id: str | None
    prompt_session_id: str | None
    project_id: str | None
    log_id: str | None
    org_id: str | None


class _Keys(Envelope, gc=False):
    """What the storage must know of a row, and where it belongs. Its values were looked at by themselves."""

    metrics: Anything | None = None  # type: ignore[assignment]
    scores: Anything | None = None  # type: ignore[assignment]

    experiment_id: str | None = None
    dataset_id: str | None = None
    prompt_session_id: str | None = None
    project_id: str | None = None
    log_id: str | None = None
    org_id: str | None = None
    origin: msgspec.Raw = NOT_GIVEN


class _TypedKeys(_Keys, gc=False):
    """The same of a row whose values have the types on record, as nearly all have."""

    metrics: dict[str, _Metric] | None = None  # type: ignore[assignment]
    scores: dict[str, _Score] | None = None  # type: ignore[assignment]


class Row(Read):
    """A row for the storage, and what its keys say."""

    __slots__ = ()

    @property
    def keys(self) -> _Keys:
        """What was read of it."""
        return cast("_Keys", self.envelope)

    @property
    def address(self) -> tuple[str | None, ...]:
        """The values of the keys of :class:`Place`."""
        return _place(self.envelope)

    @property
    def is_comment(self) -> bool:
        """Whether it is one on the row that its ``origin`` names."""
        # Hardly any has a comment at all.
        return self.envelope.comment is not NOT_GIVEN and _is_given(self.keys.comment) and _is_given(self.keys.origin)

    @property
    def change(self) -> str | None:
        """What the audit log calls it; None for an event of a trace, which is a record by itself."""
        keys = self.envelope
        if keys.object_delete:
            return "delete"
        return "feedback" if _is_given(keys.comment) or _is_given(keys.audit_source) else None


# Made here, by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
_typed_keys = msgspec.json.Decoder(_TypedKeys).decode
_keys = msgspec.json.Decoder(_Keys).decode
_tags = msgspec.json.Decoder(list[str] | None).decode
_metrics = msgspec.json.Decoder(dict[str, _Metric] | None).decode
_scores = msgspec.json.Decoder(dict[str, _Score] | None).decode
_encode = msgspec.json.Encoder().encode
_place = cast("Callable[[Envelope], tuple[str | None, ...]]", attrgetter(*Place._fields))


def read_row(text: msgspec.Raw | bytes, path: Path, limits: Limits) -> Row:
    """Return the row at a path of the request; a 400 that names the place of what is wrong."""
    line = bytes(text)
    keys: _Keys
    try:
        check_document(line, 0, limits)
        keys = _typed_keys(line)
    except LimitExceeded as error:
        raise beyond_limit(error, path) from error
    except RecursionError as error:
        raise beyond_limit(too_deep(0, limits), path) from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        line, keys = _read_slowly(line, path)
    return Row(keys, line)


def _read_slowly(line: bytes, path: Path) -> tuple[bytes, _Keys]:
    """Read a row that does not have the plain types, field by field, to say where it is wrong, if it is."""
    try:
        fields = members(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise refusal(error, line, path) from error
    _check(_keys, _encode({key: fields[key] for key in Place._fields if key in fields}), path)
    if (raw := fields.get("tags")) is not None:
        _check(_tags, bytes(raw), [*path, "tags"])
    if (raw := fields.get("metrics")) is not None and not _is(_metrics, raw):
        _look_closer(raw, [*path, "metrics"], _check_metric)
    if (raw := fields.get("scores")) is not None and not _is(_scores, raw):
        _look_closer(raw, [*path, "scores"], _check_score)
    try:
        check_shapes(fields, 0)
    except BadEvent as error:
        raise invalid(error.reason, path if error.field is None else [*path, error.field]) from error
    try:
        return line, _keys(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # What is wrong is the first of two values of one key, of which the last counts.
        once = _encode(fields)
        return once, _keys(once)


def _check(decode: Callable[[bytes], object], text: bytes, path: Path) -> None:
    try:
        decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise refusal(error, text, path) from error


def _is(decode: Callable[[bytes], object], raw: msgspec.Raw) -> bool:
    try:
        decode(bytes(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def _is_given(text: msgspec.Raw) -> bool:
    return text is not NOT_GIVEN and text != NULL


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
    if is_number(value) and is_too_large(value):
        return f"expected a number up to {NUMBER_MAX:.1e}, got a larger one"
    if is_number(value) or value is None or value in _NOT_FINITE or key in _NOT_MEASURED:
        return None
    return f"expected a number, got {_kind(value)}"


def _check_score(_key: str, value: JsonValue) -> str | None:
    if value is None or value == "NaN":
        return None
    if not is_number(value):
        return f"expected a number from 0 to 1 or null, got {_kind(value)}"
    return None if 0 <= value <= 1 else f"expected a number from 0 to 1, got {value!s:.40}"


def is_number(value: JsonValue) -> TypeGuard[int | float]:
    """Whether a value is a number, of any size."""
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
