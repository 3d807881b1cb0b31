"""What a request, its documents and a query may take: limits with names, so that an error can say which one to raise.

The defaults let real traces pass. They are raised, or lowered, by the environment (``BTQL_DOCUMENT_BYTES_MAX=1GiB``),
by ``[limits]`` of ``btql.toml``, by ``btql serve --limit document_bytes_max=1GiB`` or by
:class:`~btql_storage.folder.Settings`. What protects the files themselves cannot be raised: :data:`HIGHEST` has what
each limit may be at most. Those of queries are kept by :mod:`btql.execution`.

A document is checked before it is taken apart, on its bytes (:func:`shape_of`), so what is refused never costs the
memory that it would have needed. That bounds what one write carries: a row that is merged into again and again may
grow beyond, as merges happen after they were acknowledged, when nobody is left to be told.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from btql_storage.errors import BadSetting, LimitExceeded, TooManyEvents
from btql_storage.later import np
from btql_storage.transactions import ROWS_MAX

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T", bound="Limits")

UNBOUNDED = 2**63 - 1
"""The limit of what has none."""
_PREFIX = "BTQL_"
_UNITS = {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_SIZE = re.compile(r"\s*([0-9][0-9_,]*)\s*([a-z]*)\s*", re.IGNORECASE)
_SHORTEST_FIELD = len('"":0,')
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b"{}[]:")
_LONG = 64 << 10
_CACHED = 256 << 10
_WORD = 64
_FEW = 16 << 10
"""Bytes that are looked at sooner than NumPy is called."""
_OPENING = ord("{")
_APART = ord("{") ^ ord("[")
_STEPS = bytes(1 if byte in b"{[" else 255 if byte in b"}]" else 0 for byte in range(256))
_ARRAY_STEPS = bytes(1 if byte in b"[" else 255 if byte in b"]" else 0 for byte in range(256))


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is taken; each error that cites one names it."""

    request_bytes_max: int = 512 << 20
    """JSON of all documents of a request; over HTTP of the whole body, as it is sent and after decompression."""
    request_events_max: int = ROWS_MAX
    """Documents of a request."""
    document_bytes_max: int = 128 << 20
    """JSON of one document."""
    document_depth_max: int = 200
    """How deep a document may be nested."""
    document_keys_max: int = 100_000
    """Keys of one document at all depths together, as each may become a column; those in arrays do not count."""
    query_memory_bytes_max: int = 1 << 30
    """What one query may hold: rows that are sorted, grouped or joined, which go to disk beyond it, and documents that
    wait for a later step, which cannot."""
    memory_bytes_max: int = 0
    """What all queries of a process may hold together; 0 is half of the memory that the process may have."""
    query_spill_bytes_max: int = 10 << 30
    """What one query may write to disk because it does not fit into memory."""
    spill_bytes_max: int = 50 << 30
    """What all queries of a process may write to disk together."""
    query_seconds_max: float = math.inf
    """How long a query may run; whoever asks may allow it less."""
    answer_rows_max: int = UNBOUNDED
    """Rows of an answer; one with more is an error, not cut."""
    bulk_queries_max: int = 2
    """How many exports compute at the same time; others wait for a turn."""
    memory_cache_bytes_max: int = 0
    """What a process keeps of files and answers because they may be needed again; 0 is an eighth of the memory
    that the process may have."""


HIGHEST = Limits(
    request_bytes_max=1 << 30,
    request_events_max=ROWS_MAX,
    document_bytes_max=1 << 30,
    document_depth_max=400,
    document_keys_max=1 << 30,
    query_memory_bytes_max=1 << 46,
    memory_bytes_max=1 << 46,
    query_spill_bytes_max=1 << 50,
    spill_bytes_max=1 << 50,
    bulk_queries_max=1_000,
    memory_cache_bytes_max=1 << 46,
)
"""What each limit may be at most: beyond it files, the reading of JSON or machines cannot follow."""
DEFAULT = Limits()
NAMES = tuple(one.name for one in fields(Limits))
SERVER_NAMES = frozenset(
    {
        "attachment_bytes_max",
        "background_bytes_max",
        "background_kept_max",
        "background_kept_s",
        "background_seconds_max",
        "body_wait_s",
        "decompression_ratio_max",
        "logs3_payload_bytes_max",
        "pg_connections_max",
        "queries_per_minute",
        "query_rows_default",
        "query_rows_max",
        "query_seconds_default",
        "refused_wait_s",
        "requests_per_minute",
    }
)
"""What else ``btql serve`` takes, and programs that embed a database leave alone where a configuration file has it."""


