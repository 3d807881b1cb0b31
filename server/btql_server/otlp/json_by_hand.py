"""A request in JSON taken apart by its brackets, down to the text of each span, where it cannot be decoded for that.

The library that decodes JSON gives up a whole body for some 900 brackets within one another, wherever they are. Here
nothing is decoded, so that whatever is wrong with a span is found when that span is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from btql_server.http.body import decode
from btql_server.http.errors import HttpError
from btql_server.http.many import is_dense
from btql_server.otlp.json_messages import RawRequest, RawResourceSpans, RawScopeSpans

_TOKENS_MAX = 1_000_000
"""A second is enough for some hundred thousand of them; requests of exporters are smaller."""
_NULL = b"null"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKENS = re.compile(_STRING + rb"|[\[\]{},]", re.DOTALL)
_MEMBER = re.compile(rb"\s*+(" + _STRING + rb")\s*+:(.*)", re.DOTALL)


def take_apart(body: bytes) -> RawRequest:
    """Return a request whose spans are still JSON; ValueError where its brackets are not those of one, or too many."""
    if sum(map(body.count, (b"{", b"}", b"[", b"]", b","))) > _TOKENS_MAX:
        raise ValueError("it is too large to be taken apart")
    return RawRequest([_of_resource(each) for each in _items(body, "resourceSpans")])


def name_of(text: bytes) -> str:
    """Return what a span is called, whatever else it is; nothing where it would take long to find."""
    try:
        return "" if is_dense(text) else decode(_member(text, "name"), str)
    except (HttpError, ValueError):
        return ""


def _member(text: bytes, key: str) -> bytes:
    """Return the text of what an object has under a key, ``null`` where it has nothing; ValueError for no object."""
    found, named = _NULL, f'"{key}"'.encode()
    for part in _parts(text, b"{"):
        known = _MEMBER.fullmatch(part)
        if known is not None and known[1] == named:
            found = known[2].strip()
    return found


def _of_resource(text: bytes) -> RawResourceSpans:
    scopes = [_of_scope(each) for each in _items(text, "scopeSpans")]
    return RawResourceSpans(msgspec.Raw(_member(text, "resource")), scopes)


def _of_scope(text: bytes) -> RawScopeSpans:
    return RawScopeSpans(msgspec.Raw(_member(text, "scope")), [msgspec.Raw(each) for each in _items(text, "spans")])


def _items(text: bytes, key: str) -> Iterator[bytes]:
    """Yield the texts of what is in an array of an object."""
    found = _member(text, key)
    if found != _NULL:
        yield from _parts(found, b"[")


def _parts(text: bytes, opening: bytes) -> Iterator[bytes]:
    """Yield what is between the commas of an object or an array; ValueError where the text is none."""
    if not text.lstrip().startswith(opening):
        raise ValueError(f"the text does not begin with {opening.decode()}")
    depth = start = 0
    for token in _TOKENS.finditer(text):
        match token[0]:
            case b"{" | b"[":
                depth += 1
                start = token.end() if depth == 1 else start
            case b"}" | b"]":
                depth -= 1
            case b"," if depth == 1:
                yield text[start : token.start()]
                start = token.end()
            case _:
                pass
        if depth == 0:
            if text[token.end() :].strip():
                raise ValueError("something follows the last bracket")
            if last := text[start : token.start()].strip():
                yield last
            return
    raise ValueError("brackets are missing")
