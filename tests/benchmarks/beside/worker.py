"""A process with one system in it.

Each system has one of its own, so that none has another's memory, threads or imports, and one that never ends, or dies,
takes nobody along.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import orjson
from benchmarks.beside.question import Plain, Question
from benchmarks.beside.suite import suite_named
from benchmarks.beside.system import THREADS, Inputs, Parameters

_ROWS_SENT_MAX = 2000
"""Of larger answers only digests of their rows are compared, in any order."""


class Failed(Exception):  # noqa: N818  what is compared goes on without it
    """A system that did not answer, and what it said."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How long something took."""

    seconds: float
    cpu_seconds: float
    """Of all threads of the worker; what a server does is not in it."""


@dataclass(frozen=True, slots=True)
class Load:
    """Fill the folder."""

    inputs: Inputs
    address: str


@dataclass(frozen=True, slots=True)
class Open:
    """Get ready."""

    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer, and give the rows as well."""

    question: Question
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Ask:
    """Answer, and say how long it took."""

    question: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Explain:
    """Answer, and say how long each step of it took."""

    question: str
    parameters: Parameters


Order = Load | Open | Answer | Ask | Explain


_TELLING = 6
"""An answer and all of its rows may take so many times as long as an answer."""


class Worker:
    """The near end of such a process."""

    def __init__(self, suite: str, system: str, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, suite, system, folder), daemon=True)
        self._process.start()
        theirs.close()

    def load(self, order: Load) -> tuple[Taken, int]:
        """Fill the folder; return how long that took, and how many bytes there are now."""
        return cast("tuple[Taken, int]", self._order(order, None))

    def open(self, address: str) -> Taken:
        """Make the system ready."""
        return cast("Taken", self._order(Open(address), None))

    def answer(self, order: Answer, seconds_max: float) -> tuple[Taken, list[Plain]]:
        """Return an answer with its rows; to tell these takes longer than the answer where they are documents."""
        taken, rows = cast("tuple[Taken, list[Plain]]", self._order(order, _TELLING * seconds_max))
        if taken.seconds > seconds_max:
            raise Failed(f"no answer within {seconds_max:.0f} s")
        return taken, rows

    def ask(self, order: Ask, seconds_max: float) -> Taken:
        """Return how long an answer takes."""
        return cast("Taken", self._order(order, seconds_max))

    def steps(self, order: Explain, seconds_max: float) -> Mapping[str, float]:
        """Return the seconds of each step of an answer, as far as the system says."""
        return cast("Mapping[str, float]", self._order(order, seconds_max))

    def _order(self, order: Order, seconds_max: float | None) -> object:
        self._pipe.send(order)
        if not self._pipe.poll(seconds_max):
            self.end()
            raise Failed(f"no answer within {seconds_max:.0f} s")
        try:
            answer: object = self._pipe.recv()
        except EOFError:
            self.end()
            raise Failed("the process has died") from None
        if isinstance(answer, Failed):
            raise answer
        return answer

    @property
    def lives(self) -> bool:
        """Whether it can be asked."""
        return self._process.is_alive()

    def end(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def two_cores() -> None:
    """Leave this process, and what it starts, as many cores as a system may use threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def _work(pipe: Connection, suite_name: str, system_name: str, folder: Path) -> None:
    system = suite_named(suite_name).systems[system_name](folder)
    # What the comparison makes must not be looked through while an answer is timed.
    gc.disable()
    try:
        while True:
            order: Order = pipe.recv()
            try:
                pipe.send(_done(system, order))
            except Exception as error:  # noqa: BLE001  whatever it says is told, and the others go on
                pipe.send(Failed(f"{type(error).__name__}: {error}"))
            gc.collect()
    except (EOFError, OSError):
        system.close()
        sys.stdout.flush()
        # Some have threads that never end.
        os._exit(0)


def _done(system: object, order: Order) -> object:
    from benchmarks.beside.system import System

    assert isinstance(system, System)
    match order:
        case Load():
            clock = _Clock()
            system.load(order.inputs, order.address)
            return clock.taken(), system.size(order.address)
        case Open():
            system.version()
            clock = _Clock()
            system.open(order.address)
            return clock.taken()
        case Answer():
            clock = _Clock()
            found = system.ask(order.question.name, order.parameters)
            taken = clock.taken()
            return taken, _sent(order.question.plain(system.rows(found, list(order.question.columns))))
        case Ask():
            clock = _Clock()
            # It is held until the clock has stopped: letting go of it is not a part of the answer.
            found = system.ask(order.question, order.parameters)
            taken = clock.taken()
            del found
            return taken
        case Explain():
            return system.steps(order.question, order.parameters)


class _Clock:
    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._start = time.perf_counter()

    def taken(self) -> Taken:
        return Taken(time.perf_counter() - self._start, time.process_time() - self._cpu)


def _sent(rows: list[Plain]) -> list[Plain]:
    if len(rows) <= _ROWS_SENT_MAX:
        return rows
    return [(hashlib.blake2b(orjson.dumps(row), digest_size=8).hexdigest(),) for row in rows]
