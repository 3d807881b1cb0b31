"""Python's garbage collector, kept from walking what only grows.

Building a million small objects takes half the time without it, as none of
them is garbage and it looks at all of them again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Generator[None]:
    """Switch the collector off for a short, bounded piece of work."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
