"""Says why an event cannot be stored, field by field; only for those that could not.

One function per shape. Whatever :class:`~btql_storage.ingest.envelope.Envelope` does not take must be refused here,
with the words that users see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from btql_storage.errors import BadEvent
from btql_storage.fields import ARRAY_FIELDS, NUMBER_FIELDS, OBJECT_FIELDS
from btql_storage.ingest.number_range import NUMBER_MAX, too_large
from btql_storage.members import members
from btql_storage.wal.control import NULL

WRITE_TIMES = "write it as `2026-01-02T03:04:05Z`"
"""For whoever has seconds since 1970, as logs of calls often do, or another order of day and month."""

_texts = msgspec.json.Decoder(list[str]).decode


def checked(line: bytes, index: int) -> dict[str, msgspec.Raw]:
    """Return the top-level fields of a document; BadEvent says what is wrong with it, if anything is."""
    try:
        fields = members(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadEvent(index, reason_of(error)) from error
    check_shapes(fields, index)
    return fields


def check_shapes(fields: Mapping[str, msgspec.Raw], index: int) -> None:
    """Raise BadEvent for the first field that has another shape than it must have."""
    for name, check in _CHECKS.items():
        if name in fields and fields[name] != NULL:
            check(index, name, bytes(fields[name]))


def check_utf8(line: bytes, index: int) -> None:
    """Raise BadEvent with the field and its byte that is not UTF-8, if there is one."""
    for name, text in checked(line, index).items():
        try:
            bytes(text).decode()
        except UnicodeDecodeError as error:
            raise _not_utf8(index, name, error) from error


def reason_of(error: Exception) -> str:
    """Say in a few words why something is no event."""
    match error:
        case UnicodeDecodeError():
            return "not valid UTF-8"
        case msgspec.ValidationError():
            return f"not an object ({lowered(error)})"
        case msgspec.DecodeError():
            return f"not JSON: {lowered(error).removeprefix('JSON is malformed: ')}"
        case _:
            return lowered(error)


def _check_text(index: int, name: str, text: bytes) -> None:
    if text[:1] != b'"':
        raise BadEvent(index, f"`{name}` is not a {f'time ({WRITE_TIMES})' if name == 'created' else 'text'}", name)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(index, name, error) from error


def _check_switch(index: int, name: str, text: bytes) -> None:
    if text not in (b"true", b"false"):
        raise BadEvent(index, f"`{name}` is not true or false", name)


def _check_object(index: int, name: str, text: bytes) -> None:
    if text[:1] != b"{":
        # Data frames have the JSON of a column as text.
        parse = ", but the text of one (parse it, in Python by `json.loads`)" if text[:2] == b'"{' else ""
        raise BadEvent(index, f"`{name}` is not an object{parse}", name)


def _check_numbers(index: int, name: str, text: bytes) -> None:
    _check_object(index, name, text)
    try:
        path = too_large(text, name)
    except UnicodeDecodeError as error:
        raise _not_utf8(index, name, error) from error
    except ValueError as error:
        raise BadEvent(index, f"`{name}`: {reason_of(error)}", name) from error
    if path is not None:
        raise BadEvent(
            index, f"`{path}` is a number beyond {NUMBER_MAX:.1e}, the largest that can be computed with", name
        )


def _check_texts(index: int, name: str, text: bytes) -> None:
    try:
        _texts(text)
    except msgspec.ValidationError as error:
        raise BadEvent(index, f"`{name}` is not an array of texts", name) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(index, name, error) from error


_CHECKS: dict[str, Callable[[int, str, bytes], None]] = {
    **dict.fromkeys(("_is_merge", "_object_delete"), _check_switch),
    **dict.fromkeys(("id", "span_id", "root_span_id", "created", "_parent_id"), _check_text),
    **dict.fromkeys(OBJECT_FIELDS, _check_object),
    **dict.fromkeys(NUMBER_FIELDS, _check_numbers),
    **dict.fromkeys(ARRAY_FIELDS, _check_texts),
}
"""Top-level keys whose values have a shape, in the order in which they are looked at."""


def _not_utf8(index: int, name: str, error: UnicodeDecodeError) -> BadEvent:
    return BadEvent(index, f"`{name}` is not valid UTF-8 at its byte {error.start + 1}", name)


def lowered(error: Exception) -> str:
    """Return what an exception says, to go on with after a colon."""
    text = str(error)
    return text if text.startswith("JSON") else text[:1].lower() + text[1:]
