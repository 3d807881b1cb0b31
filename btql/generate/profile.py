"""How large spans and traces are: the three profiles and their tables.

Every distribution is a table of equally likely whole numbers, computed once
from the quantiles of a log-normal and then drawn from by position: a draw is
one lookup, and the same on every machine (see ``dice``).

========  =======================================================================
small     about 2 KB a span: the size of a simple chat application, for most tests
real      mean about 50 KB, up to 20 MB: drawn with a median of 4 KB, log-normal with
          sigma 2.0, and besides 0.5 % of spans of 1 to 4 MB and 0.04 % of 20 MB;
          then laid out so that each model call holds its conversation (``trace``)
wide      about 2.5 KB a span, but thousands of distinct metadata keys
========  =======================================================================

A size is what one span's events hold together, in bytes of JSON. The number of
spans in a trace is log-normal as well (typically 3 to 30) with a heavy tail up
to 10,000; in a small data set a single trace has at most a fifth of all spans.

How ``real`` comes out, over 50,000 spans: 48 KB on average, half have 5.5 KB at most,
5 % more than 185 KB, 1 % more than 450 KB, 0.25 % a megabyte and more, 0.02 % 20 MB.
Model calls have five sixths of all bytes and 48 KB at the median, the other spans 2.2 KB.
Of what model calls take in, four fifths were said word for word in a call before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from btql.generate.dice import Dice

SPANS_PER_TRACE_MAX = 10_000
TABLE_LENGTH = 4096

KB = 1000
MB = 1000 * KB
HUGE = 20 * MB


def log_normal(median: float, sigma: float, length: int = TABLE_LENGTH) -> list[int]:
    """Return the quantiles of a log-normal, in ascending order, rounded to whole numbers."""
    normal = NormalDist()
    return [round(median * exp(sigma * normal.inv_cdf((place + 0.5) / length))) for place in range(length)]


@dataclass(frozen=True, slots=True)
class Profile:
    """What sets one profile apart from the others."""

    name: str
    size_median: int
    """Bytes of JSON in half of all spans at most."""
    size_sigma: float
    trace_median: float
    """Spans in half of all traces at most."""
    trace_sigma: float
    long_trace_share: float
    """Share of traces with 1,000 to 10,000 spans."""
    megabyte_share: float = 0.0
    """Share of spans of 1 to 4 MB."""
    huge_share: float = 0.0
    """Share of spans of ``HUGE``."""
    attribute_keys: int = 0
    """Distinct keys under ``metadata.attributes``; none where 0."""
    conversation_calls_max: int = 12
    """A conversation has two to so many calls, if its trace has as many."""
    calls_hold_conversations: bool = False
    """Whether each call says all of its conversation again, so that calls grow evenly and have most of the bytes."""

    def sizes(self, dice: Dice, count: int) -> list[int]:
        """Draw the sizes of ``count`` spans in bytes."""
        table, unit = _quantiles(self.size_median, self.size_sigma), dice.unit
        sizes = [table[int(unit() * TABLE_LENGTH)] for _ in range(count)]
        if self.huge_share:
            for place in range(count):
                chance = unit()
                if chance < self.huge_share:
                    sizes[place] = HUGE
                elif chance < self.huge_share + self.megabyte_share:
                    sizes[place] = dice.pick(_MEGABYTES)
        return sizes

    def trace_length(self, dice: Dice) -> int:
        """Draw how many spans one trace has."""
        if dice.unit() < self.long_trace_share:
            return dice.pick(_LONG_TRACES)
        return max(1, min(1000, dice.pick(_quantiles(self.trace_median, self.trace_sigma))))


@cache
def _quantiles(median: float, sigma: float) -> list[int]:
    return log_normal(median, sigma)


_LONG_TRACES = [round(1000 * 10 ** (place / 255)) for place in range(256)]
"""1,000 to 10,000, every factor equally likely."""

_MEGABYTES = [round(MB * 4 ** (place / 255)) for place in range(256)]
"""1 to 4 MB, likewise."""

_SMALL = Profile(
    name="small",
    size_median=1400,
    size_sigma=0.75,
    trace_median=10,
    trace_sigma=1.1,
    long_trace_share=0.003,
)
_REAL = Profile(
    name="real",
    size_median=4 * KB,
    size_sigma=2.0,
    trace_median=10,
    trace_sigma=1.1,
    long_trace_share=0.003,
    megabyte_share=0.005,
    huge_share=0.0004,
    conversation_calls_max=30,
    calls_hold_conversations=True,
)
_WIDE = Profile(
    name="wide",
    size_median=1400,
    size_sigma=0.75,
    trace_median=6,
    trace_sigma=0.9,
    long_trace_share=0.0005,
    attribute_keys=6000,
)
PROFILES = {profile.name: profile for profile in (_SMALL, _REAL, _WIDE)}


def profile_named(name: str) -> Profile:
    """Return the profile of that name."""
    if name not in PROFILES:
        raise ValueError(f"there is no profile `{name}`; there are {', '.join(f'`{known}`' for known in PROFILES)}")
    return PROFILES[name]
