"""A server in a thread of this process, for tests and notebooks; ``btql serve`` is :mod:`btql_server.serve`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from btql_server.listening import Addresses, check_flight, flight_url, listening, url_of
from btql_server.settings import Settings
from btql_server.state import State
from btql_server.worker import Worker


@contextmanager
def running(settings: Settings) -> Generator[str]:
    """Serve from a thread of this process, without a process that compacts; for tests and notebooks."""
    with running_doors(settings) as addresses:
        yield addresses["http"]


@contextmanager
def running_doors(settings: Settings) -> Generator[Addresses]:
    """Serve as :func:`running` does; yield the address of every door."""
    check_flight(settings)
    with ExitStack() as stack:
        state = State.open(settings)
        stack.callback(state.close)
        listeners = stack.enter_context(listening(settings))
        loop = stack.enter_context(closing(asyncio.new_event_loop()))
        thread = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="btql-serve"))
        ready = threading.Event()
        worker = Worker(state, listeners, ready.set)
        served = thread.submit(lambda: loop.run_until_complete(worker.run()))
        served.add_done_callback(lambda _: ready.set())
        # What ended it other than being told to stop is raised, by whoever waits for it.
        stack.callback(served.result)
        stack.callback(loop.call_soon_threadsafe, worker.stop)
        ready.wait()
        if served.done():
            served.result()
        addresses = {door: url_of(listener, door) for door, listener in listeners.items()}
        if settings.flight is not None:
            found = flight_url(replace(settings, flight=(settings.flight[0], worker.flight_port or 0)))
            addresses["flight"] = found or ""
        yield addresses
