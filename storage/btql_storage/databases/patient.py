"""A connection of psycopg whose answers come within a time, or it is lost. Imported where PostgreSQL is used."""

from __future__ import annotations

import time
from typing import TypeVar, cast

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")


class PatientConnection(psycopg.Connection[tuple[object, ...]]):
    """A connection that does not wait for its server for ever: a network that was cut may never say so."""

    answer_s: float = 15.0
    """How long an answer may take."""

    # Which options there are depends on the version of psycopg.
    def wait(self, gen: PQGen[T], *args: float, **options: float) -> T:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Wait for the server."""
        return super().wait(_in_time(gen, self.answer_s), *args, **options)


def _in_time(waiting: PQGen[T], within_s: float) -> PQGen[T]:
    """Go through the steps of an answer; an error where it does not come in time."""
    deadline = time.monotonic() + within_s
    try:
        wish = next(waiting)
        while True:
            # Zero comes now and then while nothing else does.
            ready = yield wish
            if not ready and time.monotonic() > deadline:
                waiting.close()
                raise psycopg.OperationalError(f"no answer for {within_s:g} s")
            wish = waiting.send(ready)
    except StopIteration as end:
        return cast("T", end.value)
