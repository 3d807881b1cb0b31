"""Python's garbage collector, kept from walking what only grows.

Building a million small objects takes half the time without it, as none of
them is garbage and it looks at all of them again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def collector_paused(*, lasting: bool = False) -> Generator[None]:
    """Switch the collector off for a short, bounded piece of work.

    Switched on again, it looks at every object that was made meanwhile; those
    that are ``lasting`` count as old at once, and old ones it rarely looks at.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            # An application that froze its objects wants them to stay frozen.
            if lasting and not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
