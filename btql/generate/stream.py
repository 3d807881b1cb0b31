"""Many traces at once, their events in order of arrival.

1. The traffic passes through the seven days of ``period``: after a share of all
   spans, the clock stands where that share of the traffic has passed. Traces
   begin in bursts, so that several run at once.
2. A heap holds, for each running trace, its next event, and all late events.
   The earliest is taken out, and the trace that it came from puts its next in.
3. A new trace begins when its time comes before everything in the heap.

Memory holds the plans of the running traces, the texts of spans that have begun
and not ended, and the late events, and never what has been given out.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush, heapreplace
from typing import NamedTuple

from btql.generate.dice import Dice
from btql.generate.events import Event, TraceEvents
from btql.generate.late import late_events
from btql.generate.period import moment_ms
from btql.generate.profile import SPANS_PER_TRACE_MAX, Profile, profile_named
from btql.generate.trace import plan_trace

_LINES_MAX = 1000
_BYTES_MAX = 4 * 2**20
_BURST_SPANS_MIN, _BURST_SPANS_MAX = 60, 300
_BURST_GAP_MS = 4000
_NOTHING: Iterator[Event] = iter(())


class Batch(NamedTuple):
    """Lines that arrive together."""

    lines: list[bytes]
    spans: int
    """How many spans begin with one of these lines."""
    size: int
    """Bytes in the lines, line ends not counted."""


def generate(profile: str, spans: int, seed: int) -> Iterator[list[bytes]]:
    """Yield write events as lines of NDJSON without line ends, in batches of at most 1,000.

    Exactly ``spans`` spans begin in the whole stream; there are about 2.4 times as
    many lines. The same arguments give the same lines.
    """
    for batch in batches(profile_named(profile), spans, seed):
        yield batch.lines


def batches(profile: Profile, spans: int, seed: int) -> Iterator[Batch]:
    """Yield the events of ``generate`` with what a progress bar wants to know."""
    if spans < 0:
        raise ValueError(f"the number of spans must not be negative, but is {spans}")
    lines: list[bytes] = []
    begun = size = 0
    for _, line, opens_span in _Interleaved(profile, spans, Dice(seed)):
        lines.append(line)
        size += len(line)
        begun += opens_span
        if len(lines) >= _LINES_MAX or size >= _BYTES_MAX:
            yield Batch(lines, begun, size)
            lines, begun, size = [], 0, 0
    if lines:
        yield Batch(lines, begun, size)


_Entry = tuple[int, int, Event, Iterator[Event]]
"""Arrival, a running number that breaks ties, the event, and what follows it in its trace."""


class _Interleaved:
    def __init__(self, profile: Profile, spans: int, dice: Dice) -> None:
        self._profile = profile
        self._spans = spans
        self._dice = dice
        self._heap: list[_Entry] = []
        self._number = 0
        self._planned = 0
        self._burst_end = 0
        self._burst_spans = max(_BURST_SPANS_MIN, min(_BURST_SPANS_MAX, spans // 50))
        self._next_start_ms = moment_ms(0.0)

    def __iter__(self) -> Iterator[Event]:
        heap = self._heap
        while heap or self._planned < self._spans:
            while self._planned < self._spans and (not heap or self._next_start_ms <= heap[0][0]):
                self._begin_trace()
            _, _, event, following = heap[0]
            yield event
            successor = next(following, None)
            if successor is None:
                heappop(heap)
            else:
                self._number += 1
                heapreplace(heap, (successor[0], self._number, successor, following))

    def _begin_trace(self) -> None:
        dice = self._dice
        longest = max(30, min(SPANS_PER_TRACE_MAX, self._spans // 5))
        length = min(self._profile.trace_length(dice), longest, self._spans - self._planned)
        trace = TraceEvents(self._profile, dice, plan_trace(self._profile, dice, self._next_start_ms, length))
        events = iter(trace)
        self._push(next(events), events)
        for arrival_ms, line in late_events(trace):
            self._push((arrival_ms, line, False), _NOTHING)
        self._planned += length
        if self._planned >= self._burst_end:
            self._burst_end = self._planned + dice.below(self._burst_spans)
            self._next_start_ms = max(self._next_start_ms, moment_ms(self._planned / self._spans))
        else:
            self._next_start_ms += dice.below(_BURST_GAP_MS)

    def _push(self, event: Event, following: Iterator[Event]) -> None:
        self._number += 1
        heappush(self._heap, (event[0], self._number, event, following))
