"""Waiting for what happens a moment later, in another thread or process."""

import contextlib
import time

import httpx
import pytest


def eventually(condition, seconds: float = 30):
    """Return what the condition finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if found := condition():
                return found
        time.sleep(0.05)
    pytest.fail("it did not happen")