class Shape(NamedTuple):
    """What a document is, as far as limits go."""

    depth: int
    keys: int
    """Outside of arrays."""


def check_document(line: bytes, index: int, limits: Limits) -> None:
    """Raise where a document is beyond a limit; what is not JSON at all is found elsewhere."""
    size = len(line)
    if size > limits.document_bytes_max:
        raise exceeded(index, f"larger than {limits.document_bytes_max:,} bytes", "document_bytes_max")
    brackets = _brackets(line)
    many_keys = size > limits.document_keys_max * _SHORTEST_FIELD and line.count(b":") > limits.document_keys_max
    if brackets <= limits.document_depth_max and not many_keys:
        return
    shape = shape_of(line)
    if shape.depth > limits.document_depth_max:
        raise too_deep(index, limits)
    if shape.keys > limits.document_keys_max:
        raise exceeded(index, f"more than {limits.document_keys_max:,} keys", "document_keys_max")


def may_exceed(text: bytes, ends: NDArray[np.int64], limits: Limits) -> bool:
    """Whether any document of a text may be beyond a limit; ``ends`` has where each of them ends.

    What opens an array or an object is counted by words of 64 bytes, so brackets of the neighbours that share a word
    count, too.
    """
    sizes = np.diff(ends, prepend=0)
    size = int(sizes.max(initial=0))
    if size > limits.document_bytes_max or size > limits.document_keys_max * _SHORTEST_FIELD:
        return True
    if len(text) < _FEW and text.count(b"{") + text.count(b"[") <= limits.document_depth_max:
        return False
    before = np.concatenate(([0], np.bitwise_count(_bracket_bits(text)).cumsum(dtype=np.int64)))
    brackets = before[-(-ends // _WORD)] - before[(ends - sizes) // _WORD]
    return int(brackets.max(initial=0)) > limits.document_depth_max


def _bracket_bits(text: bytes) -> NDArray[np.uint64]:
    """Return a bit for each byte of a text, set where that opens an array or an object, in words of as many bytes."""
    characters = np.frombuffer(text, np.uint8)
    bits = np.zeros(-(-len(text) // _WORD) * _WORD // 8, np.uint8)
    # In slices, as what fits into a processor's cache is many times faster than new memory.
    for start in range(0, len(text), _CACHED):
        # The two differ in one bit.
        found = np.packbits((characters[start : start + _CACHED] | _APART) == _OPENING)
        bits[start // 8 : start // 8 + len(found)] = found
    return bits.view(np.uint64)


def _brackets(line: bytes) -> int:
    """Count what opens an array or an object, in texts too."""
    if len(line) < _LONG:
        # To count a byte is a plain loop in Python 3.11, to remove it is not.
        return 2 * len(line) - len(line.replace(b"{", b"")) - len(line.replace(b"[", b""))
    # NumPy lets other threads go on meanwhile, which for less would not be worth it.
    return int(np.count_nonzero((np.frombuffer(line, np.uint8) | _APART) == _OPENING))


def shape_of(line: bytes) -> Shape:
    """Count brackets and colons outside of texts."""
    from btql_storage.structure import outside_texts

    deepest = depth = arrays = keys = 0
    for without_texts in outside_texts(line):
        piece = without_texts.translate(None, _NOT_STRUCTURE)
        if not piece:
            continue
        depths = np.frombuffer(piece.translate(_STEPS), np.int8).cumsum(dtype=np.int32) + depth
        within = np.frombuffer(piece.translate(_ARRAY_STEPS), np.int8).cumsum(dtype=np.int32) + arrays
        keys += int(((np.frombuffer(piece, np.uint8) == ord(":")) & (within <= 0)).sum())
        deepest = max(deepest, int(depths.max()))
        depth, arrays = int(depths[-1]), int(within[-1])
    return Shape(deepest, keys)


def exceeded(index: int, reason: str, name: str) -> LimitExceeded:
    """Return the error of a document that is beyond a limit."""
    return LimitExceeded(index, f"{reason}, the limit `{name}`", name, way_to_raise(name))


def too_deep(index: int, limits: Limits) -> LimitExceeded:
    """Return the error of a document that is nested too deep."""
    return exceeded(index, f"nested more than {limits.document_depth_max} deep", "document_depth_max")


def check_events(count: int, limits: Limits) -> None:
    """Raise where a request has too many events."""
    if count > limits.request_events_max:
        message = f"a request of more than {limits.request_events_max:,} events, the limit `request_events_max`"
        raise TooManyEvents(message, f"send at most {limits.request_events_max:,} at a time")


def check_request(json_bytes: int, limits: Limits) -> None:
    """Raise where the documents of a request are too large together."""
    if json_bytes > limits.request_bytes_max:
        message = f"a request of more than {limits.request_bytes_max:,} bytes, the limit `request_bytes_max`"
        raise TooManyEvents(message, f"send fewer or smaller events at a time, or {way_to_raise('request_bytes_max')}")


def way_to_raise(name: str) -> str:
    """Return what to do where a limit is in the way."""
    return f"raise it with {_PREFIX}{name.upper()} in the environment"


def from_environment(limits: T, environ: Mapping[str, str] = os.environ) -> T:
    """Return limits with what the environment says of them: ``BTQL_`` and a name in capitals."""
    names = [one.name for one in fields(limits)]
    found = {name: environ[variable] for name in names if (variable := _PREFIX + name.upper()) in environ}
    return with_options(limits, found, lambda name: _PREFIX + name.upper()) if found else limits


def from_file(limits: T, table: Mapping[str, object]) -> T:
    """Return limits with what a configuration file says of them."""
    known = {one.name for one in fields(limits)}
    mine = {name: value for name, value in table.items() if name in known or name not in SERVER_NAMES}
    return with_options(limits, mine, "`limits.{}` of btql.toml".format)


def with_options(limits: T, options: Mapping[str, object], spelled: Callable[[str], str] = "`{}`".format) -> T:
    """Return limits with others for some names; ``spelled`` is how the place that has them calls each."""
    known = {one.name: one for one in fields(limits)}
    values: dict[str, object] = {}
    for name, value in options.items():
        if name not in known:
            raise BadSetting(f"{spelled(name)} is no limit", f"the limits are {', '.join(known)}")
        values[name] = _number(spelled(name), value, getattr(HIGHEST, name, UNBOUNDED), known[name].type == "float")
    # Each has the type that its field has.
    return replace(limits, **cast("dict[str, int]", values))


def _number(spelled: str, value: object, most: float, is_float: bool) -> int | float:  # noqa: FBT001
    if is_float:
        number = _float(value)
        if number is None or not 0 < number <= most:
            raise BadSetting(f"{spelled} is `{value}`", "give a number above 0")
        return number
    whole = value if isinstance(value, int) else size_of(str(value))
    if whole is None or isinstance(value, bool) or not 0 < whole <= most:
        raise BadSetting(f"{spelled} is `{value}`", f"give a whole number from 1 to {most:,}, or like 64MiB")
    return whole


def _float(value: object) -> float | None:
    try:
        return None if isinstance(value, bool) else float(str(value))
    except ValueError:
        return None


def size_of(text: str) -> int | None:
    """Return a number with a unit or without; None for anything else.

    >>> size_of("64 MiB"), size_of("1_000"), size_of("many")
    (67108864, 1000, None)
    """
    found = _SIZE.fullmatch(text)
    if found is None or found[2].lower() not in _UNITS:
        return None
    return int(found[1].replace("_", "").replace(",", "")) * _UNITS[found[2].lower()]
