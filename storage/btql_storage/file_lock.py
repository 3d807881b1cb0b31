"""The lock of an open file, as the system has it: it ends with the process at the latest."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def taken(descriptor: int, *, wait: bool = False) -> Generator[bool]:
    """Yield whether the lock of an open file, which is closed afterwards, was there to be taken."""
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
