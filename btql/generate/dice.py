"""The only source of chance in the generator.

All draws come from the raw 64-bit output of PCG64, whose stream numpy promises
never to change; numpy's distributions carry no such promise, and ``exp`` may
differ in the last bit between processors. So everything that is not uniform is
looked up in a table of whole numbers that was computed once (``profile``).

Numbers are drawn in bulk and handed out one by one: a draw costs about 40 ns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Choice = TypeVar("Choice")

_BULK = 8192
_UNIT = 2.0**-53


class Dice:
    """A seeded stream of uniform numbers and a second one of identifiers."""

    __slots__ = ("_identifier", "unit", "uuid")

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"the seed must not be negative, but is {seed}")
        self.unit: Callable[[], float] = _units(seed).__next__
        """Draw a number from 0 up to, but without, 1."""
        self.uuid: Callable[[], bytes] = _uuids(seed).__next__
        """Draw an identifier in the form of a UUID."""

    def below(self, end: int) -> int:
        """Draw a whole number from 0 up to, but without, ``end``."""
        return int(self.unit() * end)

    def between(self, low: float, high: float) -> float:
        """Draw a number between two others."""
        return low + self.unit() * (high - low)

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Draw one of the choices, each as likely as the others."""
        return choices[int(self.unit() * len(choices))]


def _units(seed: int) -> Iterator[float]:
    bits = np.random.PCG64(np.random.SeedSequence([seed, 1]))
    while True:
        raw = bits.random_raw(_BULK)
        yield from ((raw >> np.uint64(11)) * _UNIT).tolist()


def _uuids(seed: int) -> Iterator[bytes]:
    """Yield identifiers made in bulk: the digits go between the hyphens of a template."""
    bits = np.random.PCG64(np.random.SeedSequence([seed, 2]))
    template = np.tile(np.frombuffer(b"00000000-0000-4000-a000-000000000000", dtype=np.uint8), (_BULK // 2, 1))
    free = [place for place, character in enumerate(template[0].tobytes()) if character == ord("0")]
    while True:
        digits = np.frombuffer(bits.random_raw(_BULK).astype("<u8").tobytes().hex().encode(), dtype=np.uint8)
        template[:, free] = digits.reshape(_BULK // 2, 32)[:, : len(free)]
        text = template.tobytes()
        for start in range(0, len(text), 36):
            yield text[start : start + 36]
