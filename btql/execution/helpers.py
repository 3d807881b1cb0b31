"""Helpers: threads that take a share of work that needs no Python, such as decoding blocks of documents.

Who asks does the work itself, from the front; helpers begin at the back. What no helper has
begun by then is done by who asks: nobody ever waits for a turn, and the threads of a process
that was forked, which are not there, leave everything to who asks.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar

from btql.execution.engine import CORES
from btql.execution.stop import go_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")


def run_all(jobs: Sequence[Callable[[], T]], check: Callable[[], None] = go_on) -> list[T]:
    """Do some jobs, on the cores that there are, and return what each gives; raise what the first that fails raises.

    ``check`` raises where the work may not go on; it is called before each job that who asks does, or waits for.
    """
    if len(jobs) < 2 or CORES < 2:
        return one_by_one(jobs, check)
    begun = [_helpers().submit(job) for job in jobs[:0:-1]][::-1]
    try:
        return [_done(jobs[0], check), *(_outcome(*each, check) for each in zip(begun, jobs[1:], strict=True))]
    finally:
        for future in begun:
            future.cancel()


def one_by_one(jobs: Sequence[Callable[[], T]], check: Callable[[], None] = go_on) -> list[T]:
    """Do some jobs that are not worth a second thread."""
    return [_done(job, check) for job in jobs]


def _done(job: Callable[[], T], check: Callable[[], None]) -> T:
    check()
    return job()


def _outcome(future: Future[T], job: Callable[[], T], check: Callable[[], None]) -> T:
    """Return what a job gives, and do it where no helper has begun it."""
    check()
    return job() if future.cancel() else future.result()


@cache
def _helpers() -> ThreadPoolExecutor:
    """All statements share these, so that however many run, no more threads contend for the cores."""
    # The command line's process, which reads few documents, does without.
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(CORES - 1, thread_name_prefix="btql-helper")
