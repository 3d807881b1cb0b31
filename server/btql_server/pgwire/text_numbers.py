"""Numbers as Postgres prints them.

Floats have the fewest digits that give the same number again; from 1e+15 on (1e+06 for four bytes), and below 0.0001,
they have an exponent, which Arrow and JSON write otherwise.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa

from btql_server.pgwire.byte_arrays import Encoded, content, missing_of, of_array
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST_PLAIN = 1e-4
_COMMA = ord(",")
_LARGEST_PLAIN = {8: 1e15, 4: 1e6}
"""Where exponents begin, by the bytes of a number."""


def floats(values: pa.Array) -> Encoded:
    """Return floats, of four bytes or of eight."""
    numbers = np.ascontiguousarray(values.to_numpy(zero_copy_only=False))
    if not len(numbers):
        return of_array(pa.nulls(0, pa.binary()))
    size = np.abs(numbers)
    with np.errstate(invalid="ignore"):
        odd = ~((size >= _SMALLEST_PLAIN) & (size < _LARGEST_PLAIN[numbers.dtype.itemsize])) & (size != 0)
        whole = numbers == np.trunc(numbers)
    texts = _listed(numbers)
    if whole.any():
        texts = pc.ascii_rtrim(pc.ascii_rtrim(texts, "0"), ".")
    missing = missing_of(values)
    if missing is not None:
        odd &= ~missing
    if odd.any():
        places = np.flatnonzero(odd)
        texts = _replaced(texts, places, [_exponential(number).encode() for number in numbers[places]])
    return of_array(texts if missing is None else pc.if_else(pa.array(missing), None, texts))


def _replaced(texts: pa.Array, places: NDArray[np.intp], new: list[bytes]) -> pa.Array:
    """Return texts with others at a few places."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[: len(texts) + 1].copy()
    data = content(texts)
    starts, ends = offsets[places].tolist(), offsets[places + 1].tolist()
    pieces: list[bytes | memoryview] = []
    done = 0
    for start, end, text in zip(starts, ends, new, strict=True):
        pieces += (data[done:start], text)
        done = end
    more = np.zeros(len(texts), np.int32)
    more[places] = [len(text) - end + start for start, end, text in zip(starts, ends, new, strict=True)]
    offsets[1:] += np.cumsum(more, dtype=np.int32)
    whole = b"".join([*pieces, data[done:]])
    return pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(whole)])


def _listed(numbers: NDArray[np.floating]) -> pa.Array:
    """Return numbers as JSON has them, in an array."""
    listed = orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    commas = np.flatnonzero(np.frombuffer(listed, np.uint8) == _COMMA)
    offsets = np.empty(len(numbers) + 1, np.int32)
    offsets[0] = 0
    offsets[1:-1] = commas - np.arange(len(commas))
    offsets[-1] = len(listed) - len(commas)
    written = pa.py_buffer(listed.replace(b",", b""))
    return pa.Array.from_buffers(pa.string(), len(numbers), [None, pa.py_buffer(offsets), written])


_NOT_NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _exponential(number: np.floating) -> str:
    text = str(number)
    if text in _NOT_NUMBERS:
        return _NOT_NUMBERS[text]
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    shown = "".join(map(str, digits)).rstrip("0")
    if abs(number) > _GAPS and _is_between(number, text):
        # Postgres asks for a number that is nearer to this one than to any other, not just as near.
        more = (np.format_float_scientific(number, each, unique=False, exp_digits=2) for each in range(len(shown), 18))
        return next(each for each in more if type(number)(each) == number and not _is_between(number, each))
    fraction = f".{shown[1:]}" if shown[1:] else ""
    return f"{'-' if sign else ''}{shown[0]}{fraction}e{exponent + len(digits) - 1:+03}"


_GAPS = 1 << 24
"""Above it not all whole numbers are floats of four bytes; what lies between two floats is a whole number then."""


def _is_between(number: np.floating, text: str) -> bool:
    """Whether a spelling lies as near to the next float as to its own."""
    spelled = int(Decimal(text))
    exact = int(number)
    if spelled == exact:
        return False
    with np.errstate(over="ignore"):
        beyond = np.nextafter(number, type(number)(np.inf if spelled > exact else -np.inf))
    return bool(np.isfinite(beyond)) and 2 * spelled == exact + int(beyond)


def decimals(values: pa.Array) -> Encoded:
    """Return decimals, with as many digits behind the point as their type has."""
    # Arrow gives very small ones, and those of a negative scale, an exponent.
    return of_array(without_exponents(values.cast(pa.string())))


def without_exponents(texts: pa.Array) -> pa.Array:
    """Return decimals as texts that have all their digits."""
    if not pc.any(pc.match_substring_regex(texts, "[eE]")).as_py():
        return texts
    return pa.array([None if each is None else f"{Decimal(each):f}" for each in texts.to_pylist()], pa.string())
