"""``btql serve``: one parent that binds the sockets, and children that do the work.

The parent starts ``workers`` workers, which accept from the same socket, and one process that compacts. It starts
again what dies, with longer and longer pauses. On SIGTERM or SIGINT it tells all of them to stop, waits, and kills
whoever takes too long; a second signal kills at once.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from typing import TypeAlias

from btql.errors import Error
from btql_server.access.keys import Keys
from btql_server.logs import log_as
from btql_server.operating.shared_counts import counts_folder, forget
from btql_server.registry.opening import open_registry
from btql_server.settings import Settings
from btql_storage.addresses import shown
from btql_storage.store import Storage

log = logging.getLogger("btql.serve")
Addresses: TypeAlias = Mapping[str, str]
"""Where the doors are, by their names: ``http``, and ``pg`` and ``flight`` where they were asked for."""
_BACKLOG = 1_024
_PAUSE_MAX_S = 30.0
_STEADY_S = 60.0
"""Who lived for so long is started again without a pause."""
_SCHEMES = {"http": "http", "pg": "postgresql"}
_CLOSING_S = 10.0
"""What a child may take, beyond its grace, to close its files."""


class ServeError(Error):
    """A server that cannot be started as asked."""


def serve(settings: Settings, ready: Callable[[Addresses], None]) -> None:
    """Serve until a signal comes; ``ready`` gets the addresses once all workers answer."""
    log_as("serve", settings.log_level)
    settings = replace(settings, maintained=True)
    check(settings)
    _check_flight(settings)
    with listening(settings) as listeners, counts_folder() as environment:
        asyncio.run(Supervisor(settings, listeners, ready, environment).run())


def _check_flight(settings: Settings) -> None:
    """Refuse an address of Flight SQL that is taken: who binds it later cannot say so well what is wrong with it."""
    if settings.flight is not None:
        listen(settings.flight).close()


def check(settings: Settings) -> None:
    """Make the database where there is none; refuse what would be open to everybody, and say where no key is yet."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        from btql_server.pgwire.tls import load_tls

        load_tls(settings.tls_cert, settings.tls_key)
    location = settings.location
    with Storage.open(location, create=True):
        registry = open_registry(location)
    try:
        registry.default_organization()
        addresses = (settings.http, settings.pg, settings.flight)
        host = next((each[0] for each in addresses if each is not None and not _is_loopback(each[0])), None)
        if settings.insecure_no_auth:
            if host is not None:
                raise ServeError(
                    f"a server without keys may only listen on this machine, not on {host}: "
                    "leave --insecure-no-auth out, or listen on 127.0.0.1"
                )
            return
        with closing(Keys(registry)) as keys:
            anybody = keys.any()
        command = f"`btql keys create --data {shown(settings.database or str(settings.data))}`"
        if not anybody and host is not None:
            raise ServeError(f"nobody has a key yet, so the server does not listen on {host}: make one with {command}")
        if not anybody:
            log.warning("no key yet: %s", command)
    finally:
        registry.close()


def _is_loopback(host: str) -> bool:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise ServeError(f"cannot listen on {host}: {_reason(error)}") from None
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)


def _reason(error: OSError) -> str:
    """Return what the system says; Python adds the address to it, which the message has already."""
    # Errors of looking up a name have numbers of their own, below zero.
    text = error.strerror if error.errno is None or error.errno <= 0 else os.strerror(error.errno)
    return (text or str(error)).lower()


def listen(address: tuple[str, int]) -> socket.socket:
    """Return a socket that listens on host and port."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ServeError(f"cannot listen on {host}:{port}: {_reason(error)}") from None
    # Connections inherit it: an answer's body does not wait for the client to have acknowledged the head, for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def listening(settings: Settings) -> Generator[dict[str, socket.socket]]:
    """Listen at each address that workers accept from together, by the name of the door."""
    listeners: dict[str, socket.socket] = {}
    try:
        for door, address in (("http", settings.http), ("pg", settings.pg)):
            if address is not None:
                listeners[door] = listen(address)
        yield listeners
    finally:
        for listener in listeners.values():
            listener.close()


def url_of(listener: socket.socket, door: str) -> str:
    """Return the address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return _url(_SCHEMES[door], host, port)


