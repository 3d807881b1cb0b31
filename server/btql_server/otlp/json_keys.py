"""Keys that OTLP does not have: they are left out, as the protocol wants it, and told.

Requests without any, which are nearly all, are decoded once and not looked at. Only where there is one, the request
is decoded again without its kind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableSequence
from functools import cache
from typing import TypeVar, cast, get_args

import msgspec

from btql_server.http.body import decode
from btql_server.http.errors import HttpError, spelled
from btql_server.http.many import check_values
from btql_server.otlp.json_messages import ExportTraceServiceRequest, OtlpResourceSpans, OtlpScopeSpans
from btql_storage import json_text

T = TypeVar("T", bound=msgspec.Struct)
_UNKNOWN = "unknown field"
"""Words of the decoder where it meets a key that a message does not have."""
_HOLDS: Mapping[type, str] = {
    ExportTraceServiceRequest: "resourceSpans",
    OtlpResourceSpans: "scopeSpans",
    OtlpScopeSpans: "spans",
}
"""What a message is there for."""
_TOLD_MAX = 3


class Unknown:
    """The unknown keys of a request."""

    def __init__(self) -> None:
        self._places: MutableSequence[str] = []
        self._count = 0
        self.instead: str | None = None
        """Where a message has no spans, but an unknown key, as if that were theirs."""

    @property
    def message(self) -> str:
        """What to tell of them; empty where there are none."""
        more = self._count - len(self._places)
        listed = ", ".join(f"`{place}`" for place in self._places) + (f" and {more:,} more" if more else "")
        return listed and f"OTLP has no such keys, and they were left out: {listed}"

    def add(self, path: tuple[str | int, ...]) -> None:
        """Note a key."""
        self._count += 1
        if len(self._places) < _TOLD_MAX:
            self._places.append(spelled(path)[:200])


def decode_known(text: bytes, shape: type[T], unknown: Unknown) -> T:
    """Return a message without the keys that OTLP does not have, which are noted."""
    try:
        return decode(text, shape)
    except HttpError as error:
        if _UNKNOWN not in error.message:
            raise
        refusal = error
    check_values(text)
    try:
        whole = json_text.parse(text)
    except (RecursionError, ValueError):
        raise refusal from None
    _prune(whole, shape, unknown)
    return decode(json_text.dumps(whole).encode(), shape)


def _prune(whole: object, shape: type, unknown: Unknown) -> None:
    """Take out the keys that a message and those within it do not have, the outermost first."""
    ahead: deque[tuple[object, type, tuple[str | int, ...]]] = deque([(whole, shape, ())])
    while ahead:
        value, kind, path = ahead.popleft()
        if isinstance(value, list):
            ahead.extend((item, kind, (*path, index)) for index, item in enumerate(cast("list[object]", value)))
        elif isinstance(value, dict):
            message = cast("dict[str, object]", value)
            known = _members(kind)
            others = [key for key in message if key not in known]
            wanted = _HOLDS.get(kind)
            if others and wanted is not None and wanted not in message and unknown.instead is None:
                unknown.instead = f"there are no `{wanted}`, only `{others[0][:80]}`"
            for key in others:
                unknown.add((*path, key))
                del message[key]
            ahead.extend((below, of, (*path, key)) for key, below in message.items() if (of := known[key]) is not None)


@cache
def _members(shape: type) -> Mapping[str, type | None]:
    """Return the keys of a message, and of what kind the messages are that each has, if any."""
    return {each.encode_name: _message(each.type) for each in msgspec.structs.fields(shape)}


def _message(annotation: object) -> type | None:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next((found for each in get_args(annotation) if (found := _message(each)) is not None), None)
