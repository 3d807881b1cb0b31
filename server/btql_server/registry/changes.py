"""What a piece of work has changed, for whoever keeps a log of it.

The registry reports each change once it is committed; handlers that change anything else report that by themselves,
through ``call.changes``. Whoever runs the work collects::

    with collecting([]) as changes:
        registry.create(...)
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was changed."""

    action: str
    """``create``, ``update``, ``delete``, ``revoke``, ``grant``, ``feedback``, ``restore``, …"""
    object_type: str
    object_id: str
    name: str | None = None
    detail: str | None = None
    """What else is to be known of it."""


_collected: ContextVar[list[Change] | None] = ContextVar("changes", default=None)


@contextmanager
def collecting(changes: list[Change]) -> Generator[list[Change]]:
    """Add to ``changes`` whatever this thread changes in the block."""
    token = _collected.set(changes)
    try:
        yield changes
    finally:
        _collected.reset(token)


def report(changes: Sequence[Change]) -> None:
    """Say what was changed to whoever collects."""
    collected = _collected.get()
    if collected is not None:
        collected.extend(changes)
