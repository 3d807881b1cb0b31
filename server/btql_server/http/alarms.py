"""Timers that nearly always are stopped before they ring: those of clients that are waited for.

Each request has some: for its head, for its body, for the next request of the connection. A timer of the event loop
costs the loop's thread its turn twice, as the loop lets other threads go on before it starts one and after it stops
one, and where handlers compute each turn is waited for. So all of these share one timer, which looks at them every
:data:`TICK_S` while there are any; they ring that much late at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

TICK_S = 0.2
"""Well below any wait that is set in seconds."""


class Alarm:
    """One wait."""

    __slots__ = ("_alarms", "_ring", "due")

    due: float
    """When it rings, by the clock of the loop."""

    def __init__(self, alarms: Alarms, due: float, ring: Callable[[], object]) -> None:
        self._alarms = alarms
        self._ring = ring
        self.due = due

    def cancel(self) -> None:
        """Let it ring no more."""
        self._alarms.waiting.discard(self)

    def ring(self) -> None:
        """Call whoever set it, once."""
        self.cancel()
        self._ring()


class Alarms:
    """Those of one event loop; used on its thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ticking = False
        self.waiting = set[Alarm]()

    def call_later(self, delay_s: float, ring: Callable[[], object]) -> Alarm:
        """Call a function after a time."""
        alarm = Alarm(self, self._loop.time() + delay_s, ring)
        self.waiting.add(alarm)
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_S, self._tick)
        return alarm

    def _tick(self) -> None:
        now = self._loop.time()
        # First, so that an error of one that rings does not end the ticking, and with it all other waits.
        self._ticking = bool(self.waiting)
        if self._ticking:
            self._loop.call_later(TICK_S, self._tick)
        for alarm in [each for each in self.waiting if each.due <= now]:
            # One that rings may cancel another.
            if alarm in self.waiting:
                alarm.ring()


class Unhurried:
    """An event loop whose ``call_later`` sets alarms; for a library that sets timers of this kind only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.call_later = alarms_of(loop).call_later

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the loop has
        return getattr(self._loop, name)


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Alarms] = WeakKeyDictionary()


def alarms_of(loop: asyncio.AbstractEventLoop) -> Alarms:
    """Return the alarms of an event loop."""
    found = _of_loops.get(loop)
    if found is None:
        found = _of_loops[loop] = Alarms(loop)
    return found