class Child:
    """One child process, started again whenever it dies."""

    def __init__(
        self,
        role: str,
        name: str,
        settings: Settings,
        listeners: Mapping[str, socket.socket],
        environment: dict[str, str],
    ) -> None:
        self.name = name
        self._environment = environment
        self._role = role
        self._settings = settings
        self._listeners = listeners
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def keep(self, ready: asyncio.Event) -> None:
        """Run the process, and start it again until :meth:`stop`; an error where it never becomes ready."""
        pause = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            process = await self._start()
            if self._is_stopping():
                # Whoever stopped it may have seen the one before, which has ended.
                await self.stop()
                return
            line = await process.stdout.readline() if process.stdout is not None else b""
            if line.startswith(b"ready"):
                self._take_addresses(line.decode().split()[1:])
                ready.set()
            code = await process.wait()
            if self._is_stopping():
                return
            forget(self._environment, process.pid)
            if not ready.is_set():
                raise ServeError(f"the {self.name} process ended with code {code} before it was ready")
            pause = 0.0 if time.monotonic() - began > _STEADY_S else min(_PAUSE_MAX_S, 2 * pause + 0.5)
            log.error("a process died and is started again", extra={"child": self.name, "code": code, "pause_s": pause})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    def _take_addresses(self, found: Sequence[str]) -> None:
        """Keep the address that a worker has bound by itself, so that the next one in its place takes the same."""
        for each in found:
            name, _, port = each.partition("=")
            if name == "flight" and self._settings.flight is not None:
                self._settings = replace(self._settings, flight=(self._settings.flight[0], int(port)))

    @property
    def flight_url(self) -> str | None:
        """Where the process serves Flight SQL."""
        return flight_url(self._settings)

    async def _start(self) -> Process:
        numbers = {door: listener.fileno() for door, listener in self._listeners.items()}
        doors = [f"{door}={number}" for door, number in numbers.items()]
        command = [sys.executable, "-m", "btql_server.process", self._role, self.name, *doors]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=tuple(numbers.values()),
            start_new_session=True,
            env=os.environ | self._environment,
        )
        self._process = process
        assert process.stdin is not None
        process.stdin.write(self._settings.to_json() + b"\n")
        await process.stdin.drain()
        return process

    def _is_stopping(self) -> bool:
        return self._stopping.is_set()

    async def stop(self) -> None:
        """Let the process end by itself; kill it where that takes too long."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), self._settings.stop_grace_s + _CLOSING_S)
        except TimeoutError:
            log.error("a process did not stop and is killed", extra={"child": self.name})  # noqa: TRY400
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End the process at once. What it acknowledged is durable."""
        self._stopping.set()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()


class Supervisor:
    """The parent's event loop."""

    def __init__(
        self,
        settings: Settings,
        listeners: Mapping[str, socket.socket],
        ready: Callable[[Addresses], None],
        environment: dict[str, str],
    ) -> None:
        names = [("worker", f"worker-{number + 1}") for number in range(settings.workers)]
        self._children = [
            # Flight binds its port by itself, so one process serves it.
            Child(role, name, settings if number == 0 else replace(settings, flight=None), listeners, environment)
            for number, (role, name) in enumerate((*names, ("maintenance", "maintenance")))
        ]
        self._urls = {door: url_of(listener, door) for door, listener in listeners.items()}
        self._ready = ready
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Start the children, say that all are ready, and stop them when a signal comes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        started = [asyncio.Event() for _ in self._children]
        keeping = [asyncio.create_task(one.keep(event)) for one, event in zip(self._children, started, strict=True)]
        announcing = asyncio.create_task(self._announce(started))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait((*keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            announcing.cancel()
            await asyncio.gather(*(one.stop() for one in self._children))
        for task in done:
            # A child that never became ready.
            task.result()
        await asyncio.gather(*keeping, return_exceptions=True)
        log.info("stopped")

    async def _announce(self, started: list[asyncio.Event]) -> None:
        for event in started:
            await event.wait()
        addresses = dict(self._urls)
        flight = self._children[0].flight_url
        if flight is not None:
            addresses["flight"] = flight
        self._ready(addresses)

    def _signalled(self) -> None:
        if self._stop.is_set():
            for one in self._children:
                one.kill()
        log.info("stopping")
        self._stop.set()


def flight_url(settings: Settings) -> str | None:
    """Return the address of Flight SQL, as its clients write it."""
    if settings.flight is None:
        return None
    return _url("grpc" if settings.tls_cert is None else "grpc+tls", *settings.flight)


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@contextmanager
def running(settings: Settings) -> Generator[str]:
    """Serve from a thread of this process, without a process that compacts; for tests and notebooks."""
    with running_doors(settings) as addresses:
        yield addresses["http"]


@contextmanager
def running_doors(settings: Settings) -> Generator[Addresses]:
    """Serve as :func:`running` does; yield the address of every door."""
    # The parent of `btql serve` needs no engine.
    from btql_server.state import State
    from btql_server.worker import Worker

    _check_flight(settings)
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
