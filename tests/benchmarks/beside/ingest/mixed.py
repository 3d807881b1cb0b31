"""Questions while nothing else happens, while events come in at a fixed rate, and while everything is exported.

Questions are asked one after the other, round after round, by one process. Another one writes, as an application would
that embeds btql: it compacts in its background, too. The export is a query for everything, in the process that asks.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from typing import cast

from benchmarks.beside.rivals.btql import OBJECT, SOURCE, Btql
from benchmarks.beside.spans.recipes import in_btql
from benchmarks.beside.system import Parameters

import btql
from btql.generate.stream import generate

_EVERY = 0.1
"""Seconds from one batch to the next."""
_OTHER_SEED = 1_000_003
LEFT_OUT = frozenset({"export", "trace list", "trace of 10,000"})
"""Questions that are bulk themselves."""


@dataclass(slots=True)
class Asked:
    """How long answers took, by question."""

    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def at(self, question: str, percent: int) -> float:
        """Return a percentile."""
        return percentile(self.seconds[question], percent)

    def all_at(self, percent: int) -> float:
        """Return a percentile of all answers; each question was asked as often as any other."""
        return percentile([taken for found in self.seconds.values() for taken in found], percent)


@dataclass(frozen=True, slots=True)
class Load:
    """What went on beside the questions."""

    wanted_per_second: float
    done_per_second: float
    write_median: float
    write_p99: float
    waiting: int
    """Events that waited for compaction at the end."""


def percentile(taken: Sequence[float], percent: int) -> float:
    """Return a percentile of some times."""
    return quantiles(taken, n=100, method="inclusive")[percent - 1] if len(taken) > 1 else taken[0]


def ask(folder: Path, parameters: Parameters, seconds: float) -> Asked:
    """Ask everything, again and again for some seconds, and at least three times."""
    system = Btql(folder, in_btql.RECIPE)
    system.open("")
    questions = sorted(system.questions() - LEFT_OUT)
    asked = Asked({question: [] for question in questions})
    for question in questions:
        system.ask(question, parameters)
    end, rounds = time.monotonic() + seconds, 0
    while rounds < 3 or time.monotonic() < end:
        rounds += 1
        for question in questions:
            began = time.perf_counter()
            system.ask(question, parameters)
            asked.seconds[question].append(time.perf_counter() - began)
    system.close()
    return asked


@contextmanager
def writing(folder: Path, profile: str, per_second: int) -> Generator[Callable[[], Load]]:
    """Write events at a rate in another process; what is yielded ends that and tells how it went."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_write, args=(far, folder, profile, per_second), daemon=True)
    process.start()
    far.close()
    assert near.recv() == "begun"

    def end() -> Load:
        near.send("end")
        return cast("Load", near.recv())

    try:
        yield end
    finally:
        near.close()
        process.join(30)
        process.kill()


def _write(pipe: Connection, folder: Path, profile: str, per_second: int) -> None:
    size = max(round(per_second * _EVERY), 1)
    # All of one batch: the generator must not take the time that questions need.
    events = list(islice(chain.from_iterable(generate(profile, 50_000, _OTHER_SEED)), 200 * size))
    taken: list[float] = []
    with btql.connect(folder / "db") as conn:
        number = 0
        pipe.send("begun")
        began = time.monotonic()
        while not pipe.poll(max(0.0, began + number * _EVERY - time.monotonic())):
            start = number * size % len(events)
            batch = _again(events[start : start + size], number)
            before = time.perf_counter()
            conn.ingest(OBJECT, batch)
            taken.append(time.perf_counter() - before)
            number += 1
        seconds = time.monotonic() - began
        pipe.recv()
        waiting = conn.status().pending_events
        done = number * size / seconds
        pipe.send(Load(per_second, done, percentile(taken, 50), percentile(taken, 99), waiting))


def _again(batch: Sequence[bytes], number: int) -> list[bytes]:
    """Return events with other ids than those that they had the last time."""
    return [line.replace(b'"id":"', b'"id":"%d-' % number, 1) for line in batch]


@contextmanager
def exporting(folder: Path) -> Generator[Callable[[], float]]:
    """Export everything again and again, on a thread; what is yielded ends that and returns rows a second."""
    stopped = Event()
    counted = [0]

    def export() -> None:
        with btql.connect(folder / "db", read_only=True) as conn:
            while not stopped.is_set():
                for batch in conn.query(f"select: * | {SOURCE}").batches():
                    counted[0] += batch.num_rows
                    if stopped.is_set():
                        break

    thread = Thread(target=export)
    began = time.monotonic()
    thread.start()

    def end() -> float:
        stopped.set()
        thread.join()
        return counted[0] / (time.monotonic() - began)

    try:
        yield end
    finally:
        stopped.set()
        thread.join()


def settle(folder: Path) -> None:
    """Compact what has come in."""
    with btql.connect(folder / "db", background=False) as conn:
        conn.compact()
