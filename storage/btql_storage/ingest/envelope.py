"""What storage must know of an event when it comes; all else stays the JSON text it is.

``msgspec`` checks the syntax of a whole document and decodes these few keys of it in one pass, several times faster
than it would decode the document. What is only looked at to be refused, such as ``scores`` that are no object, is
passed over after its first byte. An event that is not taken is read a second time, slowly, by
:mod:`btql_storage.ingest.refusals`, which knows how to say what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
from msgspec import field

from btql_storage.errors import BadEvent
from btql_storage.limits import DEFAULT, Limits, check_document, may_exceed, too_deep
from btql_storage.surrogates import mended

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_GIVEN = msgspec.Raw()
"""The text of a key that a document does not have."""


class Anything(msgspec.Struct, gc=False):
    """An object, whatever is in it."""


Value: TypeAlias = float | str | bool | list[Any] | dict[str, Any] | None
"""Anything but a number beyond float64, at which the decoder stops: it reads numbers as fast as it passes over them."""


class Envelope(msgspec.Struct, gc=False):
    """The keys of an event that say where it belongs and what is to be done with it. Null is like none."""

    id: str | None = None
    span_id: str | None = None
    root_span_id: str | None = None
    created: str | None = None
    is_merge: bool | None = field(name="_is_merge", default=None)
    object_delete: bool | None = field(name="_object_delete", default=None)
    parent_id: str | None = field(name="_parent_id", default=None)
    scores: dict[str, Value] | None = None
    metadata: Anything | None = None
    metrics: dict[str, Value] | None = None
    context: Anything | None = None
    span_attributes: Anything | None = None
    tags: list[str] | None = None
    span_parents: list[str] | None = None
    # The rarer instructions, read by :mod:`btql_storage.wal.control` where they are there at all.
    merge_paths: msgspec.Raw = field(name="_merge_paths", default=NOT_GIVEN)
    array_delete: msgspec.Raw = field(name="_array_delete", default=NOT_GIVEN)
    audit_source: msgspec.Raw = field(name="_audit_source", default=NOT_GIVEN)
    audit_metadata: msgspec.Raw = field(name="_audit_metadata", default=NOT_GIVEN)
    comment: msgspec.Raw = NOT_GIVEN


class Read(NamedTuple):
    """An event whose envelope was read."""

    envelope: Envelope
    line: bytes
    """The JSON that the envelope was read from."""


# Made here, by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
_decoder = msgspec.json.Decoder(Envelope)
_envelope = _decoder.decode
_envelopes = _decoder.decode_lines
_TOGETHER_BYTES_MAX = 16 << 20
"""More than so much is not copied to be read in one go."""
_OPENING, _CLOSING = b"{}"


class Joined(NamedTuple):
    """Lines as one text."""

    text: bytes
    """All lines, a line break after each."""
    ends: NDArray[np.int64]
    """Where in the text each line ends, its line break included."""


def sizes_of(lines: Sequence[bytes]) -> NDArray[np.int64]:
    """Return how long each line is."""
    return np.fromiter(map(len, lines), np.int64, len(lines))


def read_all(
    lines: Sequence[bytes], sizes: NDArray[np.int64], limits: Limits = DEFAULT
) -> tuple[list[Envelope], Joined] | None:
    """Read the envelopes of many events in one go; None where one of them must be looked at by itself."""
    if not lines or sizes.sum() > _TOGETHER_BYTES_MAX:
        return None
    joined = join(lines, sizes)
    try:
        envelopes = _envelopes(joined.text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    is_good = len(envelopes) == len(lines) and _are_apart(*joined) and not may_exceed(*joined, limits)
    return (envelopes, joined) if is_good else None


def join(lines: Sequence[bytes], sizes: NDArray[np.int64]) -> Joined:
    """Put lines together."""
    return Joined(b"\n".join([*lines, b""]), (sizes + 1).cumsum())


def _are_apart(text: bytes, ends: NDArray[np.int64]) -> bool:
    """Whether every line of a text is a document by itself, given that it was read as that many documents.

    It is if each begins with an opening brace and ends with a closing one. No value goes on from one line to the next:
    within an object or an array an opening brace cannot follow a closing one, and no text may have a line break. So
    each line has at least one document.
    """
    characters = np.frombuffer(text, np.uint8)
    starts = np.concatenate(([0], ends[:-1]))
    return bool((characters[starts] == _OPENING).all() and (characters[ends - 2] == _CLOSING).all())


def with_instructions(envelopes: Sequence[Envelope]) -> list[int]:
    """Return the places of the few events that have any of the rarer instructions."""
    return [
        place
        for place, one in enumerate(envelopes)
        if one.comment is not NOT_GIVEN
        or one.merge_paths is not NOT_GIVEN
        or one.array_delete is not NOT_GIVEN
        or one.audit_source is not NOT_GIVEN
        or one.audit_metadata is not NOT_GIVEN
    ]


def read(line: bytes, index: int = 0, limits: Limits = DEFAULT) -> Read:
    """Read the envelope of an event; BadEvent, with the index, for what cannot be stored or is beyond a limit."""
    check_document(line, index, limits)
    try:
        return Read(_envelope(line), line)
    except RecursionError as error:
        raise too_deep(index, limits) from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        whole = mended(line)
        return _read_again(line, index) if whole is None else read(whole, index, limits)


def _read_again(line: bytes, index: int) -> Read:
    from btql_storage.ingest.refusals import checked

    # What is wrong may be the first of two values of one key, of which the last counts.
    once = msgspec.json.encode(checked(line, index))
    try:
        return Read(_envelope(once), once)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # pragma: no cover
        raise BadEvent(index, str(error)) from error
